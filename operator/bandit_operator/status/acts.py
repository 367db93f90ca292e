"""What was done, kept apart from what was merely looked at: a fold over the outcomes of decisions.

The history turns over within minutes; acts stay. Moves of weights that follow each other are one
act, which says where they began and where they have come to, so that they do not crowd out verdicts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bandit_operator.api.acts import Act, ActKind, TakenOut
from bandit_operator.api.fields import cut
from bandit_operator.api.record import MAX_ACTS
from bandit_operator.api.timestamps import to_timestamp
from bandit_operator.api.verbs import Asked
from bandit_operator.core import reasons
from bandit_operator.core.decision import Decision
from bandit_operator.core.model import Mode
from bandit_operator.core.outcomes import (
    BaselineChanged,
    Drained,
    Joined,
    Outcome,
    Pinned,
    Promoted,
    Recalled,
    Restored,
    Returned,
    RolledBack,
    SetOut,
    Unpinned,
    WeightsMoved,
    Withheld,
)
from bandit_operator.status.figures import figure

Acts = tuple[Act, ...]
"""Newest first."""


def with_acts(acts: Acts, decision: Decision, now: float, asked: Asked) -> Acts:
    """The acts after one more decision.

    Args:
        acts: those before.
        decision: what was decided.
        now: seconds since the Unix epoch.
        asked: who may have asked for it.
    """
    known = acts
    for act in _acts_of(decision, to_timestamp(now)):
        acts = with_act(acts, _credited(act, asked, known))
    return acts


def with_act(acts: Acts, act: Act) -> Acts:
    """The acts after one more; a move goes on with the move before it."""
    if act.kind is ActKind.MOVED and acts and acts[0].kind is ActKind.MOVED:
        begun = acts[0]
        going_on = begun.model_copy(update={"until": act.time, "after": act.after, "count": begun.count + 1})
        return (going_on, *acts[1:])
    return (act, *acts)[:MAX_ACTS]


def taken_out(
    before: Mapping[str, TakenOut], decision: Decision, acts: Acts, now: float, baseline: str
) -> dict[str, TakenOut]:
    """Why, when and on what figures each arm was taken out last; ``acts`` are those after the decision."""
    after = dict(before)
    for by_hand in decision.of(SetOut):
        why = who_and_why(newest(acts, ActKind.TAKEN_OUT, by_hand.arm))
        after[by_hand.arm] = TakenOut(
            time=to_timestamp(now), message=cut(f"spec.arms[].state of {by_hand.arm} is Out{why}")
        )
    for verdict in decision.of(RolledBack):
        own, other = decision.reports[verdict.arm], decision.reports[baseline]
        after[verdict.arm] = TakenOut(
            time=to_timestamp(now),
            message=str(verdict),
            mean=figure(own.mean),
            trials=figure(own.trials),
            baseline_mean=figure(other.mean),
        )
    return after


def _acts_of(decision: Decision, time: str) -> Iterator[Act]:
    for outcome in decision.outcomes:
        act = _act_of(outcome, time, decision.message)
        if act is not None:
            yield act


def _act_of(outcome: Outcome, time: str, message: str) -> Act | None:
    match outcome:
        case BaselineChanged(arm=arm):
            return Act(time=time, kind=ActKind.BASELINE_CHANGED, arm=arm)
        case SetOut(arm):
            return Act(time=time, kind=ActKind.TAKEN_OUT, arm=arm, reason=reasons.SET_OUT)
        case Drained(arm, reason):
            return Act(time=time, kind=ActKind.DRAINED, arm=arm, reason=reason)
        case Joined(arm, reason):
            return Act(time=time, kind=ActKind.JOINED, arm=arm, reason=reason)
        case Pinned(arm):
            return Act(time=time, kind=ActKind.PINNED, arm=arm)
        case Promoted(arm):
            return Act(time=time, kind=ActKind.PROMOTED, arm=arm)
        case Recalled(arm):
            return Act(time=time, kind=ActKind.CALLED_BACK, arm=arm)
        case Restored(arm, reason):
            return Act(time=time, kind=ActKind.RESTORED, arm=arm, reason=reason)
        case Returned(arm):
            return Act(time=time, kind=ActKind.RETURNED, arm=arm)
        case RolledBack(arm):
            return Act(time=time, kind=ActKind.ROLLED_BACK, arm=arm, message=cut(message))
        case Unpinned(arm):
            return Act(time=time, kind=ActKind.UNPINNED, arm=arm)
        case WeightsMoved(before, after):
            moved = {"before": dict(before), "after": dict(after)}
            return Act(time=time, until=time, kind=ActKind.MOVED, count=1, **moved)
        case Withheld(arm, reason, why):
            return Act(time=time, kind=ActKind.WITHHELD, arm=arm, reason=reason, message=why)
        case _:
            return None


def mode_act(mode: Mode, asked: Asked, known: Acts, now: float) -> Act:
    """The user has changed the mode."""
    return _credited(Act(time=to_timestamp(now), kind=_MODES[mode]), asked, known)


_MODES = {Mode.ACTIVE: ActKind.RESUMED, Mode.OBSERVE: ActKind.OBSERVED, Mode.PAUSED: ActKind.PAUSED}
_VERBS = {
    (ActKind.BASELINE_CHANGED, None): "promote",
    (ActKind.OBSERVED, None): "observe",
    (ActKind.PAUSED, None): "pause",
    (ActKind.PINNED, None): "pin",
    (ActKind.RESTORED, reasons.BASELINE): "promote",
    (ActKind.RESTORED, reasons.PINNED): "pin",
    (ActKind.RESTORED, reasons.RESTORE_REQUESTED): "restore",
    (ActKind.RESTORED, reasons.SET_IN): "restore",
    (ActKind.RESUMED, None): "resume",
    (ActKind.TAKEN_OUT, reasons.SET_OUT): "rollback",
    (ActKind.UNPINNED, None): "unpin",
}
"""By which verb people ask for what is done, by kind and reason."""


def _credited(act: Act, asked: Asked, known: Acts) -> Act:
    """The act with who asked for it and why, where somebody did: each verb is good for one decision."""
    wanted = _VERBS.get((act.kind, act.reason))
    if wanted is None:
        return act
    verb = asked.verb
    fits = verb is not None and verb.verb == wanted and verb.arm in (None, act.arm)
    if fits and verb is not None and all(one.asked_at != verb.at for one in known):
        return act.model_copy(update={"by": verb.by, "asked_at": verb.at, "message": verb.reason})
    if act.reason == reasons.RESTORE_REQUESTED:
        return act  # which is no change of the spec
    why = asked.pin_reason if act.kind is ActKind.PINNED else None
    return act.model_copy(update={"by": asked.writers[0] if asked.writers else None, "message": why})


def newest(acts: Acts, kind: ActKind, arm: str | None = None) -> Act | None:
    """The newest act of a kind, and of an arm where one is named."""
    return next((act for act in acts if act.kind is kind and arm in (None, act.arm)), None)


def who_and_why(act: Act | None) -> str:
    """Who asked for an act, when and why, to be read after what was done; empty where nothing is known."""
    if act is None:
        return ""
    by = f", by {act.by}" if act.by else ""
    at = f", at {act.asked_at or act.time}" if by else ""
    return f"{by}{at}" + (f": {act.message}" if act.message else "")
