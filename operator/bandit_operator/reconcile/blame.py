"""Which arms a gateway cannot resolve, by its words in condition ``ResolvedRefs``.

The condition is one for the whole route, and its message is free text that each implementation words as it
likes. What it says of another rule is about no arm. A backend counts as named by the clearest form that the
words have: ``namespace/name`` or a host name, else its name in quotes, else its name as a word.
Reference: Gateway API, RouteConditionResolvedRefs.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from bandit_operator.core.model import Backend

_PARTS = re.compile(r"[;\n]")
"""Between what is said of one thing and of the next."""
_RULE = re.compile(r"(?<![\w-])rules?[ \[](\d+)")
"""The index of a rule, as in ``rule 1`` and ``spec.rules[1]``."""
_WORDS = frozenset(
    {"backend", "backends", "gateway", "not", "port", "ref", "route", "rule", "service", "services"}
)
"""Of what such messages are made: as a bare word these name nothing."""
_BEFORE, _AFTER = r"(?<![\w./-])", r"(?![\w/(-]|\.\w)"
"""What a whole name stands between: nothing that makes it a part of another name, or a word for a kind."""


def blamed(words: str, rule: int, backends: Mapping[str, Backend]) -> frozenset[str]:
    """The arms that the words name.

    Args:
        words: the gateway's message.
        rule: index of the rule that carries the arms.
        backends: of the arms.
    """
    parts = _about(words, rule)
    clear = {(part, arm): _clearness(part, one) for part in parts for arm, one in backends.items()}
    best = {part: max(clear[part, arm] for arm in backends) for part in parts}
    return frozenset(arm for (part, arm), found in clear.items() if found and found == best[part])


def names(words: str, backend: Backend) -> bool:
    """Whether the words name a backend, in whichever rule."""
    return _clearness(words, backend) > 0


def _about(words: str, rule: int) -> frozenset[str]:
    """What the words say of a rule, and what they say of none."""
    about = set()
    for part in _PARTS.split(words):
        index, begin = rule, 0
        for found in _RULE.finditer(part):
            if index == rule:
                about.add(part[begin : found.start()])
            index, begin = int(found[1]), found.end()
        if index == rule:
            about.add(part[begin:])
    return frozenset(about)


@functools.lru_cache(maxsize=4096)
def _clearness(words: str, backend: Backend) -> int:
    """How clearly a backend is named: 0 for not at all."""
    name, namespace = re.escape(backend.name), re.escape(backend.namespace)
    forms = (
        rf"{_BEFORE}{name}{_AFTER}" if backend.name not in _WORDS else r"(?!)",
        rf"([\"'`]){name}\1",
        rf"{_BEFORE}(?:{namespace}/{name}(?![\w/-]|\.\w)|{name}\.{namespace}(?![\w-]))",
    )
    return max((at for at, form in enumerate(forms, 1) if re.search(form, words)), default=0)
