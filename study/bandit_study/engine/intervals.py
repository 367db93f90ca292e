"""Means and paired differences over seeds, with 95 % intervals."""

from __future__ import annotations

import numpy as np
from scipy import stats

from bandit_study.data.table import Floats

LEVEL = 0.95
Interval = tuple[float, float, float]
"""A mean and the ends of its interval."""


def mean_interval(values: Floats) -> Interval | None:
    """Mean of the seeds and its t interval; None where no seed has a value, NaN being none.

    One seed alone, or seeds that are all equal, give an interval of no length.
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return None
    mean = float(known.mean())
    if known.size < 2:
        return mean, mean, mean
    spread = float(known.std(ddof=1)) / np.sqrt(known.size)
    reach = float(stats.t.ppf((1 + LEVEL) / 2, known.size - 1)) * spread
    return mean, mean - reach, mean + reach


def paired(values: Floats, reference: Floats) -> Interval | None:
    """Mean difference of the same seeds and its t interval; None where no seed has both."""
    return mean_interval(values - reference)
