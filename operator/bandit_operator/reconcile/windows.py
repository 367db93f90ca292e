"""Read every window that is due, oldest first, and learn from all but the newest.

Normally one is due. After an absence of the operator or of the source the missed ones are
read as they would have been read then, and lead to the memory that they would have led to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bandit_operator.api.rules import parse_duration
from bandit_operator.core import reasons, windows
from bandit_operator.core.memory import update
from bandit_operator.core.model import SourceDown, Window
from bandit_operator.reconcile.observe import Observer, Reading
from bandit_operator.runtime.telemetry import Metrics
from bandit_operator.status.history import quiet_record
from bandit_operator.status.session import Session


@dataclass(frozen=True, slots=True)
class Read:
    """The newest window, why there is none, or None where none is due; and its requests by arm."""

    reading: Window | SourceDown | None
    requests: Mapping[str, float]


CLOCK_SET = SourceDown(
    reasons.CLOCK_SET,
    "the machine's clock was set; windows are read again once it has kept pace for a minute",
)


async def catch_up(observer: Observer, metrics: Metrics, session: Session, now: float) -> Read:
    """Read what is due at ``now``; the session's memory, cursor and history follow."""
    interval = session.experiment.interval
    end = windows.newest_end(now, interval, settle_of(session))
    if session.cursor is None or session.cursor > end + 2 * interval:
        session.cursor = end  # new, or written by a clock that was ahead
        return Read(None, {})
    missed = windows.due(session.cursor, end, interval)
    if missed.lost > 0:
        session.notes = (*session.notes, f"rewards of {missed.lost:g} s are too old to be counted")
    newest: Reading | None = None
    for start, stop in missed.windows:
        if newest is not None:
            _learn(session, newest.window, now)
        reading = await observer.rewards(session.resource, start, stop)
        metrics.queries.labels("answered" if isinstance(reading, Reading) else reading.reason).inc()
        if isinstance(reading, SourceDown):
            return Read(reading, {})
        newest = reading
    return Read(None, {}) if newest is None else Read(newest.window, newest.requests)


def settle_of(session: Session) -> float:
    """How long after its end a window's numbers are complete, seconds."""
    return parse_duration(session.resource.spec.reward.prometheus.settle)


def moved_on(session: Session, window: Window) -> None:
    """Let cursor and age of the rewards follow a window that has been learned from."""
    session.cursor = window.end
    if sum(getattr(outcome, "trials", 0.0) for outcome in window.arms.values()) > 0:
        session.rewards_until = window.end


def _learn(session: Session, window: Window, now: float) -> None:
    session.memory = update(session.experiment, session.memory, window)
    session.history.insert(0, quiet_record(session, window, now))
    moved_on(session, window)
