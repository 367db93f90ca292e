"""How an arm goes from serving to rolled back and returns.

::

    Joining ──► Active ◄──► Unavailable          (no available replica, and back)
       ▲          │ worse than the baseline
       │          ▼
    Restoring ◄─ RolledBack ◄─ Draining          (weight 0 → accepted → no requests → scale 0)

Each function is pure: it takes what was remembered and what is seen now, and returns what
to remember next, which replicas to set, and whose evidence starts again. The order of the
steps down is that of Kubernetes' own advice for endpoints that go away: traffic first, then
Pods; the steps up are the reverse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bandit_operator.core import reasons
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import ArmFacts, ArmStanding, ArmState, Rollback, Scale, Snapshot, Window

SERVING_STATES = frozenset({ArmState.ACTIVE, ArmState.JOINING})
"""States in which an arm may carry weight."""
OUT_STATES = frozenset({ArmState.DRAINING, ArmState.ROLLED_BACK, ArmState.RESTORING})
"""States of an arm that a verdict has taken out and that has not come back."""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What the states come to: standings by arm, replicas to set, arms that start again."""

    standings: Mapping[str, ArmStanding]
    scales: tuple[Scale, ...]
    restarted: frozenset[str]
    """Arms whose evidence is about Pods or times that are gone."""


def advance(experiment: Experiment, standings: Mapping[str, ArmStanding], snapshot: Snapshot) -> Lifecycle:
    """Move every arm's state by what is seen now; verdicts are not this function's business.

    ``standings`` may lack arms (they are new) and may hold arms that are no longer in the
    spec (they are forgotten).
    """
    known: dict[str, ArmStanding] = {}
    scales: list[Scale] = []
    restarted: set[str] = set()
    for arm in experiment.arms:
        before = standings.get(arm.name)
        facts = snapshot.arms[arm.name]
        standing = _enter(before, facts, snapshot.now, first=not standings)
        standing, started_again = _restart(experiment, standing, facts, snapshot.now)
        standing, scale = _step(experiment, arm.name, standing, facts, snapshot)
        known[arm.name] = standing
        if scale is not None:
            scales.append(scale)
        if started_again or (before is None and standings):
            restarted.add(arm.name)
    return Lifecycle(known, tuple(scales), frozenset(restarted))


def roll_back(standings: Mapping[str, ArmStanding], loser: str, now: float) -> dict[str, ArmStanding]:
    """Take one arm out: from here on it has no weight and drains."""
    out = ArmStanding(ArmState.DRAINING, now, reasons.WORSE_THAN_BASELINE, standings[loser].template)
    return {**standings, loser: out}


def season(standings: Mapping[str, ArmStanding], arm: str, now: float) -> dict[str, ArmStanding]:
    """Let a joining arm that has enough trials follow the strategy like any other."""
    return {
        **standings,
        arm: replace(standings[arm], state=ArmState.ACTIVE, since=now, reason=reasons.SERVING),
    }


def _enter(before: ArmStanding | None, facts: ArmFacts, now: float, *, first: bool) -> ArmStanding:
    if before is None:
        if first:  # the resource is new: its arms serve already, with the weights that the user gave
            return ArmStanding(ArmState.ACTIVE, now, reasons.SERVING, facts.template)
        return ArmStanding(ArmState.JOINING, now, reasons.NEW_ARM, facts.template)
    if before.template is None and facts.template is not None:
        return replace(before, template=facts.template)
    return before


def _restart(
    experiment: Experiment, standing: ArmStanding, facts: ArmFacts, now: float
) -> tuple[ArmStanding, bool]:
    """Start an arm again when its Pods run something else, or when it may be retried."""
    if facts.template is not None and facts.template != standing.template:
        state = ArmState.RESTORING if standing.state in OUT_STATES else ArmState.JOINING
        if standing.state is ArmState.UNAVAILABLE:
            state = ArmState.UNAVAILABLE
        return replace(
            standing,
            state=state,
            since=now,
            reason=reasons.NEW_POD_TEMPLATE,
            template=facts.template,
            quiet_since=None,
        ), True
    retry = experiment.rollback.retry_after
    if standing.state is ArmState.ROLLED_BACK and retry is not None and now - standing.since >= retry:
        return replace(standing, state=ArmState.RESTORING, since=now, reason=reasons.RETRY), True
    return standing, False


def _step(
    experiment: Experiment, name: str, standing: ArmStanding, facts: ArmFacts, snapshot: Snapshot
) -> tuple[ArmStanding, Scale | None]:
    now = snapshot.now
    match standing.state:
        case ArmState.ACTIVE | ArmState.JOINING if facts.available is False:
            return replace(
                standing, state=ArmState.UNAVAILABLE, since=now, reason=reasons.NO_AVAILABLE_REPLICA
            ), None
        case ArmState.UNAVAILABLE if facts.available is not False:
            return replace(standing, state=ArmState.JOINING, since=now, reason=reasons.SERVING), None
        case ArmState.RESTORING:
            return _restore(name, standing, facts, now)
        case ArmState.DRAINING:
            return _drain(experiment, name, standing, facts, snapshot)
        case _:
            return standing, None


def _restore(
    name: str, standing: ArmStanding, facts: ArmFacts, now: float
) -> tuple[ArmStanding, Scale | None]:
    if facts.replicas == 0:
        up = Scale(name, expected=0, replicas=standing.previous_replicas or 1)
        return replace(standing, previous_replicas=up.replicas), up
    if facts.available is False:
        return standing, None
    return replace(
        standing, state=ArmState.JOINING, since=now, previous_replicas=None, quiet_since=None
    ), None


def _drain(
    experiment: Experiment, name: str, standing: ArmStanding, facts: ArmFacts, snapshot: Snapshot
) -> tuple[ArmStanding, Scale | None]:
    """One step down: weight 0, accepted, no requests, then replicas 0; never two at once."""
    rollback, now = experiment.rollback, snapshot.now
    if facts.weight != 0 or not snapshot.route_accepted:
        return replace(standing, reason=reasons.WAITING_FOR_ROUTE, quiet_since=None), None
    if standing.quiet_since is None:
        return replace(standing, reason=reasons.WAITING_FOR_REQUESTS, quiet_since=now), None
    if not _quiet(rollback, standing.quiet_since, facts, snapshot):
        return replace(standing, reason=reasons.WAITING_FOR_REQUESTS), None
    may_scale = rollback.scale_to_zero and name != experiment.baseline and facts.replicas is not None
    if not may_scale:
        return replace(standing, state=ArmState.ROLLED_BACK, since=now, reason=reasons.DRAINED), None
    assert facts.replicas is not None  # for the type checker: may_scale says so
    if facts.replicas == 0:
        return replace(standing, state=ArmState.ROLLED_BACK, since=now, reason=reasons.SCALED_TO_ZERO), None
    down = Scale(name, expected=facts.replicas, replicas=0)
    return replace(standing, reason=reasons.SCALING_TO_ZERO, previous_replicas=facts.replicas), down


def _quiet(rollback: Rollback, quiet_since: float, facts: ArmFacts, snapshot: Snapshot) -> bool:
    """Whether the arm's last requests are over.

    Where a request counter is known, a whole window without one request proves it, and
    requests that go on (sticky sessions) keep the Pods, however long. Where none is known,
    or it has no number for the arm, the drain time must do.
    """
    reading = snapshot.reading
    if rollback.requests_counted and not isinstance(reading, Window):
        return False
    if facts.requests is None:
        return snapshot.now >= quiet_since + rollback.drain
    return isinstance(reading, Window) and reading.start >= quiet_since and facts.requests == 0
