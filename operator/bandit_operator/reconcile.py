"""One pass over one resource: observe, decide, commit, apply, in this order.

This module only orders the steps; each of them has a file of its own. A pass is a tick when
a window of rewards is due, and otherwise follows something that was seen to change: a route
that somebody else wrote, Pods that became available. Passes may be repeated at any time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from bandit_operator import apply, commit, events, report
from bandit_operator.adapters.kubernetes import KubernetesAPI
from bandit_operator.api.references import route_of, scale_targets_of
from bandit_operator.api.rules import parse_duration
from bandit_operator.api.status import MAX_HISTORY, DecisionCounts
from bandit_operator.api.timestamps import to_timestamp
from bandit_operator.api.v1alpha1 import BanditDeployment, InvalidResource, parse, to_experiment
from bandit_operator.cache import Cache, Key
from bandit_operator.clock import Clock
from bandit_operator.conflicts import older_owner
from bandit_operator.core import reasons, windows
from bandit_operator.core.decide import Intention, decide
from bandit_operator.core.memory import absorb
from bandit_operator.core.model import ArmState, Decision, Experiment, Mode, Snapshot, SourceDown, Window
from bandit_operator.errors import APIError, APIUnreachable, Conflict, InvalidSpec, NotFound, NotLeading
from bandit_operator.observe import Observer, Placement, Reading
from bandit_operator.records import decision_record, quiet_record
from bandit_operator.routers import Problem
from bandit_operator.scheduler import Next
from bandit_operator.session import Session, adopt, load, renew, status_of
from bandit_operator.telemetry import Metrics

log = structlog.get_logger()

AFTER_CONFLICT = Next(1.0, tick=True)
"""The watch will bring what we did not know; then the same windows are read again."""
AFTER_NO_ANSWER = Next(5.0, tick=True)
ACCEPT_SECONDS = 10.0
"""How long a gateway may take to accept a generation before users are told."""
REALISED_TOLERANCE = 0.1
"""Realised shares within this of the weights are noise or a gateway's rounding."""
REALISED_REQUESTS = 200.0
"""Fewer requests than this say nothing of how traffic is shared out."""


@dataclass(frozen=True, slots=True)
class Read:
    """What the reward source said in this pass, and what was learned before its newest window."""

    reading: Window | SourceDown | None
    requests: Mapping[str, float]


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
                session, body, report.Situation(now, _generation(body), problem=placement), None
            )
            return following
        if session.experiment.mode is Mode.PAUSED:
            situation = report.Situation(now, _generation(body), session.experiment, traffic=report.Traffic())
            await self._conclude(session, body, situation, None)
            return following
        follow = session.experiment.mode is not Mode.ACTIVE
        before = adopt(session, placement.located, follow=follow)
        self._notice_foreign_weights(session, placement, before)
        read = await self._read(session, now, tick or now >= session.tick_at)
        session.tick_at = windows.next_tick(
            now, session.experiment.interval, _settle(session), session.experiment.uid
        )
        snapshot = self._snapshot(session, placement, read, now)
        decision = self._decide(session, before, snapshot, tick)
        self._learn(session, before, snapshot, decision, read)
        situation = report.Situation(
            now,
            _generation(body),
            session.experiment,
            decision=decision,
            rewards_until=session.rewards_until,
            traffic=self._traffic(session, placement, before, decision),
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
        at = windows.next_tick(now, experiment.interval, _settle(session), experiment.uid)
        return Next(max(0.0, at - now), tick=True)

    # ---- observe ----------------------------------------------------------------------

    async def _read(self, session: Session, now: float, due: bool) -> Read:
        """Read the windows that are due; all but the newest are learned from right here."""
        if not self._clock.trusted:
            message = "the machine's clock was set; windows are read again once it has kept pace for a minute"
            return Read(SourceDown(reasons.CLOCK_SET, message), {})
        if not due:
            return Read(None, {})
        end = windows.newest_end(now, session.experiment.interval, _settle(session))
        if session.cursor is None or session.cursor > end + 2 * session.experiment.interval:
            session.cursor = end  # new, or the clock was ahead when it was written
            return Read(None, {})
        missed = windows.due(session.cursor, end, session.experiment.interval)
        reading: Reading | SourceDown | None = None
        for start, stop in missed.windows:
            if isinstance(reading, Reading):
                session.memory = absorb(session.experiment, session.memory, reading.window)
                session.cursor = reading.window.end
                session.history.insert(0, quiet_record(session, reading.window, now))
                session.rewards_until = _rewards_until(session, reading.window)
            reading = await self._observer.rewards(session.resource, start, stop)
            self._metrics.queries.labels("answered" if isinstance(reading, Reading) else reading.reason).inc()
            if isinstance(reading, SourceDown):
                return Read(reading, {})
        if missed.lost > 0:
            session.notes = (*session.notes, f"rewards of {missed.lost:g} s are too old to be counted")
        if reading is None:
            return Read(None, {})
        return Read(reading.window, reading.requests)

    def _snapshot(self, session: Session, placement: Placement, read: Read, now: float) -> Snapshot:
        arms = {
            arm: dataclasses.replace(facts, requests=read.requests.get(arm))
            for arm, facts in placement.arms.items()
        }
        total = sum(read.requests.values())
        if total >= REALISED_REQUESTS:
            session.realised = {arm: read.requests.get(arm, 0.0) / total for arm in arms}
        return Snapshot(now, read.reading, arms, placement.generation, placement.accepted)

    def _notice_foreign_weights(self, session: Session, placement: Placement, before: Intention) -> None:
        """Tell a change by somebody else from a write of ours that is still to come."""
        if placement.located.weights == before.weights:
            session.in_sync = True
        elif session.in_sync:
            session.in_sync = False
            session.foreign_changes += 1
            moment = self._clock.monotonic()
            session.changed_at = (*apply.recent(session.changed_at, moment), moment)
            metadata = session.resource.metadata
            self._metrics.foreign.labels(metadata.namespace, metadata.name).inc()
            log.warning(
                "foreign weights",
                namespace=metadata.namespace,
                name=metadata.name,
                found=dict(placement.located.weights),
                intended=dict(before.weights),
            )

    def _traffic(
        self, session: Session, placement: Placement, before: Intention, decision: Decision
    ) -> report.Traffic:
        now = self._clock.monotonic()
        if session.refused is not None:
            return report.Traffic((reasons.WRITE_REFUSED, session.refused))
        if apply.is_contested(session.changed_at, now):
            distance = apply.put_back_distance(session.changed_at, now)
            return report.Traffic(
                (
                    reasons.WEIGHTS_CONTESTED,
                    f"somebody else changed the weights {len(session.changed_at)} times in "
                    f"{apply.CONTEST_SECONDS:g} s; they are put back every {distance:g} s. Find who writes the "
                    f"route (metadata.managedFields), and let it ignore backendRefs' weights",
                )
            )
        unresolved = placement.router.unresolved(placement.route)
        if unresolved is not None:
            return report.Traffic((reasons.BACKEND_NOT_FOUND, f"the gateway says: {unresolved}"))
        if not placement.accepted:
            since = session.unaccepted
            if since is None or since[0] != placement.generation:
                session.unaccepted = since = (placement.generation, now)
            if now - since[1] > ACCEPT_SECONDS:
                return report.Traffic(
                    (
                        reasons.ROUTE_NOT_ACCEPTED,
                        f"no gateway has accepted generation {placement.generation} of the route in {ACCEPT_SECONDS:g} s",
                    )
                )
        shares = before.shares()
        for arm, realised in session.realised.items():
            if (
                abs(realised - shares.get(arm, 0.0)) > REALISED_TOLERANCE
                and decision.weights == before.weights
            ):
                return report.Traffic(
                    (
                        reasons.NOT_FOLLOWED,
                        f"arm {arm} is meant to get {shares[arm]:.1%} of the requests and gets {realised:.1%}; "
                        f"look for sticky sessions or another route to the same backend",
                    )
                )
        return report.Traffic()

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
        moved = dict(decision.weights) != dict(before.weights)
        window = read.reading if isinstance(read.reading, Window) else None
        if window is not None:
            session.cursor = window.end
            session.rewards_until = _rewards_until(session, window)
        if window is not None or moved or decision.scales or decision.standings != before.standings:
            session.history.insert(0, decision_record(session, before, snapshot, decision))
            session.counts = _counted(session, before, decision, moved, window is not None)
        del session.history[MAX_HISTORY:]
        metadata = session.resource.metadata
        self._metrics.decided(metadata.namespace, metadata.name, decision, decision.reason in report.HOLDS)
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
        situation: report.Situation,
        decision: Decision | None,
        standings_before: Intention | None = None,
    ) -> None:
        """Write the status where that must not wait, then tell what happened."""
        conditions = report.conditions_of(situation, session.conditions)
        phase = report.phase_of(situation)
        told = commit.urgent(session, decision, conditions, phase)
        if not commit.must_write(session, told, self._clock.monotonic()):
            return
        happenings = events.of_conditions(session.conditions, conditions)
        if decision is not None and standings_before is not None:
            happenings += events.of_arms(standings_before.standings, decision)
            happenings += events.of_promotion(session.promoted is not None, decision)
            session.promoted = decision.promoted
        happenings += [
            events.Happening(reasons.EVIDENCE_RESET, "ResetEvidence", note) for note in session.notes
        ]
        written = await commit.write(self._api, session, status_of(session, decision, conditions, phase))
        self._metrics.writes.labels("status", "written").inc()
        session.resource_version = written["metadata"]["resourceVersion"]
        session.conditions = {condition.type: condition for condition in conditions}
        session.told, session.written_at, session.notes = told, self._clock.monotonic(), ()
        self._cache.put_resource(written)
        await events.post(self._api, body, self._identity, happenings)

    async def _reject_unreadable(self, key: Key, body: Mapping[str, Any], problem: Problem) -> Next:
        """A spec that cannot even be parsed has no session; its status is touched in the conditions only."""
        situation = report.Situation(self._clock.now(), _generation(body), problem=problem)
        await commit.write_problem(self._api, body, situation)
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
                session.in_sync = False  # until the write is known to have happened
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


def _settle(session: Session) -> float:
    return parse_duration(session.resource.spec.reward.prometheus.settle)


def _generation(body: Mapping[str, Any]) -> int:
    return int(body["metadata"]["generation"])


def _rewards_until(session: Session, window: Window) -> float | None:
    trials = sum(getattr(outcome, "trials", 0.0) for outcome in window.arms.values())
    return window.end if trials > 0 else session.rewards_until


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
            "holds": counts.holds + (decision.reason in report.HOLDS),
            "rollbacks": counts.rollbacks + sum(state is ArmState.DRAINING for state in entered.values()),
            "restores": counts.restores + sum(state is ArmState.RESTORING for state in entered.values()),
            "promotions": counts.promotions + (decision.promoted is not None and session.promoted is None),
        }
    )
