"""Kubernetes Events: what happened to a resource, for ``kubectl describe`` and ``kubectl events``.

Only what a person would want to be told: not every step of the weights, which the status has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bandit_operator.api.acts import Act, ActKind
from bandit_operator.api.status import Condition
from bandit_operator.core import reasons
from bandit_operator.core.decision import Decision
from bandit_operator.core.model import ArmState, Mode
from bandit_operator.core.outcomes import (
    BaselineChanged,
    Drained,
    NoMaterialDifference,
    Noticed,
    Outcome,
    Pinned,
    Promoted,
    Recalled,
    Restored,
    RewardsChanged,
    RolledBack,
    SetOut,
    Unpinned,
    Withheld,
)
from bandit_operator.status.acts import Acts, newest, who_and_why


@dataclass(frozen=True, slots=True)
class Event:
    """A draft of one: ``action`` is what was done, ``reason`` why, ``note`` both for people."""

    reason: str
    action: str
    note: str
    warning: bool = False


def of_conditions(before: Mapping[str, Condition], after: Sequence[Condition]) -> list[Event]:
    """One event for each condition that went to False, or came back from it, and for what is told once."""
    events = []
    for condition in after:
        old = before.get(condition.type)
        failed = condition.status == "False"
        if old is not None and (old.status, old.reason) == (condition.status, condition.reason):
            continue
        if (condition.type, condition.reason) in _WORTH_TELLING:
            events.append(Event(condition.reason, f"Check{condition.type}", condition.message))
        if condition.type in ("Ready", "Progressing", "Decided") or (old is None and not failed):
            continue
        if failed or (old is not None and old.status == "False"):
            events.append(
                Event(condition.reason, f"Check{condition.type}", condition.message, warning=failed)
            )
    return events


_WORTH_TELLING = {
    ("Decided", reasons.MAX_DURATION_REACHED),
    ("MetricsAvailable", reasons.INTERVAL_TOO_SHORT),
}
"""Condition and reason of what is not wrong, and yet no quiet change."""


def of_decision(decision: Decision, acts: Acts) -> list[Event]:
    """One event for each outcome that a person would want to be told of; ``acts`` say who asked for it."""
    events = (_wished(one, acts) or _of(one, decision) for one in decision.outcomes)
    return [event for event in events if event is not None]


def of_mode(act: Act | None) -> list[Event]:
    """One event where the user changed the mode."""
    if act is None:
        return []
    reason, mode = _MODES[act.kind]
    return [Event(reason, "SetMode", f"spec.mode is {mode} now{who_and_why(act)}")]


_MODES = {
    ActKind.OBSERVED: (reasons.OBSERVE_ONLY, Mode.OBSERVE),
    ActKind.PAUSED: (reasons.PAUSED, Mode.PAUSED),
    ActKind.RESUMED: (reasons.RESUMED, Mode.ACTIVE),
}
"""Reason of the event and the mode, by what was done."""


def _wished(outcome: Outcome, acts: Acts) -> Event | None:
    """The event of what a user asked for by name, with who did."""
    match outcome:
        case BaselineChanged(before, arm, stays):
            why = who_and_why(newest(acts, ActKind.BASELINE_CHANGED, arm))
            spared = ", which no verdict takes out for an hour" if stays else ""
            note = f"{arm} is the baseline now, instead of {before}{spared}"
            return Event(reasons.BASELINE_CHANGED, "Promote", note + why)
        case Pinned(arm):
            why = who_and_why(newest(acts, ActKind.PINNED, arm))
            return Event(reasons.PINNED, "Pin", f"all traffic goes to arm {arm}{why}")
        case Restored(arm, reason) if reason in (reasons.RESTORE_REQUESTED, reasons.SET_IN):
            why = who_and_why(newest(acts, ActKind.RESTORED, arm))
            return Event(reason, "Restore", f"arm {arm} is {ArmState.RESTORING}: {reason}{why}")
        case SetOut(arm):
            why = who_and_why(newest(acts, ActKind.TAKEN_OUT, arm))
            return Event(reasons.SET_OUT, "RollBack", f"arm {arm} is set out and drains{why}", warning=True)
        case Unpinned(arm):
            why = who_and_why(newest(acts, ActKind.UNPINNED, arm))
            return Event(reasons.UNPINNED, "Unpin", f"the strategy decides again, from {arm} on{why}")
        case _:
            return None


def _of(outcome: Outcome, decision: Decision) -> Event | None:
    match outcome:
        case Drained(arm, reason):
            return Event(reason, "ScaleDown", f"arm {arm} is {ArmState.ROLLED_BACK}: {reason}")
        case NoMaterialDifference():
            note = "the arms are proven to lie within promotion.indifference of each other"
            return Event(reasons.NO_MATERIAL_DIFFERENCE, "CompareArms", note)
        case Promoted():
            return Event(reasons.PROMOTED, "Promote", decision.win)
        case Recalled(arm):
            note = f"arm {arm} serves again, because no other arm can"
            return Event(reasons.NO_OTHER_ARM, "CallBack", note, warning=True)
        case Restored(arm, reason):
            return Event(reason, "Restore", f"arm {arm} is {ArmState.RESTORING}: {reason}")
        case RewardsChanged(change):
            return Event(reasons.REWARDS_CHANGED, "CompareRewards", str(change), warning=True)
        case RolledBack(arm):
            note = f"arm {arm} is rolled back: {decision.message}"
            return Event(reasons.WORSE_THAN_BASELINE, "RollBack", note, warning=True)
        case Noticed(arm, reason) if reason == reasons.SCALED_BY_OTHERS:
            note = f"arm {arm} was rolled back, and something else has scaled it up again; it gets no traffic"
            return Event(reason, "WithholdTraffic", note, warning=True)
        case Withheld(arm, reason, why):
            note = f"arm {arm} gets no traffic: {why}"
            return Event(reason, "WithholdTraffic", note, warning=True)
        case _:
            return None


def of_drained(drained: str | None) -> list[Event]:
    """One event where backends that were arms lose their weight."""
    return [] if drained is None else [Event(reasons.DRAINED, "SetWeights", drained)]


def of_notes(notes: Sequence[str]) -> list[Event]:
    """One event for each part of the evidence that was dropped."""
    return [Event(reasons.EVIDENCE_RESET, "ResetEvidence", note) for note in notes]


def of_left(left: Sequence[str]) -> list[Event]:
    """One event for each thing that an edit of the spec leaves as it was."""
    return [Event(reasons.LEFT_BEHIND, "ReadSpec", words, warning=True) for words in left]
