"""What is shown of a BanditDeployment: one moment, as plain values, from the resource alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bandit_operator.api.acts import Act
from bandit_operator.api.printable import printable
from bandit_operator.api.record import RecordedArm, RecordedStatus
from bandit_operator.api.spec import Spec
from bandit_operator.api.status import Condition, ShadowArmStatus
from bandit_operator.api.timestamps import from_timestamp
from bandit_operator.core import reasons
from bandit_operator.core.durations import duration
from bandit_operator.core.quantities import parse_duration
from bandit_operator.status.document import read_status
from bandit_operator.status.writer import QUIET_SECONDS


@dataclass(frozen=True, slots=True)
class ArmView:
    """One arm; None where something is not known."""

    name: str
    share: float | None
    """Share of the arms' traffic that it is meant to have, 0 to 1."""
    mean: str | None
    interval: tuple[str, str] | None
    """Central 95 % interval of the mean."""
    trials: str | None
    probability_best: str | None
    evidence: str | None
    """e-value that it is worse than the baseline."""
    threshold: str | None
    """Evidence at which it is rolled back."""
    state: str | None
    reason: str | None
    since: str | None
    set_out: bool
    """Whether it is out by hand."""
    shadow: ShadowArmStatus | None = None
    """What the shadow has shown of it."""


@dataclass(frozen=True, slots=True)
class View:
    """One moment of a resource."""

    namespace: str
    name: str
    phase: str | None
    baseline: str
    leader: str | None
    leader_share: str | None
    certainty: str | None
    winner: str | None
    nearest: str | None
    """The arm that is nearest to a rollback, with its evidence."""
    ready: Condition | None
    progressing: Condition | None
    arms: tuple[ArmView, ...]
    acts: tuple[Act, ...]
    """What was done, newest first."""
    next: str
    """What comes next, or what to do, in a sentence."""
    looked_at: str | None = None
    """When the operator looked at it, as far as the status says."""
    interval: float = 0.0
    """Seconds between two looks, at the most."""
    scores_trust: str | None = None
    """How much validation scores are still trusted, from 0 to 1; None where they are not weighed."""


def view_of(body: Mapping[str, Any]) -> View:
    """Make the view of a resource as the API server holds it.

    A status that cannot be read counts as none, and so does each part of the spec that cannot: what is wrong
    with it is in condition Ready, which is to be seen then.
    """
    status, _ = read_status(body)
    metadata, spec = body["metadata"], _readable(body.get("spec"))
    conditions = {one.type: _printable(one) for one in status.conditions or ()}
    arms = _arms(spec["arms"], status)
    return View(
        namespace=metadata.get("namespace", "default"),
        name=metadata["name"],
        phase=None if status.phase is None else status.phase.value,
        baseline=spec["baseline"],
        leader=status.leader,
        leader_share=status.leader_share,
        certainty=status.certainty,
        winner=status.winner,
        nearest=status.evidence,
        ready=conditions.get("Ready"),
        progressing=conditions.get("Progressing"),
        arms=arms,
        acts=tuple(map(_printable, status.acts or status.recent_acts or ())),
        next=_next(metadata["name"], spec, status, conditions.get("Ready"), conditions.get("Decided"), arms),
        looked_at=status.looked_at,
        interval=spec["interval"],
        scores_trust=status.scores_trust,
    )


Shown = TypeVar("Shown", Act, Condition)


def _printable(shown: Shown) -> Shown:
    """An act or a condition whose texts are fit to be shown: they may be from an older operator."""
    texts = {
        name: printable(value) for name, value in shown if type(value) is str
    }  # and no word of an enumeration
    return shown.model_copy(update=texts)


def _readable(spec: Any) -> dict[str, Any]:
    """The parts of a spec that are shown, where they are what they are to be."""
    given = spec if isinstance(spec, Mapping) else {}
    arms, baseline, pin = given.get("arms"), given.get("baseline"), given.get("pin")
    named = [one for one in arms if isinstance(one, Mapping)] if isinstance(arms, list | tuple) else []
    names = [one["name"] for one in named if isinstance(one.get("name"), str)]
    pinned = pin.get("arm") if isinstance(pin, Mapping) else None
    return {
        "arms": names,
        "baseline": baseline if isinstance(baseline, str) else "",
        "pinned": pinned if isinstance(pinned, str) else None,
        "mode": given.get("mode"),
        "interval": _interval(given.get("interval")),
    }


def _interval(text: Any) -> float:
    """Seconds; the default where none can be read."""
    try:
        return parse_duration(text)
    except (TypeError, ValueError):
        return parse_duration(Spec.model_fields["interval"].default)


def _arms(names: Sequence[str], status: RecordedStatus) -> tuple[ArmView, ...]:
    """The arms of the spec; where none can be read there, those of the status."""
    known = {one.name: one for one in status.arms or ()}
    total = sum(one.weight or 0 for one in known.values())
    return tuple(_arm(known.get(name) or RecordedArm(name=name), total) for name in names or known)


def _arm(arm: RecordedArm, total: int) -> ArmView:
    return ArmView(
        name=arm.name,
        share=None if arm.weight is None or total == 0 else arm.weight / total,
        mean=arm.mean,
        interval=None if arm.interval is None else (arm.interval.lower, arm.interval.upper),
        trials=arm.trials,
        probability_best=arm.probability_best,
        evidence=arm.evidence,
        threshold=arm.threshold,
        state=None if arm.state is None else arm.state.value,
        reason=arm.reason,
        since=arm.since,
        set_out=bool(arm.set_out),
        shadow=arm.shadow,
    )


def _next(
    name: str,
    spec: Mapping[str, Any],
    status: RecordedStatus,
    ready: Condition | None,
    decided: Condition | None,
    arms: tuple[ArmView, ...],
) -> str:
    """The one thing that comes next: what hinders first, then what is under way, then what is awaited."""
    if status.phase is None:
        return "the operator has not looked at it yet"
    if spec["mode"] == "Paused":
        return f"nothing, until: kubectl bandit resume {name}"
    if ready is not None and ready.status == "False":
        return f"fix this: {ready.message}"
    if spec["mode"] == "Observe":
        return (
            f"nothing is moved in mode Observe; kubectl bandit explain {name} says what would be, and "
            f"kubectl bandit resume {name} lets it act"
        )
    if spec["pinned"]:
        return f"the traffic stays with {spec['pinned']}, until: kubectl bandit unpin {name}"
    moving = [f"{arm.name} is {arm.state} ({arm.reason})" for arm in arms if arm.state in _MOVING]
    if moving:
        return "; ".join(moving)
    if status.winner is not None and status.winner != spec["baseline"]:
        return (
            f"{status.winner} is proven best; make it the baseline: "
            f"kubectl bandit promote {name} {status.winner}"
        )
    if status.winner is not None:
        return f"{status.winner} is proven best; take the other arms out of spec.arms, or add a new one"
    if decided is not None and decided.status == "True":
        return _AFTER.get(decided.reason, decided.message)
    if status.evidence is not None:
        return f"weights follow the rewards; nearest to a rollback is {status.evidence}"
    return "weights follow the rewards; no arm is near a rollback"


_AFTER = {
    reasons.NO_MATERIAL_DIFFERENCE: "the best arms do not differ materially; keep the one that costs least",
    reasons.MAX_DURATION_REACHED: (
        "spec.maxDuration is over and nothing is proven; promote an arm, or lengthen spec.maxDuration"
    ),
}
"""What a user does next where it is decided that nothing more will be."""
_MOVING = ("Draining", "Restoring", "Joining", "Shadowing", "Unavailable")


def unattended(view: View, now: float) -> str | None:
    """That nobody looks at the resource any more, in words; None while somebody does, as far as is known."""
    try:
        seconds = 0.0 if view.looked_at is None else now - from_timestamp(view.looked_at)
    except (ValueError, OverflowError):
        return None
    if seconds <= MISSED_LOOKS * max(view.interval, QUIET_SECONDS):
        return None
    return (
        f"nobody has looked at it for {duration(seconds)}: all of this, Ready included, is as it was then; "
        f"see whether the operator runs, and in all of its shards"
    )


MISSED_LOOKS = 3
"""After so many looks, or statuses, that have not come, nobody is taken to look."""


def ago(time: str | None, now: float) -> str:
    """How long ago a time of the status was, for people; empty where there is none."""
    if time is None:
        return ""
    try:
        return f"{duration(max(0.0, now - from_timestamp(time)))} ago"
    except (ValueError, OverflowError):
        return ""
