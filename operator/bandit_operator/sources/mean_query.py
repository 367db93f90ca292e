"""Rewards from any PromQL that gives one value an arm, with the count behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.model import NoData, Observed, Outcome
from bandit_operator.sources.base import Sample
from bandit_operator.sources.labels import own_label
from bandit_operator.sources.promql import part


@dataclass(frozen=True, slots=True)
class MeanQuery:
    """``query`` gives each arm's mean reward in the window, ``samples`` how many there were.

    ``$window`` stands for the window's length; both are evaluated at its end. What they
    cannot promise, unlike counters, is that a reward at a window's edge is counted exactly
    once: that is up to the queries.
    """

    def parts(self, resource: BanditDeployment, start: float, end: float) -> list[str]:
        """Both queries, in one request."""
        prometheus, window = resource.spec.reward.prometheus, f"{round(end - start)}s"
        mean, samples = prometheus.query or "", prometheus.samples or ""
        return [
            part("mean", f"({mean.replace('$window', window)})"),
            part("samples", f"({samples.replace('$window', window)})"),
        ]

    def outcomes(self, resource: BanditDeployment, samples: Sequence[Sample]) -> dict[str, Outcome]:
        """Sum of rewards = mean × count; without a count there is no evidence, so no data."""
        label = own_label(resource)
        means, counts = label.values(samples, "mean"), label.values(samples, "samples")
        return {arm: _outcome(means.get(arm), counts.get(arm)) for arm, _ in label.patterns}


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
