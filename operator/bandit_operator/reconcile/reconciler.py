"""One pass over one resource: observe, decide, commit, apply, in this order.

This module only orders the steps; each of them has a file of its own. A pass is a tick when
a window of rewards is due, and otherwise follows something that was seen to change: a route
that somebody else wrote, Pods that became available. Passes may be repeated at any time.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import structlog

from bandit_operator.adapters.kubernetes import KubernetesAPI
from bandit_operator.api.references import Key, route_of, scale_targets_of
from bandit_operator.api.status import MAX_HISTORY, DecisionCounts
from bandit_operator.api.timestamps import to_timestamp
from bandit_operator.api.v1alpha1 import BanditDeployment, InvalidResource, parse, to_experiment
from bandit_operator.core import reasons, windows
from bandit_operator.core.decide import Intention, decide
from bandit_operator.core.decision import Decision
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import ArmState, Mode, Snapshot, Window
from bandit_operator.errors import APIError, APIUnreachable, Conflict, InvalidSpec, NotFound, NotLeading
from bandit_operator.reconcile import apply
from bandit_operator.reconcile.observe import Observer, Placement
from bandit_operator.reconcile.ownership import older_owner
from bandit_operator.reconcile.route_sync import compare_shares, foreign_weights, traffic_of
from bandit_operator.reconcile.windows import CLOCK_SET, Read, catch_up, moved_on, settle_of
from bandit_operator.routers import Problem
from bandit_operator.runtime.clock import Clock
from bandit_operator.runtime.scheduler import Next
from bandit_operator.runtime.telemetry import Metrics
from bandit_operator.status import conditions, events, writer
from bandit_operator.status.history import decision_record
from bandit_operator.status.session import Session, adopt, let_go, load, renew, status_of
from bandit_operator.watch.cache import Cache

log = structlog.get_logger()

AFTER_CONFLICT = Next(1.0, tick=True)
"""The watch will bring what we did not know; then the same windows are read again."""
AFTER_NO_ANSWER = Next(5.0, tick=True)


class Reconciler:
    """Passes over resources; keeps one session for each."""

    def __init__(
        self,
        cache: Cache,
        api: KubernetesAPI,
        observer: Observer,
        clock: Clock,
        metrics: Metrics,
        identity: str,
    ) -> None:
        self._cache = cache
        self._api = api
        self._observer = observer
        self._clock = clock
        self._metrics = metrics
        self._identity = identity
        self._sessions: dict[Key, Session] = {}

    def forget_all(self) -> None:
        """Start from the statuses again, as after leadership was won."""
        self._sessions.clear()

    async def reconcile(self, key: Key, tick: bool) -> Next | None:
        """Make one pass; says when the next is due, or None where the resource is gone."""
        body = self._cache.resources.get(key)
        if body is None or body["metadata"].get("deletionTimestamp"):
            self._sessions.pop(key, None)
            self._metrics.forget(*key)
            return None
        try:
            with self._metrics.tick_seconds.time():
                return await self._pass(key, body, tick)
        except (Conflict, APIUnreachable) as error:
            log.info("pass given up", namespace=key[0], name=key[1], error=str(error))
            self._sessions.pop(key, None)
            return AFTER_CONFLICT if isinstance(error, Conflict) else AFTER_NO_ANSWER
        except NotFound:
            self._sessions.pop(key, None)  # deleted while it was looked at: the watch will say so
            return AFTER_NO_ANSWER
        except NotLeading:
            self._sessions.pop(key, None)
            return None  # whoever leads goes on; if it is us again, everything is started again

    async def _pass(self, key: Key, body: Mapping[str, Any], tick: bool) -> Next:
        now = self._clock.now()
        try:
            session = self._session(key, body)
        except InvalidSpec as error:
            return await self._reject_unreadable(key, body, Problem(reasons.INVALID_SPEC, str(error)))
        following = self._following(session, now)
        placement = await self._place(session)
        if isinstance(placement, Problem):
            await self._conclude(
                session, body, conditions.Situation(now, _generation(body), problem=placement), None
            )
            return following
        if session.experiment.mode is Mode.PAUSED:
            let_go(session)
            situation = conditions.Situation(
                now, _generation(body), session.experiment, traffic=conditions.Traffic()
            )
            await self._conclude(session, body, situation, None)
            return following
        follow = session.experiment.mode is not Mode.ACTIVE
        before = adopt(session, placement.located, follow=follow)
        if foreign_weights(session, placement, before, self._clock.monotonic(), now):
            self._tell_foreign(session, placement, before)
        if now >= session.tick_at > -math.inf:
            self._metrics.tick_lag.observe(now - session.tick_at)
        read = await self._read(session, now, tick or now >= session.tick_at)
        session.tick_at = windows.next_tick(
            now, session.experiment.interval, settle_of(session), session.experiment.uid
        )
        if isinstance(read.reading, Window):
            compare_shares(session, read.requests, before, read.reading.start)
        snapshot = _snapshot(placement, read, now)
        decision = self._decide(session, before, snapshot, tick)
        self._learn(session, before, snapshot, decision, read)
        situation = conditions.Situation(
            now,
            _generation(body),
            session.experiment,
            decision=decision,
            held=session.held,
            rewards_until=session.rewards_until,
            traffic=traffic_of(session, placement, self._clock.monotonic()),
        )
        await self._conclude(session, body, situation, decision, standings_before=before)
        await self._act(session, placement, decision)
        return self._sooner(session, decision, following, now)

    # ---- what the pass starts from ----------------------------------------------------

    def _session(self, key: Key, body: Mapping[str, Any]) -> Session:
        session = self._sessions.get(key)
        metadata = body["metadata"]
        if session is not None and session.experiment.uid == metadata["uid"]:
            if session.resource.metadata.generation == metadata["generation"]:
                return session
            session = renew(session, *_parsed(body))
            session.resource_version = metadata["resourceVersion"]
        else:
            session = load(body, *_parsed(body))
        self._sessions[key] = session
        return session

    async def _place(self, session: Session) -> Placement | Problem:
        owner = older_owner(
            self._cache.sharing_route(session.resource.metadata.uid, route_of(session.resource))
        )
        if owner is not None:
            return owner
        known = frozenset(session.intention.standings) if session.intention else frozenset[str]()
        return await self._observer.placement(session.resource, known)

    def _following(self, session: Session, now: float) -> Next:
        experiment = session.experiment
        at = windows.next_tick(now, experiment.interval, settle_of(session), experiment.uid)
        return Next(max(0.0, at - now), tick=True)

    # ---- observe ----------------------------------------------------------------------

    async def _read(self, session: Session, now: float, due: bool) -> Read:
        if not due:
            return Read(None, {})
        if not self._clock.trusted:
            return Read(CLOCK_SET, {})
        return await catch_up(self._observer, self._metrics, session, now)

    def _tell_foreign(self, session: Session, placement: Placement, before: Intention) -> None:
        metadata = session.resource.metadata
        self._metrics.foreign.labels(metadata.namespace, metadata.name).inc()
        log.warning(
            "foreign weights",
            namespace=metadata.namespace,
            name=metadata.name,
            found=dict(placement.located.weights),
            intended=dict(before.weights),
        )

    # ---- decide -----------------------------------------------------------------------

    def _decide(self, session: Session, before: Intention, snapshot: Snapshot, tick: bool) -> Decision:
        decision = decide(session.experiment, session.memory, before, snapshot)
        if decision.reason == reasons.BETWEEN_TICKS and tick and session.rewards_until is None:
            message = f"rewards count from {to_timestamp(session.cursor or snapshot.now)} on"
            decision = dataclasses.replace(decision, reason=reasons.FIRST_WINDOW, message=message)
        return decision

    def _learn(
        self, session: Session, before: Intention, snapshot: Snapshot, decision: Decision, read: Read
    ) -> None:
        """Take the decision into the session; the commit that follows makes it last."""
        session.memory = decision.memory
        session.intention = Intention(decision.standings, decision.weights, before.total)
        moved = _moved(before, decision)
        if decision.reason != reasons.BETWEEN_TICKS:
            session.held = (
                (decision.reason, decision.message) if decision.reason in conditions.HOLDS else None
            )
        window = read.reading if isinstance(read.reading, Window) else None
        if window is not None:
            moved_on(session, window)
        if window is not None or moved or decision.scales or decision.standings != before.standings:
            session.history.insert(0, decision_record(session, before, snapshot, decision))
            session.counts = _counted(session, before, decision, moved, window is not None)
        del session.history[MAX_HISTORY:]
        metadata = session.resource.metadata
        self._metrics.decided(
            metadata.namespace, metadata.name, decision, decision.reason in conditions.HOLDS
        )
        if window is not None or moved:
            log.info(
                "decision",
                namespace=metadata.namespace,
                name=metadata.name,
                reason=decision.reason,
                message=decision.message,
                window_end=None if window is None else to_timestamp(window.end),
                weights=dict(decision.weights),
            )

    # ---- commit -----------------------------------------------------------------------

    async def _conclude(
        self,
        session: Session,
        body: Mapping[str, Any],
        situation: conditions.Situation,
        decision: Decision | None,
        standings_before: Intention | None = None,
    ) -> None:
        """Write the status where that must not wait, then tell what happened."""
        current = conditions.conditions_of(situation, session.conditions)
        phase = conditions.phase_of(situation)
        told = writer.urgent(session, decision, current, phase)
        if not writer.must_write(session, told, self._clock.monotonic()):
            return
        happenings = events.of_conditions(session.conditions, current)
        if decision is not None and standings_before is not None:
            happenings += events.of_arms(standings_before.standings, decision)
            happenings += events.of_promotion(session.promoted is not None, decision)
            happenings += events.of_change(session.changed, decision)
            session.promoted = decision.promoted
            change = decision.change
            session.changed = None if change is None else (change.kind, change.arm)
        happenings += [
            events.Happening(reasons.EVIDENCE_RESET, "ResetEvidence", note) for note in session.notes
        ]
        written = await writer.write(self._api, session, status_of(session, decision, current, phase))
        self._metrics.writes.labels("status", "written").inc()
        session.resource_version = written["metadata"]["resourceVersion"]
        session.conditions = {condition.type: condition for condition in current}
        session.told, session.written_at, session.notes = told, self._clock.monotonic(), ()
        self._cache.put_resource(written)
        await events.post(self._api, body, self._identity, happenings)

    async def _reject_unreadable(self, key: Key, body: Mapping[str, Any], problem: Problem) -> Next:
        """A spec that cannot even be parsed has no session; its status is touched in the conditions only."""
        situation = conditions.Situation(self._clock.now(), _generation(body), problem=problem)
        await writer.write_problem(self._api, body, situation)
        log.warning("invalid spec", namespace=key[0], name=key[1], message=problem.message)
        return Next(300.0, tick=True)

    # ---- apply ------------------------------------------------------------------------

    async def _act(self, session: Session, placement: Placement, decision: Decision) -> None:
        """Bring route and replicas to the committed intention."""
        if session.experiment.mode is not Mode.ACTIVE or session.told is None:
            return
        now = self._clock.monotonic()
        try:
            if placement.located.weights != decision.weights and apply.may_put_back(
                session.changed_at, session.put_back_at, now
            ):
                session.in_sync, session.weights_since = False, math.inf  # until it is known to have happened
                route = await apply.set_weights(self._api, placement, decision.weights)
                session.put_back_at = now
                if route is not None:
                    self._cache.put_route(placement.router.kind, route)
                    session.in_sync = True
                    self._metrics.writes.labels("route", "written").inc()
            targets = scale_targets_of(session.resource)
            for scale in decision.scales:
                path = await self._observer.target_path(targets[scale.arm])
                await apply.set_replicas(self._api, path, scale)
                self._metrics.writes.labels("scale", "written").inc()
            session.refused = None
        except (Conflict, NotFound) as error:
            self._metrics.writes.labels("route", "conflict").inc()
            log.info("write overtaken", name=session.resource.metadata.name, error=str(error))
        except APIError as error:
            self._metrics.writes.labels("route", "refused").inc()
            session.refused = f"the API server refused to set weights or replicas: {error}"

    def _sooner(self, session: Session, decision: Decision, following: Next, now: float) -> Next:
        """The next pass: the tick, or earlier where a drain ends or weights are put back before it."""
        waits = [
            standing.quiet_since + session.experiment.rollback.drain - now + 0.05
            for standing in decision.standings.values()
            if standing.state is ArmState.DRAINING and standing.quiet_since is not None
        ]
        if not session.in_sync and session.experiment.mode is Mode.ACTIVE:
            moment = self._clock.monotonic()
            waits.append(1.0 + apply.put_back_distance(session.changed_at, moment))
        waits = [wait for wait in waits if 0 < wait < following.seconds]
        return Next(min(waits), tick=False) if waits else following


def _parsed(body: Mapping[str, Any]) -> tuple[BanditDeployment, Experiment]:
    try:
        resource = parse(body)
        return resource, to_experiment(resource)
    except InvalidResource as error:
        raise InvalidSpec(str(error)) from error


def _generation(body: Mapping[str, Any]) -> int:
    return int(body["metadata"]["generation"])


def _snapshot(placement: Placement, read: Read, now: float) -> Snapshot:
    arms = {
        arm: dataclasses.replace(facts, requests=read.requests.get(arm))
        for arm, facts in placement.arms.items()
    }
    return Snapshot(now, read.reading, arms, placement.generation, placement.accepted)


def _moved(before: Intention, decision: Decision) -> bool:
    return dict(before.weights) != dict(decision.weights)


def _counted(
    session: Session, before: Intention, decision: Decision, moved: bool, ticked: bool
) -> DecisionCounts:
    counts = session.counts
    entered = {
        arm: standing.state
        for arm, standing in decision.standings.items()
        if (old := before.standings.get(arm)) is not None and old.state is not standing.state
    }
    return counts.model_copy(
        update={
            "total": counts.total + ticked,
            "moves": counts.moves + moved,
            "holds": counts.holds + (decision.reason in conditions.HOLDS),
            "rollbacks": counts.rollbacks + sum(state is ArmState.DRAINING for state in entered.values()),
            "restores": counts.restores + sum(state is ArmState.RESTORING for state in entered.values()),
            "promotions": counts.promotions + (decision.promoted is not None and session.promoted is None),
        }
    )
