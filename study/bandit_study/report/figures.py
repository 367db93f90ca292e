"""Reads single figures out of results, for tables, pictures and claims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bandit_operator.core.strategies import STRATEGIES
from bandit_study.engine.baselines import BASELINES
from bandit_study.engine.play import SHADOWS

Result = dict[str, Any]
Interval = tuple[float, float, float]

LEARNING = tuple(name for name in STRATEGIES if name not in ("ABTest", "Naive", "ValidationBest"))
"""The bandits; the other strategies do not learn from rewards which share to give."""
USUAL = ("Naive", "ValidationBest", "ABTest")
PATHS = (*BASELINES, *USUAL, *LEARNING, *SHADOWS)
"""The order of columns: baselines, the usual ways, bandits, the default bandit with a shadow."""
WITHIN_REACH = ("constant", "last-window", *USUAL, *LEARNING)
"""What could be run in production, last-window only where every model scores every labelled row.

Ways with a shadow are compared by themselves: they take more calls of models.
"""


def figure(result: Result, path: str, measure: str, kind: str = "mean") -> Interval | None:
    """Return a mean and its interval, or None where there is none.

    Args:
        result: What came of a set.
        path: A strategy or baseline.
        measure: A key of MEASURES.
        kind: ``mean``, or ``vs constant`` and ``vs last-window`` for paired differences.
    """
    interval = result["measures"].get(path, {}).get(measure, {}).get(kind)
    return None if interval is None else (interval[0], interval[1], interval[2])


def plain(results: Sequence[Result]) -> list[Result]:
    """Return the streams without an injected break."""
    return [result for result in results if result["skew"] is None]


def skewed(results: Sequence[Result]) -> list[Result]:
    """Return the streams with one."""
    return [result for result in results if result["skew"] is not None]


def long_streams(results: Sequence[Result]) -> list[Result]:
    """Return the real streams of six months or more."""
    return [result for result in plain(results) if result["months"] and result["months"] >= 6]


def per_thousand(result: Result, path: str, kind: str, measure: str = "mean_reward") -> Interval | None:
    """Difference in mean reward, or in that of the second half, per 1,000 requests."""
    interval = figure(result, path, measure, kind)
    return None if interval is None else (1000 * interval[0], 1000 * interval[1], 1000 * interval[2])


def better(interval: Interval | None) -> int:
    """1 where the whole interval lies above 0, −1 where it lies below, else 0."""
    if interval is None:
        return 0
    return int(interval[1] > 0) - int(interval[2] < 0)
