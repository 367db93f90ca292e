"""When a resource is looked at next: at its tick, or before it where something is under way."""

from __future__ import annotations

from bandit_operator.core import servable
from bandit_operator.core.decision import Decision
from bandit_operator.core.model import ArmState, Mode
from bandit_operator.reconcile.tracked import Tracked
from bandit_operator.runtime.scheduler import Requeue

JUST_AFTER_SECONDS = 0.05
"""So that a drain is over by then, whatever the clock's granularity."""
REASSERT_SECONDS = 1.0
"""A write that was overtaken or refused is tried again after this."""


def at_its_tick(tracked: Tracked, now: float) -> Requeue:
    """The next pass is its tick; ``now`` is the end of this one, seconds since the Unix epoch.

    With the beginning, what the pass took would be waited for once more, and resources that are due in the
    same moment would come apart.
    """
    return Requeue(max(0.0, tracked.tick_at - now), tick=True)


def next_requeue(tracked: Tracked, decision: Decision, now: float, monotonic: float) -> Requeue:
    """The next pass: the tick, or earlier where a drain or a wait ends or weights are re-asserted.

    Args:
        tracked: the resource.
        decision: what was decided in this pass.
        now: the end of this pass, seconds since the Unix epoch.
        monotonic: seconds by the monotonic clock.
    """
    tick = at_its_tick(tracked, now)
    waits = [
        standing.quiet_since + tracked.experiment.rollback.drain - now + JUST_AFTER_SECONDS
        for standing in decision.standings.values()
        if standing.state is ArmState.DRAINING and standing.quiet_since is not None
    ]
    waits += [
        proven_at - now + JUST_AFTER_SECONDS
        for standing in decision.standings.values()
        if (proven_at := servable.proven_at(standing)) is not None
    ]
    if tracked.write_at > now:
        waits.append(tracked.write_at - now + JUST_AFTER_SECONDS)
    elif not tracked.route.in_sync and tracked.experiment.mode is Mode.ACTIVE:
        waits.append(REASSERT_SECONDS + tracked.route.back_off(monotonic))
    waits = [wait for wait in waits if 0 < wait < tick.after]
    return Requeue(min(waits), tick=False) if waits else tick
