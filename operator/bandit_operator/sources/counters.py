"""Rewards from two counters, the exact mode: nothing lost, nothing counted twice."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.model import NoData, Observed, Outcome
from bandit_operator.sources.base import Counter, Values, WithoutQueries
from bandit_operator.sources.labels import own_label


@dataclass(frozen=True, slots=True)
class Counters(WithoutQueries):
    """``successes`` and ``trials`` select counters; their increases are rewards and trials."""

    def counters(self, resource: BanditDeployment) -> tuple[Counter, ...]:
        """Both, told apart by the label that the user names."""
        prometheus, label = resource.spec.reward.prometheus, own_label(resource)
        return (
            Counter("rewards", prometheus.successes or "", label),
            Counter("trials", prometheus.trials or "", label),
        )

    def outcomes(self, resource: BanditDeployment, values: Values) -> dict[str, Outcome]:
        """An arm whose trials are unknown, or whose numbers cannot be, has no data."""
        return outcomes(resource, values)


def outcomes(resource: BanditDeployment, values: Values) -> dict[str, Outcome]:
    """The outcome of every arm from the parts "rewards" and "trials"."""
    rewards, trials = values["rewards"], values["trials"]
    return {arm.name: _outcome(trials.get(arm.name), rewards.get(arm.name)) for arm in resource.spec.arms}


def _outcome(trials: float | None, rewards: float | None) -> Outcome:
    if trials is None:
        return NoData("no series of trials")
    if rewards is None and trials == 0:
        return Observed(0.0, 0.0)
    if rewards is None:
        # A counter that nobody has touched may not exist yet. Whether that means no success or
        # a broken exporter is not ours to guess.
        return NoData("no series of successes; expose it from the start, at 0")
    if not (math.isfinite(trials) and math.isfinite(rewards) and trials >= 0):
        return NoData("not a finite number")
    return Observed(trials, rewards)
