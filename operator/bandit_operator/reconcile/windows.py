"""Read every window that is due, oldest first, and learn from all but the newest.

Normally one is due. After an absence of the operator or of the source the missed ones are
read as they would have been read then, and lead to the memory that they would have led to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bandit_operator.api.timestamps import to_timestamp
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core import reasons, windows
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import NothingDue, Reading, SourceDown
from bandit_operator.reconcile.decisions import Decisions
from bandit_operator.reconcile.observe import Observer, WindowRead
from bandit_operator.runtime.telemetry import Metrics
from bandit_operator.status.committed import Committed

CLOCK_SET = SourceDown(
    reasons.CLOCK_SET,
    "the machine's clock was set; windows are read again once it has kept pace for a minute",
)
BETWEEN_TICKS = NothingDue(reasons.BETWEEN_TICKS, "no window is due")


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The newest window, or why there is none, and what the missed ones before it led to."""

    committed: Committed
    reading: Reading
    requests: Mapping[str, float] = field(default_factory=dict)
    """Requests of the newest window by arm, where they are counted."""
    late: bool = False
    """Whether samples of earlier windows have come after those were read."""


async def catch_up(
    observer: Observer,
    decisions: Decisions,
    metrics: Metrics,
    resource: BanditDeployment,
    experiment: Experiment,
    committed: Committed,
    now: float,
    settle: float,
) -> CaughtUp:
    """Read what is due.

    Args:
        observer: reads it.
        decisions: learns from what was missed.
        metrics: counts the queries.
        resource: whose rewards.
        experiment: the same, parsed.
        committed: what was learned up to now.
        now: seconds since the Unix epoch.
        settle: how long after its end a window's numbers are complete, seconds.
    """
    interval = experiment.interval
    end = windows.newest_end(now, interval, settle)
    if committed.cursor is None or committed.cursor > end + 2 * interval:
        # New, or written by a clock that was ahead.
        return CaughtUp(replace(committed, cursor=end), first_window(end))
    missed_from = committed.cursor
    missed = windows.due(missed_from, end, interval)
    if missed.lost > 0:
        note = f"rewards of {missed.lost:g} s are too old to be counted"
        committed = replace(committed, notes=(*committed.notes, note))
    newest: WindowRead | None = None
    late = False
    for start, stop in missed.windows:
        if newest is not None:
            standings = {} if committed.intention is None else committed.intention.standings
            memory = await decisions.learn(experiment, committed.memory, standings, newest.window)
            committed = committed.learned(memory, newest.window, now, resource.metadata.generation)
        usual = float(committed.memory.labels) * (stop - start) / interval
        read = await observer.rewards(resource, start, stop, usual=usual)
        metrics.queries.labels("answered" if isinstance(read, WindowRead) else read.reason).inc()
        if isinstance(read, SourceDown):
            return CaughtUp(committed, read, late=late)
        bound = (_most_lost(committed, start, stop),) if read.past_is_lost else ()
        committed = replace(committed, notes=(*committed.notes, *read.notes, *bound))
        newest, late = _since_the_last(read, committed), late or read.late
    if newest is None:
        waits = committed.rewards_until is None
        return CaughtUp(committed, first_window(missed_from) if waits else BETWEEN_TICKS)
    return CaughtUp(committed, newest.window, newest.requests, late)


def _since_the_last(read: WindowRead, committed: Committed) -> WindowRead:
    """What was read, with how long no reward had come before."""
    until, window = committed.rewards_until, read.window
    quiet = 0.0 if until is None else max(0.0, window.start - until)
    return replace(read, window=replace(window, quiet=quiet)) if quiet else read


def _most_lost(committed: Committed, start: float, stop: float) -> str:
    """The bound on what is lost with the past of counters: all since the newest rewards that were read."""
    since = start if committed.rewards_until is None else min(start, committed.rewards_until)
    gap = f"those from {to_timestamp(since)} to the first sample of the series that began"
    return f"at most {stop - since:g} s of rewards are lost: {gap}"


def first_window(cursor: float) -> NothingDue:
    """Nothing is due yet: rewards count from the cursor on."""
    return NothingDue(reasons.FIRST_WINDOW, f"rewards count from {to_timestamp(cursor)} on")
