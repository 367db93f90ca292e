"""How far apart the samples of series are."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import pairwise

from bandit_operator.sources.resets import Series

LEAST_GAPS = 2
"""Gaps of one series from which its spacing is told: one may be a scrape that failed."""


def samples_apart(series: Sequence[Series]) -> float | None:
    """Seconds from one sample to the next, by the median of the series that has the most of them.

    How old a series is, and that another one ended, says nothing of it, so only gaps count.

    Returns:
        None where no series has enough samples.
    """
    longest = max((one.samples for one in series), key=len, default=())
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(longest)]
    return statistics.median(gaps) if len(gaps) >= LEAST_GAPS else None
