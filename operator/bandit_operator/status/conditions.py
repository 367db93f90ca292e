"""What users are told: conditions and phase, from what happened. Pure.

Conditions follow the Kubernetes API conventions: a condition's time moves only when its
status does, and ``kubectl wait`` and GitOps health checks (kstatus) read ``Ready``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bandit_operator.api.status import Condition, ConditionType, Phase
from bandit_operator.api.timestamps import to_timestamp
from bandit_operator.core import reasons
from bandit_operator.core.decision import Decision
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import ArmState, Mode
from bandit_operator.routers import Problem

HOLDS = frozenset(
    {
        reasons.SOURCE_DOWN,
        reasons.NO_DATA,
        reasons.NO_REWARDS,
        reasons.ROUTE_NOT_ACCEPTED,
        reasons.NO_ARM_AVAILABLE,
        reasons.CLOCK_SET,
    }
)
"""Reasons of decisions that wait for something to come right."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """How the route stands to the intention.

    ``trouble`` is a reason and a message where the weights cannot be relied on, or None.
    """

    trouble: tuple[str, str] | None = None
    known: bool = True


@dataclass(frozen=True, slots=True)
class Situation:
    """All that conditions and phase are made from."""

    now: float
    generation: int
    experiment: Experiment | None = None
    problem: Problem | None = None
    decision: Decision | None = None
    held: tuple[str, str] | None = None
    """Reason and message of the newest tick's decision, where that held the weights."""
    rewards_until: float | None = None
    """End of the newest window that held rewards; None before the first."""
    traffic: Traffic = Traffic(known=False)


def phase_of(situation: Situation) -> Phase:
    """The state of the whole in one word."""
    decision, experiment = situation.decision, situation.experiment
    if situation.problem is not None or experiment is None:
        return Phase.REJECTED
    if experiment.mode is Mode.PAUSED:
        return Phase.PAUSED
    if experiment.mode is Mode.OBSERVE:
        return Phase.OBSERVING
    if decision is None or decision.reason == reasons.FIRST_WINDOW:
        return Phase.PENDING
    if any(standing.state is ArmState.DRAINING for standing in decision.standings.values()):
        return Phase.ROLLING_BACK
    if situation.held is not None:
        return Phase.HOLDING
    if decision.promoted is not None or decision.no_material_difference:
        return Phase.DECIDED
    return Phase.PENDING if situation.rewards_until is None else Phase.LEARNING


def conditions_of(situation: Situation, before: Mapping[str, Condition]) -> list[Condition]:
    """All five conditions, with the times of those whose status is as it was."""
    told = {
        ConditionType.ACCEPTED: _accepted(situation),
        ConditionType.METRICS_AVAILABLE: _metrics_available(situation),
        ConditionType.TRAFFIC_IN_SYNC: _traffic_in_sync(situation),
        ConditionType.PROGRESSING: _progressing(situation),
    }
    told[ConditionType.READY] = _ready(told)
    result = []
    for kind, (status, reason, message) in told.items():
        old = before.get(kind)
        since = old.last_transition_time if old and old.status == status else to_timestamp(situation.now)
        result.append(
            Condition(
                type=kind,
                status=status,
                observed_generation=situation.generation,
                last_transition_time=since,
                reason=reason,
                message=message[:1024],
            )
        )
    return result


Told = tuple[str, str, str]
"""(status, reason, message) of one condition."""


def _accepted(situation: Situation) -> Told:
    if situation.problem is not None:
        return "False", situation.problem.reason, situation.problem.message
    return "True", reasons.ACCEPTED, "the route carries all arms"


def _metrics_available(situation: Situation) -> Told:
    decision, experiment = situation.decision, situation.experiment
    if decision is None or experiment is None:
        return "Unknown", reasons.WAITING, "nothing has been read yet"
    if situation.held is not None and situation.held[0] in (reasons.SOURCE_DOWN, reasons.NO_DATA):
        return "False", *situation.held
    if situation.rewards_until is None:
        return "Unknown", reasons.WAITING, "no reward has been read yet"
    if decision.delay_profile_suspect:
        return (
            "False",
            reasons.DELAY_PROFILE_SUSPECT,
            "labels do not come as spec.reward.delay says; measure how late they are, "
            "and correct median and p95",
        )
    age = situation.now - situation.rewards_until
    if age > experiment.stale_after:
        return (
            "False",
            reasons.NO_REWARDS,
            f"no arm has earned a reward for longer than {experiment.stale_after:g} s",
        )
    return "True", reasons.REWARDS_OBSERVED, "Prometheus has fresh rewards"


def _traffic_in_sync(situation: Situation) -> Told:
    if not situation.traffic.known:
        return "Unknown", reasons.WAITING, "the route has not been looked at"
    if situation.traffic.trouble is not None:
        return "False", *situation.traffic.trouble
    return "True", reasons.IN_SYNC, "the route carries the intended weights"


def _progressing(situation: Situation) -> Told:
    decision, experiment = situation.decision, situation.experiment
    if decision is None or experiment is None:
        return "Unknown", reasons.WAITING, "nothing has been decided yet"
    if experiment.mode is Mode.PAUSED:
        return "False", reasons.PAUSED, "spec.mode is Paused"
    moving = [
        f"{arm} is {standing.state}"
        for arm, standing in decision.standings.items()
        if standing.state not in (ArmState.ACTIVE, ArmState.ROLLED_BACK)
    ]
    if moving:
        return "True", reasons.EXPLORING, "; ".join(moving)
    if decision.promoted is not None:
        return "False", reasons.PROMOTED, f"{decision.promoted} is proven better than all other arms"
    if decision.no_material_difference:
        return (
            "False",
            reasons.NO_MATERIAL_DIFFERENCE,
            "the arms lie within promotion.indifference of each other",
        )
    return "True", reasons.EXPLORING, "no arm is proven best yet"


def _ready(told: Mapping[ConditionType, Told]) -> Told:
    """True when the spec runs, rewards come in and the route is as intended."""
    for kind in (ConditionType.ACCEPTED, ConditionType.TRAFFIC_IN_SYNC, ConditionType.METRICS_AVAILABLE):
        status, reason, message = told[kind]
        if status != "True":
            return ("False" if status == "False" else "Unknown"), reason, message
    return "True", reasons.IN_SYNC, "traffic is where the evidence wants it"
