"""Rewards from two counters, the exact mode: nothing lost, nothing counted twice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bandit_operator.core.model import NoData, Observed, Outcome
from bandit_operator.sources.base import Sample, SourceSettings, by_arm, part, request_parts, values_by_arm


@dataclass(frozen=True, slots=True)
class Counters:
    """``successes`` and ``trials`` select counters; their increases are rewards and trials."""

    def promql(self, settings: SourceSettings, start: float, end: float) -> str:
        """Both increases of all arms in one request, so that they belong together."""
        assert settings.successes is not None
        assert settings.trials is not None
        parts = [part("rewards", query) for query in by_arm(settings, settings.successes, start, end)]
        parts += [part("trials", query) for query in by_arm(settings, settings.trials, start, end)]
        return " or ".join(parts + request_parts(settings, start, end))

    def outcomes(self, settings: SourceSettings, samples: Sequence[Sample]) -> dict[str, Outcome]:
        """An arm whose trials are unknown, or whose numbers cannot be, has no data."""
        trials = values_by_arm(settings, samples, "trials")
        rewards = values_by_arm(settings, samples, "rewards")
        return {arm: _outcome(trials.get(arm), rewards.get(arm)) for arm in settings.arms}


def _outcome(trials: float | None, rewards: float | None) -> Outcome:
    if trials is None:
        return NoData("no series of trials")
    if rewards is None:
        # A counter of successes that has never been touched may not exist yet; then there were
        # no successes only if the exporter makes both at once. Without trials it does not matter.
        return Observed(0.0, 0.0) if trials == 0 else NoData("no series of successes")
    if not (math.isfinite(trials) and math.isfinite(rewards) and trials >= 0):
        return NoData("not a finite number")
    return Observed(trials, rewards)
