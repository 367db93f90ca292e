"""Rewards from any PromQL that gives one value an arm, with the count behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bandit_operator.core.model import NoData, Observed, Outcome
from bandit_operator.sources.base import (
    Sample,
    SourceSettings,
    fill,
    has_placeholder,
    part,
    request_parts,
    values_by_arm,
)


@dataclass(frozen=True, slots=True)
class MeanQuery:
    """``query`` gives the mean reward of every arm in the window, ``samples`` how many there were.

    ``$window`` stands for the window's length. The query is evaluated at the window's end.
    What it cannot promise, unlike counters, is that rewards at a window's edge are counted
    exactly once: that is up to the query.
    """

    def promql(self, settings: SourceSettings, start: float, end: float) -> str:
        """Both queries of all arms in one request."""
        assert settings.query is not None
        assert settings.samples is not None
        window = f"{round(end - start)}s"
        parts = [
            part("mean", query) for query in _by_arm(settings, settings.query.replace("$window", window))
        ]
        parts += [
            part("samples", query) for query in _by_arm(settings, settings.samples.replace("$window", window))
        ]
        return " or ".join(parts + request_parts(settings, start, end))

    def outcomes(self, settings: SourceSettings, samples: Sequence[Sample]) -> dict[str, Outcome]:
        """Sum of rewards = mean × count; without a count there is no evidence, so no data."""
        means = values_by_arm(settings, samples, "mean")
        counts = values_by_arm(settings, samples, "samples")
        return {arm: _outcome(means.get(arm), counts.get(arm)) for arm in settings.arms}


def _by_arm(settings: SourceSettings, query: str) -> list[str]:
    if not has_placeholder(query):
        return [f"({query})"]
    return [
        f'label_replace(({fill(query, arm, backend)}), "{settings.arm_label}", "{arm}", "", "")'
        for arm, backend in settings.arms.items()
    ]


def _outcome(mean: float | None, count: float | None) -> Outcome:
    if count is None:
        return NoData("no sample count")
    if count == 0:
        return Observed(0.0, 0.0)
    if mean is None:
        return NoData("no value")
    if not (math.isfinite(mean) and math.isfinite(count) and count > 0):
        return NoData("not a finite number")
    return Observed(count, mean * count)
