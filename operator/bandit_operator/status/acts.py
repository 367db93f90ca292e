"""What was done, kept apart from what was merely looked at: a fold over the outcomes of decisions.

The history turns over within minutes; acts stay. Moves of weights that follow each other are one
act, which says where they began and where they have come to, so that they do not crowd out verdicts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bandit_operator.api.status import MAX_ACTS, Act, ActKind, TakenOut
from bandit_operator.api.timestamps import to_timestamp
from bandit_operator.core.decision import Decision
from bandit_operator.core.outcomes import (
    Drained,
    Joined,
    Outcome,
    Promoted,
    Recalled,
    Restored,
    Returned,
    RolledBack,
    WeightsMoved,
    Withheld,
)

Acts = tuple[Act, ...]
"""Newest first."""


def with_acts(acts: Acts, decision: Decision, now: float) -> Acts:
    """The acts after one more decision; ``now`` in seconds since the Unix epoch."""
    for act in _acts_of(decision, to_timestamp(now)):
        acts = with_act(acts, act)
    return acts


def with_act(acts: Acts, act: Act) -> Acts:
    """The acts after one more; a move goes on with the move before it."""
    if act.kind is ActKind.MOVED and acts and acts[0].kind is ActKind.MOVED:
        begun = acts[0]
        going_on = begun.model_copy(update={"until": act.time, "after": act.after, "count": begun.count + 1})
        return (going_on, *acts[1:])
    return (act, *acts)[:MAX_ACTS]


def taken_out(
    before: Mapping[str, TakenOut], decision: Decision, now: float, baseline: str
) -> dict[str, TakenOut]:
    """Why, when and on what figures each arm was taken out last."""
    after = dict(before)
    for verdict in decision.of(RolledBack):
        own, other = decision.reports[verdict.arm], decision.reports[baseline]
        after[verdict.arm] = TakenOut(
            time=to_timestamp(now),
            message=str(verdict),
            mean=_decimal(own.mean),
            trials=_decimal(own.trials),
            baseline_mean=_decimal(other.mean),
        )
    return after


def _acts_of(decision: Decision, time: str) -> Iterator[Act]:
    for outcome in decision.outcomes:
        act = _act_of(outcome, time, decision.message)
        if act is not None:
            yield act


def _act_of(outcome: Outcome, time: str, message: str) -> Act | None:
    match outcome:
        case Drained(arm, reason):
            return Act(time=time, kind=ActKind.DRAINED, arm=arm, reason=reason)
        case Joined(arm, reason):
            return Act(time=time, kind=ActKind.JOINED, arm=arm, reason=reason)
        case Promoted(arm):
            return Act(time=time, kind=ActKind.PROMOTED, arm=arm)
        case Recalled(arm):
            return Act(time=time, kind=ActKind.CALLED_BACK, arm=arm)
        case Restored(arm, reason):
            return Act(time=time, kind=ActKind.RESTORED, arm=arm, reason=reason)
        case Returned(arm):
            return Act(time=time, kind=ActKind.RETURNED, arm=arm)
        case RolledBack(arm):
            return Act(time=time, kind=ActKind.ROLLED_BACK, arm=arm, message=message[:1024])
        case WeightsMoved(before, after):
            moved = {"before": dict(before), "after": dict(after)}
            return Act(time=time, until=time, kind=ActKind.MOVED, count=1, **moved)
        case Withheld(arm, reason, why):
            return Act(time=time, kind=ActKind.WITHHELD, arm=arm, reason=reason, message=why)
        case _:
            return None


def mode_act(kind: ActKind, writers: Sequence[str], now: float) -> Act:
    """The user has changed the mode; ``writers`` are the field managers of the spec, newest first."""
    by = f"set by {writers[0]}" if writers else None
    return Act(time=to_timestamp(now), kind=kind, message=by)


def _decimal(value: float | None) -> str | None:
    return None if value is None else f"{value:.6g}"
