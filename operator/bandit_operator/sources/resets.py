"""The increase of counters that were reset, sample by sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bandit_operator.sources.base import Counter
from bandit_operator.sources.promql import PART

Earlier = Mapping[frozenset[tuple[str, str]], float]
"""Values of series long before a window, by what :func:`identity` makes of their labels."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a range vector: its labels and its (time, value) samples, oldest first."""

    labels: Mapping[str, str]
    samples: Sequence[tuple[float, float]]


def increase_of(samples: Sequence[tuple[float, float]], start: float) -> float:
    """The increase after ``start`` of one counter, resets included.

    Every step up counts as it is; a step down is a reset, and what the counter has after it
    counts whole. A counter that began after ``start`` began at 0.
    """
    before = [value for time, value in samples if time <= start]
    values = [*(before[-1:] or [0.0]), *(value for time, value in samples if time > start)]
    return sum(new - old if new >= old else new for old, new in pairwise(values))


def was_reset(samples: Sequence[tuple[float, float]], start: float) -> bool:
    """Whether the counter was reset after ``start``, or between its last sample before and the next."""
    before = [value for time, value in samples if time <= start]
    values = [*before[-1:], *(value for time, value in samples if time > start)]
    return any(new < old for old, new in pairwise(values))


def identity(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """The labels that distinguish a series of its counter: all but those that a query adds or drops."""
    return frozenset((name, value) for name, value in labels.items() if name not in (PART, "__name__"))


def increases(counter: Counter, series: Sequence[Series], start: float, earlier: Earlier) -> dict[str, float]:
    """Sum by arm over the series that were reset; the others are counted already.

    ``earlier`` has the values of those that have a sample before ``start``, but too long before
    to be among theirs.
    """
    sums: dict[str, float] = {}
    for one in series:
        arm = counter.label.arm_of(one.labels.get(counter.label.name, ""))
        if arm is not None and was_reset(one.samples, start):
            before = earlier.get(identity(one.labels))
            samples = one.samples if before is None else [(start, before), *one.samples]
            sums[arm] = sums.get(arm, 0.0) + increase_of(samples, start)
    return sums
