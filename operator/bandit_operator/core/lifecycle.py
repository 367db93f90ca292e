"""How an arm goes from serving to rolled back and returns.

::

    Joining ──► Active ◄──► Unavailable          (no available replica, and back)
       ▲          │ worse than the baseline
       │          ▼
    Restoring ◄─ RolledBack ◄─ Draining          (weight 0 → accepted → no requests → scale 0)

Each function is pure: it takes what was remembered and what is seen now, and returns what
to remember next, what happened, and whose evidence starts again. The order of the
steps down is that of Kubernetes' own advice for endpoints that go away: traffic first, then
Pods; the steps up are the reverse.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from bandit_operator.core import reasons
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import ArmFacts, ArmStanding, ArmState, Rollback, Snapshot, Window
from bandit_operator.core.outcomes import (
    Drained,
    DrainStep,
    Graduated,
    Joined,
    Outcome,
    Restored,
    Returned,
    Scaled,
    TemplateChanged,
    Withheld,
)

SERVING_STATES = frozenset({ArmState.ACTIVE, ArmState.JOINING})
"""States in which an arm may carry weight."""
OUT_STATES = frozenset({ArmState.DRAINING, ArmState.ROLLED_BACK, ArmState.RESTORING})
"""States of an arm that a verdict has taken out and that has not come back."""

Step = tuple[ArmStanding, tuple[Outcome, ...]]
"""Where an arm stands after a step, and what happened in it."""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What the states come to: standings by arm, what happened, arms that start again."""

    standings: Mapping[str, ArmStanding]
    outcomes: tuple[Outcome, ...]
    restarted: frozenset[str]
    """Arms whose evidence is about Pods or times that are gone."""

    @property
    def scales(self) -> tuple[Scaled, ...]:
        """Replicas to set."""
        return tuple(outcome for outcome in self.outcomes if isinstance(outcome, Scaled))


def advance(experiment: Experiment, standings: Mapping[str, ArmStanding], snapshot: Snapshot) -> Lifecycle:
    """Move every arm's state by what is seen now; verdicts are not this function's business.

    ``standings`` may lack arms (they are new) and may hold arms that are no longer in the
    spec (they are forgotten).
    """
    after: dict[str, ArmStanding] = {}
    outcomes: list[Outcome] = []
    restarted: set[str] = set()
    for arm in experiment.names:
        before, facts = standings.get(arm), snapshot.arms[arm]
        standing, entered = _enter(arm, before, facts, snapshot.now, first=not standings)
        standing, started_again = _restart(experiment, arm, standing, facts, snapshot.now)
        standing, stepped = _step(experiment, arm, standing, facts, snapshot)
        after[arm] = standing
        outcomes += [*entered, *started_again, *stepped]
        if started_again or (before is None and standings):
            restarted.add(arm)
    return Lifecycle(after, tuple(outcomes), frozenset(restarted))


def roll_back(standings: Mapping[str, ArmStanding], loser: str, now: float) -> dict[str, ArmStanding]:
    """Take one arm out: from here on it has no weight and drains."""
    out = ArmStanding(ArmState.DRAINING, now, reasons.WORSE_THAN_BASELINE, standings[loser].template)
    return {**standings, loser: out}


def graduate(
    standings: Mapping[str, ArmStanding], arms: Collection[str], now: float
) -> tuple[dict[str, ArmStanding], tuple[Graduated, ...]]:
    """Let those of the ``arms`` that are joining follow the strategy like any other."""
    joining = [arm for arm in arms if standings[arm].state is ArmState.JOINING]
    grown = {
        arm: replace(standings[arm], state=ArmState.ACTIVE, since=now, reason=reasons.SERVING)
        for arm in joining
    }
    return {**standings, **grown}, tuple(map(Graduated, joining))


def _enter(arm: str, before: ArmStanding | None, facts: ArmFacts, now: float, *, first: bool) -> Step:
    if before is None:
        if first:  # the resource is new: its arms serve already, with the weights that the user gave
            return ArmStanding(ArmState.ACTIVE, now, reasons.SERVING, facts.template), ()
        joined = ArmStanding(ArmState.JOINING, now, reasons.NEW_ARM, facts.template)
        return joined, (Joined(arm, reasons.NEW_ARM),)
    if before.template is None and facts.template is not None:
        return replace(before, template=facts.template), (TemplateChanged(arm),)
    return before, ()


def _restart(experiment: Experiment, arm: str, standing: ArmStanding, facts: ArmFacts, now: float) -> Step:
    """Start an arm again when its Pods run something else, or when it may be retried."""
    if facts.template is not None and facts.template != standing.template:
        state, outcome = _restarted_state(arm, standing.state)
        return replace(
            standing,
            state=state,
            since=now,
            reason=reasons.NEW_POD_TEMPLATE,
            template=facts.template,
            quiet_since=None,
        ), (TemplateChanged(arm), *outcome)
    retry = experiment.rollback.retry_after
    if standing.state is ArmState.ROLLED_BACK and retry is not None and now - standing.since >= retry:
        restored = replace(standing, state=ArmState.RESTORING, since=now, reason=reasons.RETRY)
        return restored, (Restored(arm, reasons.RETRY),)
    return standing, ()


def _restarted_state(arm: str, state: ArmState) -> tuple[ArmState, tuple[Outcome, ...]]:
    """The state of an arm with another Pod template, and what that means for it."""
    if state is ArmState.UNAVAILABLE:
        return state, ()
    if state is ArmState.RESTORING:
        return state, ()
    if state in OUT_STATES:
        return ArmState.RESTORING, (Restored(arm, reasons.NEW_POD_TEMPLATE),)
    return ArmState.JOINING, (Joined(arm, reasons.NEW_POD_TEMPLATE),)


def _step(
    experiment: Experiment, arm: str, standing: ArmStanding, facts: ArmFacts, snapshot: Snapshot
) -> Step:
    now = snapshot.now
    match standing.state:
        case ArmState.ACTIVE | ArmState.JOINING if facts.available is False:
            why = reasons.NO_AVAILABLE_REPLICA
            gone = replace(standing, state=ArmState.UNAVAILABLE, since=now, reason=why)
            return gone, (Withheld(arm, why),)
        case ArmState.UNAVAILABLE if facts.available is not False:
            back = replace(standing, state=ArmState.JOINING, since=now, reason=reasons.SERVING)
            return back, (Returned(arm),)
        case ArmState.RESTORING:
            return _restore(arm, standing, facts, now)
        case ArmState.DRAINING:
            return _drain(experiment, arm, standing, facts, snapshot)
        case _:
            return standing, ()


def _restore(arm: str, standing: ArmStanding, facts: ArmFacts, now: float) -> Step:
    if facts.replicas == 0:
        up = Scaled(arm, expected=0, replicas=standing.previous_replicas or 1)
        return replace(standing, previous_replicas=up.replicas), (up,)
    if facts.available is False:
        return standing, ()
    back = replace(standing, state=ArmState.JOINING, since=now, previous_replicas=None, quiet_since=None)
    return back, (Returned(arm),)


def _drain(
    experiment: Experiment, arm: str, standing: ArmStanding, facts: ArmFacts, snapshot: Snapshot
) -> Step:
    """One step down: weight 0, accepted, no requests, then replicas 0; never two at once."""
    rollback, now = experiment.rollback, snapshot.now
    if facts.weight != 0 or not snapshot.route_accepted:
        return _waiting(arm, standing, replace(standing, reason=reasons.WAITING_FOR_ROUTE, quiet_since=None))
    if standing.quiet_since is None:
        return _waiting(
            arm, standing, replace(standing, reason=reasons.WAITING_FOR_REQUESTS, quiet_since=now)
        )
    if not _quiet(rollback, standing.quiet_since, facts, snapshot):
        return _waiting(arm, standing, replace(standing, reason=reasons.WAITING_FOR_REQUESTS))
    may_scale = rollback.scale_to_zero and arm != experiment.baseline and facts.replicas is not None
    if not may_scale or facts.replicas == 0:
        why = reasons.SCALED_TO_ZERO if may_scale else reasons.DRAINED
        out = replace(standing, state=ArmState.ROLLED_BACK, since=now, reason=why)
        return out, (Drained(arm, why),)
    assert facts.replicas is not None  # for the type checker: may_scale says so
    down = Scaled(arm, expected=facts.replicas, replicas=0)
    return replace(standing, reason=reasons.SCALING_TO_ZERO, previous_replicas=facts.replicas), (down,)


def _waiting(arm: str, before: ArmStanding, after: ArmStanding) -> Step:
    return after, () if after == before else (DrainStep(arm, after.reason),)


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
