"""Several queries asked as one: which may be, how they are put together, and their answer taken apart.

Whoever asks may be a tenant, and what one of them writes must not reach what another is told. The elements
of each query get its place as a label, which is set last and so is always ours; and only text that is
closed in itself is joined at all: no bracket, string or comment of it can enclose, or end, what stands beside
it. What is not is asked alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bandit_operator.adapters.answers import MOST_ELEMENTS
from bandit_operator.sources import Sample

PLACE = "bandit_query"
"""Label that tells the queries of one answer apart."""
MOST_QUERIES = 32
"""Most queries in one."""
MOST_ELEMENTS_EACH = MOST_ELEMENTS // MOST_QUERIES
"""A query with more in its answer is better asked alone: as many of each are the most of an answer."""
MOST_CHARACTERS = 262_144
"""Most characters of them."""
MOST_DEPTH = 64
"""Most brackets inside each other in a query that is joined."""
_STRING_OR_COMMENT = r"""
    "[^"\\\r\n]*+(?:\\[^\r\n][^"\\\r\n]*+)*+"   # strings end on their line
    | '[^'\\\r\n]*+(?:\\[^\r\n][^'\\\r\n]*+)*+'
    | `[^`\\\r\n]*+`
    | \#[^\r\n]*+(?:\n|\Z)                      # a comment ends with its line
"""
_INERT = re.compile(_STRING_OR_COMMENT, re.VERBOSE)
_ENDED = re.compile(rf"""(?:[^"'`\#\r]++|{_STRING_OR_COMMENT})*+""", re.VERBOSE)
"""Text whose strings and comments all end; read once from left to right, whatever is in it."""
_BUT_BRACKETS = {at: None for at in range(128) if chr(at) not in "()[]{}"}


def is_closed(promql: str) -> bool:
    """Whether brackets, strings and comments of a query all end inside it, whatever stands beside it.

    Not so, too, is a query that names :data:`PLACE`, whose own such label would be lost, and what is no
    Unicode. This is looked at for each query of each tick: it takes a hundredth of a millisecond a kilobyte.
    """
    if not _ENDED.fullmatch(promql) or not promql.strip() or PLACE in promql:
        return False
    brackets = _INERT.sub("", promql).translate(_BUT_BRACKETS)
    for _ in range(MOST_DEPTH):
        if not brackets:
            break
        brackets = brackets.replace("()", "").replace("[]", "").replace("{}", "")
    return not brackets and (promql.isascii() or _is_unicode(promql))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def joined(queries: Sequence[str]) -> str:
    """One query whose answer has the elements of all; a single one stays as it is.

    Args:
        queries: each of which :func:`is_closed`.
    """
    if len(queries) == 1:
        return queries[0]
    # The line's end ends a comment that a query may end in.
    parts = [f'label_replace((\n{one}\n), "{PLACE}", "{at}", "", "")' for at, one in enumerate(queries)]
    while len(parts) > 1:  # a tree, because a parser's depth is bounded
        parts = [_either(parts[at : at + 2]) for at in range(0, len(parts), 2)]
    return parts[0]


def _either(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({parts[0]} or {parts[1]})"


def taken_apart(samples: Sequence[Sample], queries: int) -> list[list[Sample]]:
    """The elements of each query by its place, as they would be had it been asked alone.

    Raises:
        ValueError: An element belongs to none of them.
    """
    if queries == 1:
        return [list(samples)]
    found: list[list[Sample]] = [[] for _ in range(queries)]
    for sample in samples:
        labels = dict(sample.labels)
        place = labels.pop(PLACE, "")
        if not place.isdecimal() or not place.isascii() or int(place) >= queries:
            raise ValueError("an element of the answer belongs to no query")
        found[int(place)].append(Sample(labels, sample.value))
    return found
