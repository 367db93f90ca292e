"""Records of decisions, complete enough to make each decision again, and the way back from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import NewType

from bandit_operator.api.fields import cut
from bandit_operator.api.record import DecisionRecord, ImplausibleNumbers, Observation, Seen, SeenArm
from bandit_operator.api.status import WindowStatus
from bandit_operator.api.timestamps import from_timestamp, to_timestamp
from bandit_operator.core import reasons
from bandit_operator.core.decision import Decision, Intention
from bandit_operator.core.model import (
    ArmFacts,
    ArmReading,
    ArmState,
    Implausible,
    NoData,
    NothingDue,
    Observed,
    Reading,
    Snapshot,
    SourceDown,
    Window,
)
from bandit_operator.status.shadow_record import recorded, shadow_of

KeptRecord = NewType("KeptRecord", bytes)
"""A record as JSON. The process keeps thirty of each resource and looks at the newest alone; as objects they
would take ten times the memory, which is most of what a resource that rests would take.
"""
_SUMS = tuple(field.name for field in fields(Observed))


def decision_record(
    snapshot: Snapshot, seen: Seen | None, decision: Decision, generation: int
) -> DecisionRecord:
    """What was seen, what it came to, and why.

    ``seen`` is None where the cluster said what the record before has.
    """
    window = snapshot.reading if isinstance(snapshot.reading, Window) else None
    return DecisionRecord(
        time=to_timestamp(snapshot.now),
        window=None if window is None else _window(window),
        generation=generation,
        seen=seen,
        quiet=None if window is None else window.quiet or None,
        observations=None if window is None else _observations(window),
        missing=None if window is None else _missing(window),
        implausible=None if window is None else _implausible(window),
        guards=None if window is None else _guards(window),
        shadow=None if window is None else recorded(window.shadow),
        weights=dict(decision.weights),
        actions=[str(scale) for scale in decision.scales] or None,
        no_window=_why_no_window(snapshot.reading, decision.reason),
        reason=decision.reason,
        message=cut(decision.message),
    )


def caught_up_record(window: Window, now: float, generation: int) -> DecisionRecord:
    """A window that was read after an absence: it was learned from, and nothing was decided."""
    return DecisionRecord(
        time=to_timestamp(now),
        window=_window(window),
        generation=generation,
        quiet=window.quiet or None,
        observations=_observations(window),
        missing=_missing(window),
        implausible=_implausible(window),
        guards=_guards(window),
        shadow=recorded(window.shadow),
        reason=reasons.CAUGHT_UP,
        message="read after an absence",
    )


def kept(record: DecisionRecord) -> KeptRecord:
    """A record to be kept until the status is written; :func:`record_of` gives it back."""
    return KeptRecord(record.model_dump_json(by_alias=True, exclude_none=True).encode())


def record_of(kept_record: KeptRecord) -> DecisionRecord:
    """The inverse of :func:`kept`."""
    return DecisionRecord.model_validate_json(kept_record)


def newest_window(history: Iterable[KeptRecord]) -> WindowStatus | None:
    """The newest window that a history, newest first, was decided from."""
    return next((window for one in history if (window := record_of(one).window) is not None), None)


def seen_of(snapshot: Snapshot, total: int, before: Intention | None) -> Seen:
    """What the cluster said, as far as decisions depend on it.

    Requests matter only of arms that drain, and other users only of arms that are out; left out
    elsewhere, quiet ticks are alike.
    """
    standings = {} if before is None else before.standings
    draining = {arm for arm, standing in standings.items() if standing.state is ArmState.DRAINING}
    out = draining | {arm for arm, one in standings.items() if one.state is ArmState.ROLLED_BACK}
    return Seen(
        generation=snapshot.route_generation,
        accepted=snapshot.route_accepted,
        programmed=None if snapshot.route_programmed else False,
        total=total,
        unresolved=snapshot.unresolved,
        contested=snapshot.contested or None,
        sessions_persist=snapshot.sessions_persist or None,
        restore=snapshot.restore,
        arms={
            arm: SeenArm(
                weight=facts.weight,
                available=facts.available,
                replicas=facts.replicas,
                template=facts.template,
                requests=repr(facts.requests) if arm in draining and facts.requests is not None else None,
                ready_endpoints=None if facts.ready_endpoints is None else min(facts.ready_endpoints, 1),
                in_rule=None if facts.in_rule else False,
                exists=None if facts.exists else False,
                resolved=facts.resolved,
                used_elsewhere=facts.used_elsewhere if arm in out else None,
                identity=facts.identity,
                updating=facts.updating or None,
                unread=facts.unread or None,
                was_arm=facts.was_arm or None,
            )
            for arm, facts in snapshot.arms.items()
        },
    )


def _window(window: Window) -> WindowStatus:
    return WindowStatus(start=to_timestamp(window.start), end=to_timestamp(window.end))


def _observations(window: Window) -> dict[str, Observation]:
    return {
        arm: Observation(
            **{name: repr(value) for name in _SUMS if (value := getattr(reading, name)) is not None}
        )
        for arm, reading in window.arms.items()
        if isinstance(reading, Observed)
    }


def _missing(window: Window) -> dict[str, str] | None:
    missing = {arm: reading.reason for arm, reading in window.arms.items() if isinstance(reading, NoData)}
    return missing or None


def _implausible(window: Window) -> dict[str, ImplausibleNumbers] | None:
    implausible = {
        arm: ImplausibleNumbers(reason=reading.reason, message=cut(reading.message))
        for arm, reading in window.arms.items()
        if isinstance(reading, Implausible)
    }
    return implausible or None


def _guards(window: Window) -> dict[str, dict[str, str]] | None:
    values = {
        guard: {arm: repr(value) for arm, value in by_arm.items()}
        for guard, by_arm in window.guards.items()
        if by_arm
    }
    return values or None


# ---- the way back ---------------------------------------------------------------------


def window_of(record: DecisionRecord, names: Sequence[str]) -> Window | None:
    """The window of a record, as the core took it, or None where it has none."""
    if record.window is None:
        return None
    observations, missing = record.observations or {}, record.missing or {}
    implausible = record.implausible or {}
    arms: dict[str, ArmReading] = {arm: NoData(missing.get(arm, "")) for arm in names}
    arms |= {arm: observed(observations[arm]) for arm in names if arm in observations}
    arms |= {arm: Implausible(one.reason, one.message) for arm, one in implausible.items()}
    guards = {
        guard: {arm: float(value) for arm, value in by_arm.items()}
        for guard, by_arm in (record.guards or {}).items()
    }
    start, end = from_timestamp(record.window.start), from_timestamp(record.window.end)
    shadow = shadow_of(record.shadow, names)
    return Window(start, end, arms, guards, shadow, quiet=record.quiet or 0.0)


def recorded_snapshot(record: DecisionRecord, seen: Seen, names: Sequence[str]) -> Snapshot:
    """What a decision was made from, besides the memory; ``seen`` is the record's, or the last before it."""
    return Snapshot(
        now=from_timestamp(record.time),
        reading=window_of(record, names) or _no_window(record),
        arms={arm: _facts(seen.arms[arm]) for arm in names},
        route_generation=seen.generation,
        route_accepted=seen.accepted,
        route_programmed=seen.programmed is not False,
        unresolved=seen.unresolved,
        contested=bool(seen.contested),
        sessions_persist=bool(seen.sessions_persist),
        restore=seen.restore,
    )


def weights_of(seen: Seen) -> Mapping[str, int]:
    """The weights that the route carried."""
    return {arm: facts.weight for arm, facts in seen.arms.items()}


def observed(observation: Observation) -> Observed:
    """What an arm earned in a window, as the core has it."""
    numbers = observation.model_dump(exclude_none=True)
    return Observed(**{name: float(text) for name, text in numbers.items()})


def _why_no_window(reading: Reading, reason: str) -> str | None:
    """Why there was no window, where a decision is for another reason, as when weights moved all the same."""
    if isinstance(reading, Window) or reading.reason in (reason, reasons.BETWEEN_TICKS):
        return None
    return reading.reason


def _no_window(record: DecisionRecord) -> Reading:
    reason = record.no_window or record.reason
    if reason in reasons.SOURCE_FAULTS:
        return SourceDown(reason, record.message)
    known = reasons.NOTHING_DUE | reasons.VERDICTS_SUSPENDED
    due = reason if reason in known else reasons.BETWEEN_TICKS
    return NothingDue(due, record.message)


def _facts(seen: SeenArm) -> ArmFacts:
    return ArmFacts(
        weight=seen.weight,
        available=seen.available,
        replicas=seen.replicas,
        template=seen.template,
        requests=None if seen.requests is None else float(seen.requests),
        ready_endpoints=seen.ready_endpoints,
        in_rule=seen.in_rule is not False,
        exists=seen.exists is not False,
        resolved=seen.resolved,
        used_elsewhere=seen.used_elsewhere,
        identity=seen.identity,
        updating=bool(seen.updating),
        unread=bool(seen.unread),
        was_arm=bool(seen.was_arm),
    )
