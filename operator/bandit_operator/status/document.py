"""The status as the API server holds it, and what is committed in it: one the inverse of the other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from bandit_operator.api.in_force import NARROWER
from bandit_operator.api.record import Announcements, RecordedArm, RecordedStatus, packed, unpacked
from bandit_operator.api.status import (
    RECENT_ACTS,
    Condition,
    DecisionCounts,
    MeanInterval,
    Phase,
    ShadowArmStatus,
    Status,
)
from bandit_operator.api.timestamps import from_timestamp, to_timestamp
from bandit_operator.core import memory as memories
from bandit_operator.core.decision import Decision, Intention
from bandit_operator.core.durations import duration
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import SERVING_STATES, ArmStanding, ArmState
from bandit_operator.core.shadow_report import ShadowReport
from bandit_operator.status.committed import Checkpoint, Committed
from bandit_operator.status.figures import figure
from bandit_operator.status.history import kept, newest_window


@dataclass(frozen=True, slots=True)
class Document:
    """All that a status says, from which it is written."""

    generation: int
    """Generation of the spec that it is about."""
    phase: Phase
    conditions: tuple[Condition, ...]
    committed: Committed
    decision: Decision | None
    """The newest decision; None where nothing was decided, and what was known of the arms stays."""
    realised: Mapping[str, float]
    """Share of the newest window's requests by arm, where requests are counted."""
    foreign_changes: int
    """How often another writer changed the weights."""
    operator: str | None = None
    """Lease of the operator that writes it."""
    route: str | None = None
    """Name of the route."""
    looked_at: float | None = None
    """When the resource was looked at, seconds since the Unix epoch."""


def to_status(experiment: Experiment, document: Document) -> dict[str, Any]:
    """The status as a merge patch: fields that are no longer known are null, which removes them."""
    committed, decision = document.committed, document.decision
    leader, share, certainty = _leader(decision)
    newest = committed.acts[0] if committed.acts else None
    checkpoint = committed.checkpoints[0] if committed.checkpoints else None
    status = RecordedStatus(
        observed_generation=document.generation,
        phase=document.phase,
        leader=leader,
        leader_share=share,
        certainty=certainty,
        evidence=None if decision is None else _strongest(decision),
        last_act=None if newest is None else newest.until or newest.time,
        looked_at=_timestamp(document.looked_at),
        scores_trust=None if decision is None else figure(_rounded(decision.scores_trust)),
        winner=None if decision is None else decision.promoted,
        conditions=list(document.conditions),
        arms=_remembered(experiment, committed.intention)
        if decision is None
        else _arms(experiment, document, decision),
        change=None if decision is None or decision.change is None else str(decision.change),
        window=newest_window(committed.history),
        decisions=committed.counts,
        foreign_weight_changes=document.foreign_changes,
        acts=list(committed.acts),
        recent_acts=list(committed.acts[:RECENT_ACTS]),
        mode=committed.mode,
        backends=list(committed.backends),
        mirrors=list(committed.mirrors) or None,
        former_routes=list(committed.former_routes) or None,
        rule=committed.rule,
        spec=None if committed.spec is None else dict(committed.spec),
        parents=list(committed.parents) or None,
        announced=None if committed.intention is None else _announced(committed.intention),
        pinned=None if committed.intention is None else committed.intention.pinned,
        baseline=None if committed.intention is None else committed.intention.baseline,
        restored=committed.restored,
        operator=document.operator,
        route=document.route,
        cursor=_timestamp(committed.cursor),
        rewards_until=_timestamp(committed.rewards_until),
        memory=memories.to_json(committed.memory),
        checkpoint=None if checkpoint is None else _checkpoint(checkpoint),
    )
    said = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    fields = packed(said, committed.history)
    names = {info.alias or name for name, info in Status.model_fields.items()}
    if decision is None:
        names.discard("arms")  # what was known of the arms stays
    return {name: fields.get(name) for name in sorted(names)}


def read_status(body: Mapping[str, Any]) -> tuple[RecordedStatus, tuple[str, ...]]:
    """The status of a resource, and a note where it cannot be read and so counts as none."""
    stored = body.get("status") or {}
    if not isinstance(stored, Mapping):
        return RecordedStatus(), ("the status could not be read, the evidence starts again: it is no object",)
    try:
        fields = unpacked(stored)
    except ValueError as error:
        note = f"the status's record could not be read, the evidence starts again: {_kind_of(error)}"
        status, notes = read_status({"status": {name: stored[name] for name in stored if name != "record"}})
        return status, (note, *notes)
    try:
        return RecordedStatus.model_validate(fields), ()
    except ValueError as error:  # pydantic's ValidationError is one
        note = f"the status could not be read, everything starts again: {_kind_of(error)}"
        return RecordedStatus(), (note,)


def from_status(status: RecordedStatus, experiment: Experiment, generation: int, now: float) -> Committed:
    """What a status holds for this generation of the spec. Whatever cannot be read starts afresh.

    A status is input like any other: times in the future, which nothing of ours has written, count as
    ``now``, seconds since the Unix epoch.
    """
    notes: tuple[str, ...] = ()
    if status.memory is None:
        memory = memories.initial(experiment)
    else:
        memory, notes = memories.from_json(status.memory, experiment)
    checkpoint = checkpoint_of(status, experiment) if status.observed_generation == generation else None
    return Committed(
        memory=memory,
        cursor=time_of(status.cursor),
        rewards_until=_past(status.rewards_until, now),
        intention=_intention(status, now),
        history=tuple(map(kept, status.history or ())),
        checkpoints=() if checkpoint is None else (checkpoint,),
        counts=status.decisions or DecisionCounts(),
        acts=tuple(status.acts or status.recent_acts or ()),
        taken_out={arm.name: arm.taken_out for arm in status.arms or () if arm.taken_out is not None},
        mode=status.mode,
        backends=tuple(status.backends or ()),
        mirrors=tuple(status.mirrors or ()),
        former_routes=tuple(status.former_routes or ()),
        rule=status.rule,
        parents=tuple(status.parents or ()),
        restored=_restored(status.restored),
        notes=notes,
    )


def _kind_of(error: Exception) -> str:
    """What kind of error it was: its text quotes what was found, which is not for everyone."""
    return type(error).__name__


_INTENTION = TypeAdapter(Intention | None)


def _checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "records": checkpoint.records,
        "memory": memories.to_json(checkpoint.memory),
        "intention": _INTENTION.dump_python(checkpoint.intention, mode="json"),
    }


def checkpoint_of(status: RecordedStatus, experiment: Experiment) -> Checkpoint | None:
    """The checkpoint of a status, or None where there is none that can be read."""
    stored = status.checkpoint or {}
    try:
        memory, notes = memories.from_json(stored["memory"], experiment)
        intention, records = _INTENTION.validate_python(stored["intention"]), int(stored["records"])
    except (KeyError, OverflowError, TypeError, ValueError):  # pydantic's ValidationError is a ValueError
        return None
    return None if notes or records < 1 else Checkpoint(memory, intention, records)


def _intention(status: RecordedStatus, now: float) -> Intention | None:
    arms = {arm.name: arm for arm in status.arms or []}  # what is of others by now goes with their backends
    standings = {
        name: standing for name, arm in arms.items() if (standing := _standing(arm, now)) is not None
    }
    if not standings:
        return None
    # Weights from before a pause are not put back after it: whoever set them meanwhile meant it.
    let_go = status.phase in (Phase.PAUSED, Phase.OBSERVING) or status.mode in NARROWER
    weights = {name: arm.weight for name, arm in arms.items() if arm.weight is not None and not let_go}
    told = status.announced or Announcements()
    return Intention(
        standings,
        weights,
        announced=told.promoted,
        no_material_difference=bool(told.no_material_difference),
        change=None if told.change is None else (told.change, told.changed),
        pinned=status.pinned,
        baseline=status.baseline,
    )


def _announced(intention: Intention) -> Announcements:
    change, changed = intention.change or (None, None)
    return Announcements(
        promoted=intention.announced,
        no_material_difference=intention.no_material_difference or None,
        change=change,
        changed=changed,
    )


def _standing(arm: RecordedArm, now: float) -> ArmStanding | None:
    since = _past(arm.since, now)
    if arm.state is None or since is None:
        return None
    return ArmStanding(
        state=ArmState(arm.state),
        since=since,
        reason=arm.reason or "",
        template=arm.template,
        previous_replicas=arm.previous_replicas,
        quiet_since=_past(arm.quiet_since, now),
        identity=arm.identity,
        up_since=_past(arm.up_since, now),
        outages=arm.outages or 0,
        beyond=dict(arm.beyond or {}),
        idle_since=_past(arm.idle_since, now),
        carried=_share(arm.carried),
        rollbacks=arm.rollbacks or 0,
        set_out=bool(arm.set_out),
        baseline_until=_past(arm.baseline_until, now),
        mixed=bool(arm.mixed),
        gained_at=_past(arm.gained_at, now),
        last_share=None if arm.last_share is None else _share(arm.last_share),
    )


def _restored(text: str | None) -> str | None:
    """A request that was obeyed, or None where it is none that can be."""
    return text if text is not None and time_of(text.rpartition("@")[2]) is not None else None


def _share(text: str | None) -> float:
    """A share in [0, 1]; 0 where there is none or it is none that can be."""
    try:
        share = float(text or "0")
    except ValueError:
        return 0.0
    return min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0


def time_of(text: Any) -> float | None:
    """Seconds since the Unix epoch, or None where there is no time or it is none that can be."""
    try:
        return None if text is None else from_timestamp(text)
    except (TypeError, ValueError, OverflowError):
        return None


def _past(text: str | None, now: float) -> float | None:
    time = time_of(text)
    return None if time is None else min(time, now)


def _timestamp(seconds: float | None) -> str | None:
    return None if seconds is None else to_timestamp(seconds)


def _remembered(experiment: Experiment, intention: Intention | None) -> list[RecordedArm]:
    """What must be remembered of the arms where nothing was decided, and what is shown of them stays."""
    standings = {} if intention is None else intention.standings
    return [_recorded(arm, standings[arm]) for arm in experiment.names if arm in standings]


def _arms(experiment: Experiment, document: Document, decision: Decision) -> list[RecordedArm]:
    result = []
    for arm in experiment.names:
        standing, report = decision.standings[arm], decision.reports[arm]
        candidate = arm != experiment.baseline
        interval = report.interval
        shown = {
            "weight": decision.weights[arm],
            "realised_share": figure(document.realised.get(arm)),
            "trials": figure(report.trials),
            "rewards": figure(report.rewards),
            "mean": figure(report.mean),
            "interval": None
            if interval is None
            else MeanInterval(lower=figure(interval[0]) or "", upper=figure(interval[1]) or ""),
            "probability_best": figure(report.probability_best),
            "evidence": figure(report.evidence),
            "threshold": figure(decision.threshold) if candidate else None,
            "shadow": None if report.shadow is None else _shadow(report.shadow, standing.state),
            "taken_out": document.committed.taken_out.get(arm),
        }
        result.append(_recorded(arm, standing).model_copy(update=shown))
    return result


def _shadow(report: ShadowReport, state: ArmState) -> ShadowArmStatus:
    low, high = (None, None) if report.interval is None else report.interval
    return ShadowArmStatus(
        trials=figure(report.trials) or "0",
        mean=figure(report.mean),
        difference=figure(report.difference),
        low=figure(low),
        high=figure(high),
        evidence=figure(report.evidence),
        shown_in=None
        if report.shown_in is None or state is not ArmState.SHADOWING
        else duration(report.shown_in),
    )


def _recorded(arm: str, standing: ArmStanding) -> RecordedArm:
    """What must be remembered of an arm."""
    return RecordedArm(
        name=arm,
        state=standing.state,
        since=to_timestamp(standing.since),
        reason=standing.reason,
        template=standing.template,
        previous_replicas=standing.previous_replicas,
        quiet_since=_timestamp(standing.quiet_since),
        identity=standing.identity,
        up_since=_timestamp(standing.up_since),
        outages=standing.outages or None,
        beyond=dict(standing.beyond) or None,
        idle_since=_timestamp(standing.idle_since),
        carried=f"{standing.carried:.6f}" if standing.carried else None,
        rollbacks=standing.rollbacks or None,
        set_out=standing.set_out or None,
        baseline_until=_timestamp(standing.baseline_until),
        mixed=standing.mixed or None,
        gained_at=_timestamp(standing.gained_at),
        last_share=None if standing.last_share is None else f"{standing.last_share:.6f}",
    )


def _leader(decision: Decision | None) -> tuple[str | None, str | None, str | None]:
    """The arm most probably best, the share it is meant to have, and how probably it is."""
    if decision is None:
        return None, None, None
    known = {
        arm: p
        for arm, report in decision.reports.items()
        if (p := report.probability_best) is not None and report.trials > 0
    }
    total = sum(decision.weights.values())
    if not known or total == 0:
        return None, None, None
    leader = max(known, key=lambda arm: (known[arm], arm))
    return leader, f"{decision.weights[leader] / total:.1%}", f"{known[leader]:.1%}"


def _strongest(decision: Decision) -> str | None:
    """The serving arm that the evidence is strongest against, beside the bar; None where there is none."""
    serving = {
        arm: evidence
        for arm, report in decision.reports.items()
        if (evidence := report.evidence) is not None and decision.standings[arm].state in SERVING_STATES
    }
    arm = max(serving, key=lambda name: (serving[name], name), default=None)
    if arm is None or serving[arm] <= 1:
        return None
    return f"{arm} {serving[arm]:.3g} of {decision.threshold:.3g}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
