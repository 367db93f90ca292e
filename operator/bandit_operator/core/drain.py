"""How an arm goes down: weight 0, accepted, no requests, then replicas 0; never two steps at once.

And how it begins to come back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bandit_operator.core import reasons, retries
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import (
    ArmFacts,
    ArmStanding,
    ArmState,
    Mode,
    Rollback,
    Snapshot,
    SourceDown,
    Window,
)
from bandit_operator.core.outcomes import Drained, DrainStep, Outcome, Restored, Scaled

NEVER_SERVED = 1.0
"""``idle_since`` of an arm that began in the shadow and has had no weight since, by no clock.

An arm that a resource finds at weight 0 may have served before the resource was made.
"""
Step = tuple[ArmStanding, tuple[Outcome, ...]]
"""Where an arm stands after a step, and what happened in it."""


def roll_back(standings: Mapping[str, ArmStanding], loser: str, now: float) -> dict[str, ArmStanding]:
    """Take one arm out: from here on it has no weight and drains."""
    before = standings[loser]
    out = replace(
        before,
        state=ArmState.DRAINING,
        since=now,
        reason=reasons.WORSE_THAN_BASELINE,
        previous_replicas=None,
        quiet_since=None,
        carried=0.0,
        rollbacks=int(retries.after_verdict(np.array(before.rollbacks), np.array(before.carried))),
    )
    return {**standings, loser: out}


def begin_to_restore(arm: str, standing: ArmStanding, now: float, reason: str) -> Step:
    """Bring an arm back that is out: it gets its replicas, and weight once it can serve."""
    back = replace(standing, state=ArmState.RESTORING, since=now, reason=reason, quiet_since=None)
    return back, (Restored(arm, reason),)


def drain(
    experiment: Experiment, arm: str, standing: ArmStanding, facts: ArmFacts, snapshot: Snapshot
) -> Step:
    """One step of an arm that drains, while another that can serve has weight."""
    rollback, now = experiment.rollback, snapshot.now
    if facts.weight != 0 or not snapshot.route_in_force:
        return waiting(arm, standing, replace(standing, reason=reasons.WAITING_FOR_ROUTE, quiet_since=None))
    if standing.quiet_since is None or clock_was_set(snapshot):
        return waiting(arm, standing, replace(standing, reason=reasons.WAITING_FOR_REQUESTS, quiet_since=now))
    if facts.requests is None and standing.idle_since == NEVER_SERVED:
        facts = replace(facts, requests=0.0)  # a counter that nobody has touched may not exist
    if rollback.requests_counted and facts.requests is None and isinstance(snapshot.reading, Window):
        return waiting(arm, standing, replace(standing, reason=reasons.REQUESTS_UNKNOWN))
    if not quiet(rollback, standing.quiet_since, facts, snapshot):
        waits = {reasons.REQUESTS_UNKNOWN} if rollback.requests_counted else set()
        why = standing.reason if standing.reason in waits else reasons.WAITING_FOR_REQUESTS
        return waiting(arm, standing, replace(standing, reason=why))
    scales = may_scale(experiment, arm, facts)
    if scales and facts.used_elsewhere is not None:
        out = replace(standing, state=ArmState.ROLLED_BACK, since=now, reason=reasons.PODS_IN_USE)
        return out, (Drained(arm, reasons.PODS_IN_USE),)
    if not scales or facts.replicas == 0:
        why = reasons.SCALED_TO_ZERO if facts.replicas == 0 else reasons.DRAINED
        out = replace(standing, state=ArmState.ROLLED_BACK, since=now, reason=why)
        return out, (Drained(arm, why),)
    assert facts.replicas is not None  # for the type checker: what scales has some
    down = Scaled(arm, expected=facts.replicas, replicas=0)
    return replace(standing, reason=reasons.SCALING_TO_ZERO, previous_replicas=facts.replicas), (down,)


def may_scale(experiment: Experiment, arm: str, facts: ArmFacts) -> bool:
    """Whether an arm that has drained is to lose its Pods, as the spec says now; in mode Observe none is."""
    acts = experiment.mode is Mode.ACTIVE and experiment.rollback.scale_to_zero
    return acts and arm != experiment.baseline and facts.replicas is not None


def clock_was_set(snapshot: Snapshot) -> bool:
    """Whether times that were remembered cannot be compared with this one's: a wait begins anew."""
    return isinstance(snapshot.reading, SourceDown) and snapshot.reading.reason == reasons.CLOCK_SET


def waiting(arm: str, before: ArmStanding, after: ArmStanding) -> Step:
    """The arm has come to its next step, if it has."""
    return after, () if after == before else (DrainStep(arm, after.reason),)


def quiet(rollback: Rollback, quiet_since: float, facts: ArmFacts, snapshot: Snapshot) -> bool:
    """Whether the arm's last requests are over.

    Where a request counter is named, a whole window without one request proves it, and
    requests that go on (sticky sessions) keep the Pods, however long; so does a counter that has
    no number for the arm. Where none is named, the drain time must do.
    """
    reading = snapshot.reading
    if not rollback.requests_counted:
        return snapshot.now >= quiet_since + rollback.drain
    return isinstance(reading, Window) and reading.start >= quiet_since and facts.requests == 0


def noted_idle(
    standings: Mapping[str, ArmStanding], before: Mapping[str, int], after: Mapping[str, int], now: float
) -> dict[str, ArmStanding]:
    """Remember whose weight is taken away or given back now, which the route shows only later.

    A process that begins meanwhile, and a replay, know by it which of the windows that follow the arm served.

    Args:
        standings: the arms.
        before: intended weights until now.
        after: those from now on.
        now: seconds since the Unix epoch.
    """
    noted = dict(standings)
    for arm, standing in standings.items():
        had, has = before.get(arm, 0) > 0, after[arm] > 0
        if has and not had:
            noted[arm] = replace(standing, idle_since=None)
        elif had and not has and standing.idle_since is None:  # else the route has shown so already
            noted[arm] = replace(standing, idle_since=now)
    return noted
