"""Rewards from any PromQL that gives one value an arm, with the count behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.model import ArmReading, NoData, Observed
from bandit_operator.core.plausibility import ROUNDING, impossible
from bandit_operator.routers import Located
from bandit_operator.sources.base import Counter, Query, Values
from bandit_operator.sources.labels import own_label
from bandit_operator.sources.promql import duration_of


@dataclass(frozen=True, slots=True)
class MeanQuery:
    """``query`` gives each arm's mean reward in the window, ``samples`` how many there were.

    ``$window`` stands for the window's length; both are evaluated at its end. What they
    cannot promise, unlike counters, is that a reward at a window's edge is counted exactly
    once: that is up to the queries.
    """

    def counters(
        self,
        resource: BanditDeployment,  # noqa: ARG002 - part of the protocol
        located: Located | None = None,  # noqa: ARG002 - part of the protocol
    ) -> tuple[Counter, ...]:
        """None."""
        return ()

    def queries(self, resource: BanditDeployment, start: float, end: float) -> tuple[Query, ...]:
        """Both of them, with the window's length in place of ``$window``."""
        prometheus, label = resource.spec.reward.prometheus, own_label(resource)
        window = duration_of(end - start)
        return tuple(
            Query(
                part,
                (promql or "").replace("$window", window),
                label,
                f"reward.prometheus.{field}",
                several=several,
            )
            for part, field, promql, several in (
                ("mean", "query", prometheus.query, None),
                ("samples", "samples", prometheus.samples, sum),
            )
        )

    def readings(self, resource: BanditDeployment, values: Values) -> dict[str, ArmReading]:
        """Sum of rewards = mean × count; without a count there is no evidence, so no data."""
        means, counts = values["mean"], values["samples"]
        return {arm.name: _outcome(means.get(arm.name), counts.get(arm.name)) for arm in resource.spec.arms}


def _outcome(mean: float | None, count: float | None) -> ArmReading:
    if count is None:
        return NoData("no sample count")
    if not (math.isfinite(count) and count >= 0):
        return impossible(f"samples is {count:g}; it must count rewards")
    if count == 0:
        return Observed(0.0, 0.0)
    if mean is None or math.isnan(mean):
        return NoData("no value" if mean is None else "the mean is not a number; does the query divide by 0?")
    if not -ROUNDING <= mean <= 1 + ROUNDING:
        hint = "divide by 100" if 1 < mean <= 100 else "query must yield the mean reward in the window"
        return impossible(f"the mean is {mean:g}, beyond [0, 1]; {hint}")
    return Observed(count, min(max(mean, 0.0), 1.0) * count)
