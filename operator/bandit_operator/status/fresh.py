"""What is to be said of rewards that come. Pure."""

from __future__ import annotations

import math

from bandit_operator.api.status import Condition
from bandit_operator.core import reasons
from bandit_operator.core.decision import Decision
from bandit_operator.core.durations import duration
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.windows import is_too_short

_REASONS = {reasons.INTERVAL_TOO_SHORT, reasons.REWARDS_OBSERVED}


def said(
    generation: int, experiment: Experiment, decision: Decision, before: Condition | None
) -> tuple[str, str]:
    """Reason and message: that there are fresh rewards, and whether too rarely for the interval.

    Args:
        generation: of the spec.
        experiment: the settings.
        decision: the newest one; between two windows what was said of the spec stays.
        before: what was said last.
    """
    between = decision.reason == reasons.BETWEEN_TICKS
    if between and before and before.observed_generation == generation and before.reason in _REASONS:
        return before.reason, before.message
    apart, interval = decision.samples_apart, experiment.interval
    if apart is None or not is_too_short(interval, apart):
        return reasons.REWARDS_OBSERVED, "Prometheus has fresh rewards"
    return (
        reasons.INTERVAL_TOO_SHORT,
        f"Prometheus has fresh rewards, of which there is a sample every {apart:g} s, and spec.interval is"
        f" {interval:g} s: {1 - interval / apart:.0%} of the windows hold nothing new, and decisions come in"
        f" bursts; set spec.interval to {math.ceil(apart)}s or more, or scrape as often",
    )


def hanging_update(now: float, experiment: Experiment, decision: Decision) -> str | None:
    """What is to be said of an arm of which nothing is learned because its rolling update does not end."""
    for arm, standing in decision.standings.items():
        if standing.mixed and now - standing.since > experiment.stale_after:
            lasted = duration(now - standing.since)
            return (
                f"the rolling update of arm {arm} has not ended for {lasted}, and what its old and new Pods"
                f" earn together is not learned; see kubectl rollout status, and undo it where it hangs"
            )
    return None
