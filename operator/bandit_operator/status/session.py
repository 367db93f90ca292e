"""What the process remembers of one resource between two passes, and its way to the status and back.

The status is the truth: a session is built from it at the start, after a lost race and by the
replica that takes over. Quiet ticks change only the session; whatever is lost of it with the
process is read again from the cursor on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bandit_operator.api.status import (
    MAX_HISTORY,
    ArmStatus,
    Condition,
    DecisionCounts,
    DecisionRecord,
    MeanInterval,
    Phase,
    Status,
)
from bandit_operator.api.timestamps import from_timestamp, to_timestamp
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core import memory as memories
from bandit_operator.core.decide import Intention
from bandit_operator.core.decision import Decision
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.memory import Memory
from bandit_operator.core.model import WEIGHT_TOTAL, ArmStanding, ArmState
from bandit_operator.routers import Located


@dataclass
class Session:
    """One resource of one uid and generation."""

    resource: BanditDeployment
    experiment: Experiment
    memory: Memory
    notes: tuple[str, ...]
    """Why evidence was dropped while the memory was read, if any was."""
    cursor: float | None
    intention: Intention | None
    history: list[DecisionRecord]
    counts: DecisionCounts
    foreign_changes: int
    conditions: dict[str, Condition]
    rewards_until: float | None
    resource_version: str
    realised: Mapping[str, float] = field(default_factory=dict)
    """Share of the newest window's requests by arm, where requests are counted."""
    not_followed: str | None = None
    """How the realised shares differ from weights that were in force, where they do."""
    weights_since: float = float("inf")
    """Since when the route is known to carry its weights, seconds since the Unix epoch."""
    told: tuple[Any, ...] | None = None
    """What the last written status says that must not wait."""
    written_at: float = float("-inf")
    """When it was written, by the monotonic clock."""
    in_sync: bool = False
    """Whether the route has been seen, or made, to carry the intended weights."""
    changed_at: tuple[float, ...] = ()
    """When someone else changed the weights lately, by the monotonic clock."""
    put_back_at: float = float("-inf")
    """When the weights were last put back, by the monotonic clock."""
    unaccepted: tuple[int, float] | None = None
    """A generation of the route that no gateway has accepted, and since when it is known."""
    held: tuple[str, str] | None = None
    """Reason and message of the newest tick's decision, where that held the weights."""
    promoted: str | None = None
    """The arm that was told of as the winner."""
    changed: tuple[str, str | None] | None = None
    """The change in the rewards that was told of last: its kind and its arm."""
    tick_at: float = float("-inf")
    """When its next tick is due, seconds since the Unix epoch."""
    refused: str | None = None
    """The API server's words, where it refused the last write of weights or replicas."""


def load(body: Mapping[str, Any], resource: BanditDeployment, experiment: Experiment) -> Session:
    """Build a session from what the API server holds. Whatever cannot be read starts afresh."""
    status = Status.model_validate(body.get("status") or {})
    stored = status.memory
    notes: tuple[str, ...] = ()
    if stored is None:
        memory = memories.initial(experiment)
    else:
        memory, notes = memories.from_json(stored, experiment)
    arms = {arm.name: arm for arm in status.arms or [] if arm.name in experiment.names}
    return Session(
        resource=resource,
        experiment=experiment,
        memory=memory,
        notes=notes,
        cursor=None if status.cursor is None else from_timestamp(status.cursor),
        intention=_intention(arms, follow=status.phase in (Phase.PAUSED, Phase.OBSERVING)),
        history=list(status.history or []),
        counts=status.decisions or DecisionCounts(),
        foreign_changes=status.foreign_weight_changes or 0,
        conditions={condition.type: condition for condition in status.conditions or []},
        rewards_until=None if status.rewards_until is None else from_timestamp(status.rewards_until),
        resource_version=body["metadata"]["resourceVersion"],
    )


def renew(session: Session, resource: BanditDeployment, experiment: Experiment) -> Session:
    """The session for a new generation of the same resource: what still applies is kept."""
    memory, notes = memories.adapt(session.memory, experiment)
    return replace(session, resource=resource, experiment=experiment, memory=memory, notes=notes)


def adopt(session: Session, located: Located, *, follow: bool) -> Intention:
    """The intention to decide from: the committed one, or the route's weights where there is none.

    Args:
        session: The session.
        located: Where the arms stand in the route.
        follow: Take the route's weights whatever was intended, as in modes that do not write.

    Where other backends share the rule, the arms' weights keep their sum, so that the others
    keep their share.
    """
    committed = session.intention
    weights = dict(located.weights)
    standings: Mapping[str, ArmStanding] = {}
    if committed is not None:
        standings = committed.standings
        if not follow:
            weights = {arm: committed.weights.get(arm, weight) for arm, weight in weights.items()}
    total = sum(weights.values()) if located.foreign else WEIGHT_TOTAL
    return Intention(standings, weights, total or WEIGHT_TOTAL)


def status_of(
    session: Session, decision: Decision | None, conditions: list[Condition], phase: Phase
) -> dict[str, Any]:
    """The status as a merge patch: fields that are no longer known are null, which removes them."""
    leader, share = _leader(decision)
    status = Status(
        observed_generation=session.resource.metadata.generation,
        phase=phase,
        leader=leader,
        leader_share=share,
        conditions=conditions,
        arms=None if decision is None else _arms(session, decision),
        change=None if decision is None or decision.change is None else str(decision.change),
        window=session.history[0].window if session.history else None,
        decisions=session.counts,
        foreign_weight_changes=session.foreign_changes,
        history=session.history[:MAX_HISTORY],
        cursor=None if session.cursor is None else to_timestamp(session.cursor),
        rewards_until=None if session.rewards_until is None else to_timestamp(session.rewards_until),
        memory=memories.to_json(session.memory),
    )
    fields = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    names = {info.alias or name for name, info in Status.model_fields.items()}
    if decision is None:
        names.discard("arms")  # what was known of the arms stays
    return {name: fields.get(name) for name in sorted(names)}


def let_go(session: Session) -> None:
    """Give up the intended weights: whoever sets weights from here on sets where we go on from."""
    if session.intention is not None:
        session.intention = replace(session.intention, weights={})


def _intention(arms: Mapping[str, ArmStatus], *, follow: bool) -> Intention | None:
    standings = {name: standing for name, arm in arms.items() if (standing := _standing(arm)) is not None}
    if not standings:
        return None
    weights = {name: arm.weight for name, arm in arms.items() if arm.weight is not None and not follow}
    return Intention(standings, weights)


def _standing(arm: ArmStatus) -> ArmStanding | None:
    if arm.state is None or arm.since is None:
        return None
    return ArmStanding(
        state=ArmState(arm.state),
        since=from_timestamp(arm.since),
        reason=arm.reason or "",
        template=arm.template,
        previous_replicas=arm.previous_replicas,
        quiet_since=None if arm.quiet_since is None else from_timestamp(arm.quiet_since),
    )


def _arms(session: Session, decision: Decision) -> list[ArmStatus]:
    result = []
    for arm in session.experiment.names:
        standing, report = decision.standings[arm], decision.reports[arm]
        candidate = arm != session.experiment.baseline
        result.append(
            ArmStatus(
                name=arm,
                state=standing.state,
                since=to_timestamp(standing.since),
                reason=standing.reason,
                weight=decision.weights[arm],
                realised_share=_decimal(session.realised.get(arm)),
                trials=_decimal(report.trials),
                rewards=_decimal(report.rewards),
                mean=_decimal(report.mean),
                interval=None
                if report.interval is None
                else MeanInterval(
                    lower=_decimal(report.interval[0]) or "", upper=_decimal(report.interval[1]) or ""
                ),
                probability_best=_decimal(report.probability_best),
                evidence=_decimal(report.evidence),
                threshold=_decimal(decision.threshold) if candidate else None,
                template=standing.template,
                previous_replicas=standing.previous_replicas,
                quiet_since=None if standing.quiet_since is None else to_timestamp(standing.quiet_since),
            )
        )
    return result


def _leader(decision: Decision | None) -> tuple[str | None, str | None]:
    """The arm most probably best, and the share it is meant to have."""
    if decision is None:
        return None, None
    known = {arm: p for arm, report in decision.reports.items() if (p := report.probability_best) is not None}
    total = sum(decision.weights.values())
    if not known or total == 0:
        return None, None
    leader = max(known, key=lambda arm: (known[arm], arm))
    return leader, f"{decision.weights[leader] / total:.1%}"


def _decimal(value: float | None) -> str | None:
    """Six significant digits: enough for people; the memory has the rest."""
    return None if value is None else f"{value:.6g}" if value % 1 or abs(value) >= 1e15 else str(int(value))
