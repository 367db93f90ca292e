"""What the process keeps of one resource between two passes, each part with one owner."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bandit_operator.api.acts import Act
from bandit_operator.api.in_force import instead, last_read
from bandit_operator.api.record import RecordedArm
from bandit_operator.api.references import (
    UNREADABLE,
    KindKey,
    arms_in,
    identities_of,
    reward_series,
    route_of,
)
from bandit_operator.api.status import ConditionType
from bandit_operator.api.v1alpha1 import (
    BanditDeployment,
    InvalidResource,
    parse,
    parse_without_rules,
    to_experiment,
)
from bandit_operator.api.verbs import Asked
from bandit_operator.core import reasons
from bandit_operator.core.decision import Decision
from bandit_operator.core.evaluate import Known
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import ArmStanding, Problem
from bandit_operator.core.outcomes import Held
from bandit_operator.core.quantities import parse_duration
from bandit_operator.core.windows import FIRST_SETTLE, LONGEST_SETTLE
from bandit_operator.errors import InvalidSpec
from bandit_operator.reconcile import left_behind
from bandit_operator.reconcile.mirror_sync import MirrorSync
from bandit_operator.reconcile.problems import status_not_kept, together
from bandit_operator.reconcile.route_sync import RouteSync
from bandit_operator.reconcile.scale_writes import ScaleSync
from bandit_operator.reconcile.shadow_windows import ShadowWindows
from bandit_operator.reconcile.stored_status import StoredStatus
from bandit_operator.status import conditions
from bandit_operator.status.committed import Committed
from bandit_operator.status.document import Document, from_status, read_status
from bandit_operator.status.events import Event
from bandit_operator.status.overview import Overview
from bandit_operator.status.writer import Announced, announced_before, conditions_in
from bandit_operator.watch.scale_targets import ScaleTarget

Targets = Mapping[KindKey, ScaleTarget]
"""The scale targets that the watches have brought, by kind, namespace and name."""


@dataclass
class Tracked:
    """One resource of one uid and generation."""

    resource: BanditDeployment
    experiment: Experiment
    stored: StoredStatus
    """The status as the API server holds it."""
    committed: Committed
    """What the status holds, or will with its next write."""
    route: RouteSync
    """How the route stands to the intention."""
    scales: ScaleSync = field(default_factory=ScaleSync)
    """How the replicas of its arms stand to what was decided."""
    mirror: MirrorSync = field(default_factory=MirrorSync)
    """Whether its requests are mirrored."""
    shadow: ShadowWindows = field(default_factory=ShadowWindows)
    """What windows had of its shadow."""
    announced: Announced = field(default_factory=Announced)
    """What the status said last."""
    held: Held | None = None
    """What the newest tick held the weights for, if it did."""
    known: Known | None = None
    """What the newest decision found."""
    found_settle: float = FIRST_SETTLE
    """How long samples are waited for where the user leaves that to us, seconds."""
    logged: str = ""
    """Reason of the decision that was logged last."""
    refused: Problem | None = None
    """Why the spec cannot run; what is kept is by the last one that could be read, then."""
    unasked: Problem | None = None
    """Why rewards cannot be asked for as the spec wants it, as of the newest tick."""
    unposted: tuple[Event, ...] = ()
    """What happened and is still to be posted."""
    mode_act: Act | None = None
    """A change of the mode that is still to be announced."""
    tick_at: float = -math.inf
    """When its next tick is due, seconds since the Unix epoch."""
    write_at: float = -math.inf
    """When weights that were decided on are written, together with those of others, likewise."""

    @property
    def generation(self) -> int:
        """Generation of the spec."""
        return self.resource.metadata.generation

    @property
    def settle(self) -> float:
        """How long after its end a window's numbers are complete, seconds."""
        said = self.resource.spec.reward.prometheus.settle
        return self.found_settle if said is None else parse_duration(said)

    @property
    def amiss(self) -> tuple[Problem, ...]:
        """Why the spec, or what it says of rewards, is not gone by, or nothing new is decided."""
        return tuple(one for one in (self.halted, self.unasked) if one is not None)

    @property
    def halted(self) -> Problem | None:
        """Why nothing new is decided, if something in the spec or the status keeps it from that."""
        return together((self.refused, status_not_kept(self.stored.unkept) if self.stored.unkept else None))

    def take_unposted(self) -> tuple[Event, ...]:
        """What is to be posted now, once."""
        unposted, self.unposted = self.unposted, ()
        return unposted

    def wait_longer(self) -> None:
        """Samples have come later than they were waited for; rewards do not go stale meanwhile."""
        most = min(LONGEST_SETTLE, self.experiment.stale_after - self.experiment.interval)
        self.found_settle = max(self.found_settle, min(2.0 * self.found_settle, most))

    def is_news(self, decision: Decision) -> bool:
        """Whether something happened, or nothing for another reason than was logged last."""
        acted = any(not isinstance(one, Held) for one in decision.outcomes)
        return acted or decision.reason != self.logged

    def document(self, overview: Overview, operator: str | None) -> Document:
        """The status that says what a pass found; ``operator`` is the lease of the one that writes it."""
        return Document(
            generation=self.generation,
            phase=conditions.phase_of(overview),
            conditions=tuple(conditions.conditions_of(overview, self.announced.conditions)),
            committed=self.committed,
            decision=overview.decision,
            realised=self.route.realised,
            foreign_changes=self.route.foreign_changes,
            operator=operator,
            route=route_of(self.resource).name,
            looked_at=overview.now,
        )

    def look_at_mode(self, asked: Asked, now: float) -> None:
        """Take in the mode of the spec; a change of it is an act."""
        before = self.committed
        self.committed = before.in_mode(self.experiment.mode, asked, now)
        if self.committed.acts != before.acts:
            self.mode_act = self.committed.acts[0]


def track(
    body: Mapping[str, Any], before: Tracked | None, targets: Targets, now: float, monotonic: float
) -> Tracked:
    """What is kept of a resource, from what was kept of it or from its status.

    Args:
        body: the resource.
        before: what was kept of it, if anything was.
        targets: the scale targets that the watches have brought.
        now: seconds since the Unix epoch.
        monotonic: the same moment by the monotonic clock.

    Raises:
        InvalidSpec: The spec cannot be read; the message names field, value and fix.
    """
    metadata = body["metadata"]
    if before is None or before.experiment.uid != metadata["uid"]:
        return _begun(body, targets, now, monotonic)
    if before.generation == metadata["generation"]:
        before.stored.observe(body)
    else:
        _take_in_edit(before, body, targets, now)
    return before


def _take_in_edit(tracked: Tracked, body: Mapping[str, Any], targets: Targets, now: float) -> None:
    """Go by another generation of the spec from now on, with what was learned and what is meant."""
    committed = tracked.committed
    read = _read(body, None if committed.intention is None else committed.spec)
    resource, experiment = read.resource, read.experiment
    if route_of(resource) != route_of(tracked.resource):
        tracked.route = RouteSync(tracked.route.foreign_changes)
    elif resource.spec.traffic.route_template is not None:
        tracked.route.expect_change()
    tracked.resource, tracked.experiment = resource, experiment
    tracked.scales, tracked.mirror, tracked.shadow.newest = ScaleSync(), MirrorSync(), None
    arms = {} if committed.intention is None else committed.intention.standings
    rebased = _rebased(committed.rebased(experiment), read, targets, now)
    tracked.committed = _left_behind(rebased, committed.spec, resource, arms, targets)
    tracked.refused, tracked.unasked = read.refused, None
    tracked.stored.read(body)


def _begun(body: Mapping[str, Any], targets: Targets, now: float, monotonic: float) -> Tracked:
    """What is kept of a resource that this process has not seen before, from its status."""
    read = _read(body, last_read(body))
    resource, experiment = read.resource, read.experiment
    status, notes = read_status(body)
    committed = from_status(status, experiment, resource.metadata.generation, now)
    committed = replace(committed, notes=(*notes, *committed.notes), spec=status.spec)
    arms_before = {arm.name: arm for arm in status.arms or ()}
    rebased = _rebased(committed, read, targets, now)
    committed = _left_behind(rebased, status.spec, resource, arms_before, targets)
    if read.refused is not None and committed.intention is None:
        raise InvalidSpec(read.refused.message)
    said = conditions_in(body)
    return Tracked(
        resource=resource,
        experiment=experiment,
        stored=StoredStatus.of(body),
        committed=committed,
        route=RouteSync(status.foreign_weight_changes or 0),
        mirror=MirrorSync(said.get(ConditionType.SHADOW_AVAILABLE), resource.metadata.generation, now),
        announced=announced_before(status, committed, said, now=now, monotonic=monotonic),
        refused=read.refused,
    )


def _rebased(committed: Committed, read: _Read, targets: Targets, now: float) -> Committed:
    """What is committed, by the spec that is in force since ``now``."""
    try:
        before = {} if committed.spec is None else reward_series(committed.spec)
    except UNREADABLE:
        before = {}
    if before and before != reward_series(read.spec):
        committed = committed.of_other_rewards(read.experiment)
    had, has = (
        {one.name: one for one in arms_in(read.resource.metadata.namespace, spec or {})}
        for spec in (committed.spec, read.spec)
    )
    namespace = read.resource.metadata.namespace
    known = {arm: targets.get((one.target_kind, namespace, one.target or "")) for arm, one in has.items()}
    templates = {arm: one.template for arm, one in known.items() if one is not None and one.replicas > 0}
    identities = identities_of(read.resource)
    committed = committed.of_other_backends(had, has, identities, templates, now)
    return replace(committed, spec=read.spec)


def _left_behind(
    committed: Committed,
    before: Mapping[str, Any] | None,
    resource: BanditDeployment,
    arms_before: Mapping[str, ArmStanding | RecordedArm],
    targets: Targets,
) -> Committed:
    """What is committed, with what the edit from the spec before leaves as it was, which had these arms."""
    went_by = before if arms_before else None
    former = left_behind.former_routes(resource, went_by, committed.rule, committed.former_routes)
    at_zero = {
        name: arm.previous_replicas for name, arm in arms_before.items() if arm.reason in left_behind.AT_ZERO
    }
    surely = left_behind.is_surely_left(resource, went_by)
    new = [one for one in former if surely and one not in committed.former_routes]

    def replicas(kind: str, name: str) -> int | None:
        known = targets.get((kind, resource.metadata.namespace, name))
        return None if known is None else known.replicas

    left = left_behind.sentences(resource, went_by, at_zero, new, replicas)
    return replace(committed, former_routes=former, left=(*committed.left, *left))


@dataclass(frozen=True, slots=True)
class _Read:
    """A resource by its own spec, or by the last one that could be read."""

    resource: BanditDeployment
    experiment: Experiment
    spec: Mapping[str, Any]
    refused: Problem | None = None
    """Why its own cannot be."""


def _read(body: Mapping[str, Any], before: Mapping[str, Any] | None) -> _Read:
    """Read a resource, with ``before``, the spec that could be read last, where its own cannot be."""
    try:
        resource = parse(body)
        return _Read(resource, to_experiment(resource), body["spec"])
    except InvalidResource as error:
        refused = InvalidSpec(str(error))
    if before is None:
        raise refused
    try:
        resource = parse_without_rules(instead(body, before))
        return _Read(resource, to_experiment(resource), before, Problem(reasons.INVALID_SPEC, str(refused)))
    except ValueError:  # InvalidResource is one
        raise refused from None
