"""What is committed of one resource: frozen, read from its status and written to it.

The status is the truth: this is built from it at the start, after a lost race and by the
replica that takes over. Quiet ticks change it in the process only; whatever is lost of it with
the process is read again from the cursor on.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bandit_operator.api.acts import TakenOut
from bandit_operator.api.record import KEPT_HISTORY, MAX_HISTORY, DecisionRecord, Seen
from bandit_operator.api.references import ArmReference
from bandit_operator.api.status import DecisionCounts
from bandit_operator.api.timestamps import from_timestamp
from bandit_operator.api.verbs import Asked
from bandit_operator.core import memory as memories
from bandit_operator.core import reasons
from bandit_operator.core.decision import Decision, Intention
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.memory import Memory
from bandit_operator.core.model import SERVING_STATES, ArmState, Mode, Snapshot, Window
from bandit_operator.core.outcomes import Held, Promoted, Restored, RolledBack, WeightsMoved
from bandit_operator.status.acts import Acts, mode_act, taken_out, with_act, with_acts
from bandit_operator.status.history import KeptRecord, caught_up_record, decision_record, kept, seen_of

NOTHING_ASKED = Asked()
CHECKPOINT_EVERY = 10
"""Records between two checkpoints."""
MOST_PARENTS = 32
"""Most gateways that are remembered: ``maxItems`` of a route's ``parentRefs``."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was known before a record, from which it and all later ones can be made again."""

    memory: Memory
    intention: Intention | None
    records: int
    """How many of the newest records follow."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What a status holds, or will with its next write."""

    memory: Memory
    cursor: float | None = None
    """Rewards up to here have been counted, seconds since the Unix epoch; None before the first."""
    rewards_until: float | None = None
    """End of the newest window that held rewards of an arm that served then; None before the first."""
    intention: Intention | None = None
    """What was decided last; None before the first decision."""
    history: tuple[KeptRecord, ...] = ()
    """The newest decisions, newest first."""
    checkpoints: tuple[Checkpoint, ...] = ()
    """Oldest first; the status keeps the oldest."""
    counts: DecisionCounts = field(default_factory=DecisionCounts)
    seen: Seen | None = None
    """What the newest record stands on; None where that is not known, as after a start."""
    acts: Acts = ()
    """What was done, newest first."""
    taken_out: Mapping[str, TakenOut] = field(default_factory=dict)
    """Why each arm was rolled back last."""
    mode: str | None = None
    """Mode that was in force at the last look; None before the first."""
    backends: tuple[str, ...] = ()
    """Backends of the rule that are arms or were, as ``reconcile.former`` names them."""
    mirrors: tuple[str, ...] = ()
    """Where the rule's filters mirror to that are the operator's, or are to be, as NAMESPACE/NAME:PORT."""
    former_routes: tuple[str, ...] = ()
    """Routes that the resource named before, as ``reconcile.left_behind`` names them."""
    rule: str | None = None
    """What told the rule when it was located last, as ``Located.mark``; None where it never was."""
    spec: Mapping[str, Any] | None = None
    """The spec that could be read last, which the weights go by; None where none ever could."""
    parents: tuple[str, ...] = ()
    """Gateways that accept the route at some generation, or did, by their names."""
    restored: str | None = None
    """The newest request to bring an arm back that was obeyed, as it was written."""
    notes: tuple[str, ...] = ()
    """What of the evidence was dropped, and why; still to be announced."""
    left: tuple[str, ...] = ()
    """What an edit of the spec leaves as it was; still to be announced."""

    def rebased(self, experiment: Experiment) -> Committed:
        """For a new generation of the resource: what still applies is kept."""
        memory, notes = memories.adapt(self.memory, experiment)
        # Records of another generation cannot be made again: its spec is gone.
        return replace(self, memory=memory, notes=(*self.notes, *notes), checkpoints=(), seen=None)

    def of_other_rewards(self, experiment: Experiment) -> Committed:
        """After the metric of the rewards has changed: what was learned is about another one."""
        memory, note = memories.of_other_rewards(self.memory, experiment)
        intention = None if self.intention is None else self.intention.without_findings()
        return replace(
            self, memory=memory, intention=intention, notes=(*self.notes, note), checkpoints=(), seen=None
        )

    def of_other_backends(
        self,
        before: Mapping[str, ArmReference],
        after: Mapping[str, ArmReference],
        identities: Mapping[str, str],
        templates: Mapping[str, str],
        now: float,
    ) -> Committed:
        """After an edit of what arms refer to: traffic stays where it is.

        Weights go with the backends. So does what an arm is known to carry: it is the same model under
        another name or label, and were it to begin as small as one that nobody has met, the others would get
        at once what they may never have carried. Its evidence begins anew, as it is about other series. An
        arm whose backend has gone to another, and that has none of theirs, is like a new one: until something
        is decided of it the route's weight counts.

        Args:
            before: what each arm refers to, by the spec that the weights went by.
            after: the same now.
            identities: the digest of what each arm's evidence is about from now on.
            templates: the Pod template of each arm's scale target of now, where it is known and has replicas.
            now: seconds since the Unix epoch.
        """
        if self.intention is None:
            return self
        whose = {one.backend: arm for arm, one in after.items()}
        moved = {arm: whose.get(one.backend, arm) for arm, one in before.items()}
        weights, standings = dict(self.intention.weights), dict(self.intention.standings)
        gone = [(to, weights.pop(arm)) for arm, to in moved.items() if arm != to and arm in weights]
        memory, notes = self.memory, self.notes
        for arm, to in moved.items():
            standing = self.intention.standings.get(arm)
            if standing is None or standing.state is not ArmState.ACTIVE or to not in after:
                continue
            if standing.identity in (None, identities[to]):
                continue
            if not _same_model(before[arm], after[to], standing.template, templates.get(to)):
                continue
            standings[to] = replace(standing, since=now, reason=reasons.NEW_BACKEND, identity=identities[to])
            memory = memories.reset_arm(memory, to)
            if arm != to:
                what = f"it has the backend of arm {arm} now"
            elif before[arm].pods == after[to].pods:
                what = "its rewards are told by another label"
            else:
                what = "it has another scaleTargetRef"
            notes += (f"arm {to}: {what}; its weight goes on, its evidence begins anew",)
        if not gone and notes is self.notes:
            return self
        intention = replace(self.intention, weights={**weights, **dict(gone)}, standings=standings)
        return replace(self, memory=memory, intention=intention.without_findings(), notes=notes)

    def in_mode(self, mode: Mode, asked: Asked, now: float) -> Committed:
        """After a look at the mode; a change of it is an act of whoever asked for it."""
        if self.mode == mode.value:
            return self
        first = self.mode is None and mode is Mode.ACTIVE
        acts = self.acts if first else with_act(self.acts, mode_act(mode, asked, self.acts, now))
        return replace(self, mode=mode.value, acts=acts)

    def to_restore(self, asked: Asked, mode: Mode, now: float) -> str | None:
        """The arm that is to be brought back now: a request is obeyed once, and older ones never.

        After one from a clock that was ahead any other is newer, or none would be obeyed until then.
        """
        if asked.restore is None or mode is not Mode.ACTIVE or asked.restore.text == self.restored:
            return None
        obeyed = from_timestamp(self.restored.rpartition("@")[2]) if self.restored else -math.inf
        return asked.restore.arm if asked.restore.at > obeyed or obeyed > now else None

    def with_backends(self, backends: tuple[str, ...]) -> Committed:
        """After a look at the rule's backends."""
        return self if backends == self.backends else replace(self, backends=backends)

    def with_former_routes(self, routes: tuple[str, ...]) -> Committed:
        """After a look at the routes that the resource named before."""
        return self if routes == self.former_routes else replace(self, former_routes=routes)

    def with_mirrors(self, mirrors: tuple[str, ...]) -> Committed:
        """After a look at the rule's filters."""
        return self if mirrors == self.mirrors else replace(self, mirrors=mirrors)

    def with_route(self, rule: str, parents: tuple[str, ...]) -> Committed:
        """After a look at the route: its rule, and its gateways."""
        same = (rule, parents[:MOST_PARENTS]) == (self.rule, self.parents)
        return self if same else replace(self, rule=rule, parents=parents[:MOST_PARENTS])

    def unwatched(self) -> Committed:
        """After a look that did not find the route: what an arm that drains gets there is not known."""
        return self if self.intention is None else replace(self, intention=self.intention.unwatched())

    def without_weights(self) -> Committed:
        """Give the weights up: whoever sets them from here on sets where we go on from."""
        if self.intention is None:
            return self
        return replace(self, intention=self.intention.without_weights())

    def learned(self, memory: Memory, window: Window, now: float, generation: int) -> Committed:
        """After a window that was missed and led to this memory: nothing was decided."""
        recorded = self._recorded(caught_up_record(window, now, generation))
        standings = {} if self.intention is None else self.intention.standings
        serving = {
            arm for arm in window.arms if arm not in standings or standings[arm].state in SERVING_STATES
        }
        return replace(self, **self._moved_on(window, serving), **recorded, memory=memory, seen=None)

    def decided(
        self, snapshot: Snapshot, decision: Decision, generation: int, asked: Asked = NOTHING_ASKED
    ) -> Committed:
        """After a decision on what the snapshot shows.

        Args:
            snapshot: what was seen.
            decision: what it came to.
            generation: generation of the spec.
            asked: who may have asked for it.
        """
        reading = snapshot.reading
        window = reading if isinstance(reading, Window) else None
        serving = {arm for arm, facts in snapshot.arms.items() if facts.weight > 0}
        changed = {} if window is None else self._moved_on(window, serving)
        if window is not None or has_acted(decision):
            seen = seen_of(snapshot, decision.total, self.intention)
            known = self.seen == seen and not self._needs_checkpoint()
            record = decision_record(snapshot, None if known else seen, decision, generation)
            changed |= {**self._recorded(record), "seen": seen}
        acts = with_acts(self.acts, decision, snapshot.now, asked)
        obeyed = asked.restore if snapshot.restore is not None else None
        return replace(
            self,
            **changed,
            memory=decision.memory,
            intention=decision.intention,
            counts=counted(self.counts, decision, ticked=window is not None),
            acts=acts,
            taken_out=taken_out(self.taken_out, decision, acts, snapshot.now, self.memory.baseline),
            restored=self.restored if obeyed is None else obeyed.text,
        )

    def _moved_on(self, window: Window, serving: Collection[str]) -> dict[str, Any]:
        """Cursor and age of the rewards, as they follow a window in which these arms served."""
        trials = sum(getattr(window.arms.get(arm), "trials", 0.0) for arm in serving)
        return {"cursor": window.end, "rewards_until": window.end if trials > 0 else self.rewards_until}

    def _needs_checkpoint(self) -> bool:
        return not self.checkpoints or self.checkpoints[-1].records >= CHECKPOINT_EVERY

    def _recorded(self, record: DecisionRecord) -> dict[str, Any]:
        """History and checkpoints with one more record."""
        checkpoints = self.checkpoints
        if self._needs_checkpoint():
            checkpoints = (*checkpoints, Checkpoint(self.memory, self.intention, 0))
        checkpoints = tuple(replace(one, records=one.records + 1) for one in checkpoints)
        history = (kept(record), *self.history)
        if len(history) > MAX_HISTORY:
            known = [one.records for one in checkpoints if KEPT_HISTORY <= one.records <= MAX_HISTORY]
            history = history[: max(known, default=KEPT_HISTORY)]
            checkpoints = tuple(one for one in checkpoints if one.records <= len(history))
        return {"history": history, "checkpoints": checkpoints}


def _same_model(
    before: ArmReference, after: ArmReference, template: str | None, after_template: str | None
) -> bool:
    """Whether the same Pods answer an arm's requests after an edit.

    Requests go to the backend, whatever the scale target. Where that is another, or there is one for the
    first time, its Pod template must be the one that the arm had; where there is none any more, a template
    that differs is found out by who is behind the backend.

    Args:
        before: what the arm referred to.
        after: the same now.
        template: its Pod template of before; None where that was not known.
        after_template: that of its scale target of now; None where it is not known, or has no replicas.
    """
    if before.pods == after.pods:
        return True
    if before.backend != after.backend:
        return False
    if after.target is None:
        return True
    return after_template is not None and template in (None, after_template)


def intended(
    committed: Intention | None, weights: Mapping[str, int], total: int, *, follow: bool
) -> Intention:
    """The intention to decide from: the committed one, or the route's weights where there is none.

    Nor is there one where the arms had no weight: whoever gives them some says what is to be shared out.

    Args:
        committed: what was decided before, if anything was.
        weights: what the route carries.
        total: what the arms' weights are to add up to.
        follow: take the route's weights whatever was intended, as in modes that do not write.
    """
    before = committed or Intention({}, {})
    if not follow and any(before.weights.values()):
        weights = {arm: before.weights.get(arm, weight) for arm, weight in weights.items()}
    return replace(before, weights=dict(weights), total=total)


def has_acted(decision: Decision) -> bool:
    """Whether anything happened that must be committed before it is acted on."""
    return any(not isinstance(outcome, Held) for outcome in decision.outcomes)


def counted(counts: DecisionCounts, decision: Decision, *, ticked: bool) -> DecisionCounts:
    """The counts after one more decision; ``ticked`` where it was about a window."""

    def many(kind: type) -> int:
        return sum(isinstance(outcome, kind) for outcome in decision.outcomes)

    return DecisionCounts(
        total=counts.total + ticked,
        moves=counts.moves + many(WeightsMoved),
        holds=counts.holds + many(Held),
        rollbacks=counts.rollbacks + many(RolledBack),
        restores=counts.restores + many(Restored),
        promotions=counts.promotions + many(Promoted),
    )
