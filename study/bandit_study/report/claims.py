"""Checks what the reading says against what was measured.

The reading is written by hand. Beside each sentence with a figure it has a comment that can be
checked, one claim a line::

    <!-- holds: elec2 | last-window | mean_reward > Thompson -->
    <!-- holds: census_income_kdd | ABTest | balanced_accuracy = 0.657 -->

A claim compares a mean with another path's on the same stream, or with a number: by > and <, or by =
to as many places as the number is written with.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from bandit_study.engine.measures import MEASURES
from bandit_study.errors import StudyError
from bandit_study.report.figures import PATHS, Result, figure

_CLAIM = re.compile(r"<!--\s*holds:(.*?)-->", re.DOTALL)
_PARTS = re.compile(r"^\s*(\S+)\s*\|\s*(\S+)\s*\|\s*(\w+)\s*([<>=])\s*(\S+)\s*$")


@dataclasses.dataclass(frozen=True)
class Claim:
    """One claim."""

    text: str
    """As it is written."""
    stream: str
    """Name of the stream."""
    path: str
    """Strategy or baseline."""
    measure: str
    """Key of MEASURES."""
    sign: str
    """One of <, > and =."""
    other: str
    """Another path, or a number."""


def claims(reading: str) -> list[Claim]:
    """Return the claims of a reading.

    Raises:
        StudyError: one cannot be understood.
    """
    understood = []
    for text in _CLAIM.findall(reading):
        parts = _PARTS.match(text)
        if parts is None or parts[3] not in MEASURES or parts[2] not in PATHS:
            raise StudyError(
                f"holds:{text}: cannot be understood; write STREAM | PATH | MEASURE > PATH-or-NUMBER, a path"
                f" being one of {', '.join(PATHS)}, a measure one of {', '.join(MEASURES)}"
            )
        understood.append(Claim(text.strip(), *parts.groups()))
    return understood


def check(reading: str, results: Sequence[Result]) -> list[str]:
    """Return a sentence for each claim that does not hold; raises StudyError where one is not understood."""
    wrong = []
    by_name = {result["name"]: result for result in results}
    for claim in claims(reading):
        result = by_name.get(claim.stream)
        left = figure(result, claim.path, claim.measure) if result else None
        right = _value(result, claim)
        if left is None or right is None:
            wrong.append(f"{claim.text}: has not been measured")
        elif not _holds(claim, left[0], right):
            wrong.append(f"{claim.text}: the figures are {left[0]:.6g} and {right:.6g}")
    return wrong


def _value(result: Result | None, claim: Claim) -> float | None:
    if claim.other in PATHS:
        interval = figure(result, claim.other, claim.measure) if result else None
        return None if interval is None else interval[0]
    try:
        return float(claim.other)
    except ValueError as error:
        raise StudyError(f"holds: {claim.text}: {claim.other!r} is neither a path nor a number") from error


def _holds(claim: Claim, left: float, right: float) -> bool:
    if claim.sign == "=":
        places = len(claim.other.partition(".")[2])
        return abs(left - right) <= 0.5 * 10.0**-places + 1e-12
    return left > right if claim.sign == ">" else left < right
