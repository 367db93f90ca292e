"""Rewards from two counters, the exact mode: nothing lost, nothing counted twice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.model import NoData, Observed, Outcome
from bandit_operator.sources.base import Sample
from bandit_operator.sources.labels import ArmLabel, own_label
from bandit_operator.sources.promql import increase, part


@dataclass(frozen=True, slots=True)
class Counters:
    """``successes`` and ``trials`` select counters; their increases are rewards and trials."""

    def parts(self, resource: BanditDeployment, start: float, end: float) -> list[str]:
        """Both increases, in one request, so that they belong together."""
        prometheus, label = resource.spec.reward.prometheus, own_label(resource).name
        return [
            part("rewards", increase(prometheus.successes or "", label, start, end)),
            part("trials", increase(prometheus.trials or "", label, start, end)),
        ]

    def outcomes(self, resource: BanditDeployment, samples: Sequence[Sample]) -> dict[str, Outcome]:
        """An arm whose trials are unknown, or whose numbers cannot be, has no data."""
        return outcomes(own_label(resource), samples)


def outcomes(label: ArmLabel, samples: Sequence[Sample]) -> dict[str, Outcome]:
    """The outcome of every arm from the parts "rewards" and "trials"."""
    trials, rewards = label.values(samples, "trials"), label.values(samples, "rewards")
    return {arm: _outcome(trials.get(arm), rewards.get(arm)) for arm, _ in label.patterns}


def _outcome(trials: float | None, rewards: float | None) -> Outcome:
    if trials is None:
        return NoData("no series of trials")
    if rewards is None:
        # A counter that nobody has touched may not exist yet. Whether that means no success or
        # a broken exporter is not ours to guess, unless there was nothing to succeed in.
        return (
            Observed(0.0, 0.0)
            if trials == 0
            else NoData("no series of successes; expose it from the start, at 0")
        )
    if not (math.isfinite(trials) and math.isfinite(rewards) and trials >= 0):
        return NoData("not a finite number")
    return Observed(trials, rewards)
