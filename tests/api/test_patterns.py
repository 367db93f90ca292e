"""No value, however it is chosen, makes a pattern of the API work for long.

The API server matches by RE2, in linear time; Python backtracks, and it matches on the operator's only
event loop. So each pattern is tried on the strings that hurt most, at the greatest length that it
admits, in a process that is ended when it does not come back.
"""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from bandit_operator.api import rules
from bandit_operator.api.crd import models_of
from bandit_operator.api.fields import CounterSelector
from bandit_operator.api.rules import DecimalString, DurationString, PatternString, StringFormat
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.quantities import DURATION_PATTERN

DEADLINE_SECONDS = 120.0
"""For all strings of one format: a thousand times what they take, and nothing to exponential work."""
PIECES = (
    *" \t\n\u00a0aA0_:.-/?#@{}=\"~,9hms",
    "ab", "a.", "a-", "a:", "1h", "1m", "} ", " }", "{}", "{ ", "a{", "a }", "// ", "0.", "a1", "A0",
)  # fmt: skip
"""What is repeated."""
STARTS = ("", "a", "a{", "{", "https://", "http://a/", "apps/", "A", "0.", "-", "v1", "1h")
ENDS = ("", "!", "\n", "}", "} !", "[5m]")


def formats_of(annotation: object) -> Iterator[StringFormat]:
    """The formats in an annotation, however deep."""
    for about in getattr(annotation, "__metadata__", ()):
        if isinstance(about, StringFormat):
            yield about
    for inner in getattr(annotation, "__args__", ()):
        yield from formats_of(inner)


def formats_of_model(model: type[BaseModel]) -> Iterator[StringFormat]:
    for field in model.model_fields.values():
        yield from (about for about in field.metadata if isinstance(about, StringFormat))
        yield from formats_of(field.annotation)


FORMATS = list(
    dict.fromkeys(about for model in models_of(BanditDeployment) for about in formats_of_model(model))
)
NAMES = [getattr(about, "what", "") or repr(about) for about in FORMATS]


def adversarial(length: int) -> Iterator[str]:
    """Strings of exactly ``length``: a start, one piece again and again, and an end that may not match."""
    for piece in PIECES:
        for start in STARTS:
            for end in ENDS:
                middle = max(length - len(start) - len(end), 0)
                yield (start + piece * middle)[: length - len(end)] + end


def try_all(formats: Sequence[StringFormat], done: Connection) -> None:
    """Give each format every adversarial string, and say after each that it has judged them."""
    done.send("ready")
    for about in formats:
        for text in adversarial(about.max_length):
            about.accepts(text)
        done.send("judged")


def stuck(formats: Sequence[StringFormat], deadline: float) -> StringFormat | None:
    """The first format that has not judged all strings within ``deadline`` seconds, or None."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=try_all, args=(formats, sender))
    process.start()
    sender.close()  # so that a process that fails is not waited for
    try:
        assert receiver.recv() == "ready"
        for about in formats:
            if not receiver.poll(deadline):
                return about
            assert receiver.recv() == "judged"
    finally:
        process.kill()
        process.join()
    return None


def test_all_kinds_of_formats_are_tried() -> None:
    assert {type(about) for about in FORMATS} == {DecimalString, DurationString, PatternString}
    assert get_args(CounterSelector)[1] in FORMATS


def test_the_worst_strings_of_every_format_are_judged_soon() -> None:
    assert stuck(FORMATS, DEADLINE_SECONDS) is None


@pytest.mark.slow
def test_exponential_work_would_be_noticed() -> None:
    once = PatternString("[{](.|\\s)*[}]", "what selectors once were", "{}")
    assert stuck([once], 3.0) == once


@pytest.mark.parametrize("about", FORMATS, ids=NAMES)
def test_a_pattern_means_the_same_to_the_api_server_and_to_python(about: Any) -> None:
    patterns = re.findall(r"matches[(]'((?:[^'\\]|\\.)*)'[)]", about.cel)
    assert patterns
    for pattern in patterns:
        # These are ASCII to RE2 and Unicode to Python, or unknown to RE2.
        assert not re.search(r"\\\\[sSdDwWbBAZ]|[(][?](?!s:)", pattern)


@pytest.mark.parametrize("pattern", [rules.DECIMAL_PATTERN, DURATION_PATTERN])
def test_a_pattern_of_numbers_ends_where_the_value_ends(pattern: Any) -> None:
    assert pattern.startswith("^")
    assert pattern.endswith("$")
