"""What the measured parts mean in words and rows: shared by the page and its pictures."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

PATH_NAMES = {"direct": "Service", "static": "still route", "moved": "moved route"}
WEIGHT_NAMES = {"none": "", "settled": "rest", "moving": "move"}

FEWEST_TICKS = 40
"""From which on the time of a tick can be distinguished from that of an operator without resources."""


def line_of(
    part: dict[str, Any], resources: int, interval: int | None, weights: str
) -> dict[str, Any] | None:
    """Return one measured line of the part ``scale``, or None where it was not measured."""
    wanted = (resources, interval, weights)
    for line in part["lines"]:
        if (line["resources"], line["interval"], line["weights"]) == wanted:
            return dict(line)
    return None


def share_of_ticks(line: dict[str, Any]) -> float:
    """Return how many ticks there were of those that the interval asks for."""
    return float(line["ticks"] * line["interval"] / line["resources"] / line["seconds"])


def keeps_up(line: dict[str, Any]) -> bool:
    """Whether ticks came as often as the interval asks for; by chance of their places one may be missed."""
    return (
        share_of_ticks(line) >= 0.95
        or line["ticks"] >= line["resources"] * line["seconds"] / line["interval"] - 1
    )


def milliseconds_a_tick(part: dict[str, Any], line: dict[str, Any]) -> float | None:
    """Return the processor time of one tick: what the operator takes more than without resources.

    None where there were so few ticks that what the operator takes anyway hides them.
    """
    idle = line_of(part, 0, None, "none")
    if idle is None or line["ticks"] < FEWEST_TICKS:
        return None
    return float(1e3 * (line["cores"] - idle["cores"]) * line["seconds"] / line["ticks"])


def median_and_range(values: Sequence[float | None]) -> tuple[float, list[float]]:
    """Return the median of some figures with the lowest and the highest; None is more than any."""
    known = [math.inf if value is None else value for value in values]
    return statistics.median(known), [min(known), max(known)]


def number(value: float | None, digits: int = 2) -> str:
    """Write a figure with so many significant digits; nothing for None."""
    if value is None:
        return ""
    if value == float("inf"):
        return "more"
    if value == 0:
        return "0"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def interval(low_and_high: list[float], digits: int = 2) -> str:
    """Write a confidence interval."""
    low, high = low_and_high
    return f"{number(low, digits)} to {number(high, digits)}"
