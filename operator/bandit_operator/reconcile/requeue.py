"""When a resource is looked at next: at its tick, or before it where something is under way."""

from __future__ import annotations

from bandit_operator.core import servable, windows
from bandit_operator.core.decision import Decision
from bandit_operator.core.lifecycle import CALL_SECONDS
from bandit_operator.core.model import SERVING_STATES, ArmState, Mode
from bandit_operator.reconcile.scale_writes import RETRY_SECONDS
from bandit_operator.reconcile.tracked import Tracked
from bandit_operator.runtime.scheduler import Requeue
from bandit_operator.status.conditions import DEADLINE_SECONDS

JUST_AFTER_SECONDS = 0.05
"""So that a drain is over by then, whatever the clock's granularity."""
LOOK_SECONDS = 30.0
"""What no watch brings is read so often, whatever the interval is."""
REASSERT_SECONDS = 1.0
"""A write that was overtaken or refused is tried again after this."""


def tick_after(tracked: Tracked, now: float, resources: int) -> float:
    """When a resource's next tick is, seconds since the Unix epoch; ``resources`` are looked at beside it."""
    experiment = tracked.experiment
    return windows.next_tick(now, experiment.interval, tracked.settle, experiment.uid, resources)


def at_its_tick(tracked: Tracked, now: float) -> Requeue:
    """The next pass is its tick; ``now`` is the end of this one, seconds since the Unix epoch.

    With the beginning, what the pass took would be waited for once more, and resources that are due in the
    same moment would come apart.
    """
    return Requeue(max(0.0, tracked.tick_at - now), tick=True)


def next_requeue(
    tracked: Tracked,
    decision: Decision,
    *,
    begun: float,
    now: float,
    monotonic: float,
    unwatched: bool,
) -> Requeue:
    """The next pass: the tick, or earlier, when a drain or a wait ends or a write is tried again.

    What ended while the pass was made has not been looked at, and is due at once.

    Args:
        tracked: the resource.
        decision: what was decided in this pass.
        begun: the beginning of this pass, seconds since the Unix epoch.
        now: its end, likewise.
        monotonic: seconds by the monotonic clock.
        unwatched: whether it is read, and not watched, whether some arm can serve.
    """
    moments = [
        standing.quiet_since + tracked.experiment.rollback.drain + JUST_AFTER_SECONDS
        for standing in decision.standings.values()
        if standing.state is ArmState.DRAINING and standing.quiet_since is not None
    ]
    moments += [
        proven_at + JUST_AFTER_SECONDS
        for standing in decision.standings.values()
        if (proven_at := servable.proven_at(standing)) is not None
    ]
    moments += _while_arms_come(tracked, decision)
    if unwatched:
        moments.append(now + LOOK_SECONDS)
    if tracked.write_at > begun:
        moments.append(tracked.write_at + JUST_AFTER_SECONDS)
    elif not tracked.route.in_sync and tracked.experiment.mode is Mode.ACTIVE:
        moments.append(now + REASSERT_SECONDS + tracked.route.back_off(monotonic))
    said_in = tracked.route.said_in(monotonic)
    if said_in is not None:
        moments.append(now + said_in + JUST_AFTER_SECONDS)
    if tracked.scales.failing:
        moments.append(now + RETRY_SECONDS)
    unkept_in = tracked.scales.said_in(monotonic)
    if unkept_in is not None:
        moments.append(now + unkept_in + JUST_AFTER_SECONDS)
    earlier = [moment for moment in moments if begun < moment < tracked.tick_at]
    return Requeue(max(0.0, min(earlier) - now), tick=False) if earlier else at_its_tick(tracked, now)


def _while_arms_come(tracked: Tracked, decision: Decision) -> list[float]:
    """When Pods should have come: it is told then, and where no arm serves the next one is called.

    The tick may be a day away.
    """
    if tracked.experiment.mode is not Mode.ACTIVE:
        return []
    standings = decision.standings.values()
    coming = [one.since for one in standings if one.state is ArmState.RESTORING]
    nobody = not any(one.state in SERVING_STATES for one in standings)
    waits = (DEADLINE_SECONDS, CALL_SECONDS) if nobody else (DEADLINE_SECONDS,)
    return [since + wait + JUST_AFTER_SECONDS for since in coming for wait in waits]
