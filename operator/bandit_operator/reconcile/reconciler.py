"""One pass over one resource: observe, decide, commit, apply, in this order.

This module orders the steps, each of which has a file of its own, takes in what comes of them, and says
what an error leads to. A pass is a tick when a window of rewards is due, and otherwise follows something
that was seen to change: a route that another writer changed, Pods that became available. Passes may be
repeated at any time.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from bandit_operator.adapters.kubernetes import KubernetesAPI
from bandit_operator.adapters.notices import Notice
from bandit_operator.api.references import Key, route_of
from bandit_operator.api.timestamps import to_timestamp
from bandit_operator.api.verbs import Asked, asked_of
from bandit_operator.core import reasons
from bandit_operator.core.decide import Case
from bandit_operator.core.decision import Decision, Intention
from bandit_operator.core.model import Mode, NothingDue, Problem, Snapshot, Window
from bandit_operator.core.outcomes import Held, WeightsMoved
from bandit_operator.core.weights import Unit
from bandit_operator.errors import APIError, APIUnreachable, Conflict, InvalidSpec, NotFound, NotLeading
from bandit_operator.reconcile import former, overviews, posting
from bandit_operator.reconcile.apply import Applier, Command
from bandit_operator.reconcile.decisions import Decisions
from bandit_operator.reconcile.mirror_facts import MirrorReader
from bandit_operator.reconcile.mirror_writes import MirrorWriter
from bandit_operator.reconcile.observe import Observer
from bandit_operator.reconcile.ownership import claims, older_owner
from bandit_operator.reconcile.placement import Locator, Placement
from bandit_operator.reconcile.problems import together
from bandit_operator.reconcile.reports import Reports
from bandit_operator.reconcile.requeue import at_its_tick, next_requeue, tick_after
from bandit_operator.reconcile.rivals import Rivals
from bandit_operator.reconcile.route_plan import route_write
from bandit_operator.reconcile.route_plan import unit as unit_in
from bandit_operator.reconcile.route_writes import RouteWriter
from bandit_operator.reconcile.scale_writes import ScaleWriter
from bandit_operator.reconcile.snapshot import Look, snapshot_of
from bandit_operator.reconcile.tracked import Tracked, track
from bandit_operator.reconcile.windows import BETWEEN_TICKS, CLOCK_SET, CaughtUp, catch_up
from bandit_operator.runtime.clock import Clock
from bandit_operator.runtime.scheduler import Requeue
from bandit_operator.runtime.telemetry import Metrics
from bandit_operator.status import conditions, events, notices, writer
from bandit_operator.status.committed import intended
from bandit_operator.status.document import to_status
from bandit_operator.status.overview import Overview
from bandit_operator.status.writer import Announced
from bandit_operator.watch.cache import Cache

log = structlog.get_logger()

AFTER_CONFLICT = Requeue(1.0, tick=True)
"""The watch will bring what we did not know; then the same windows are read again."""
AFTER_NO_ANSWER = Requeue(5.0, tick=True)
AFTER_ERROR = Requeue(15.0, tick=True)
AFTER_INVALID_SPEC = Requeue(300.0, tick=True)


class Reconciler:
    """Passes over resources; keeps what is known of each."""

    def __init__(
        self,
        cache: Cache,
        api: KubernetesAPI,
        observer: Observer,
        clock: Clock,
        metrics: Metrics,
        identity: str,
        lease: str = "",
        notify: Callable[[Sequence[Notice]], None] = lambda _: None,
        shards: int = 1,
    ) -> None:
        self._cache = cache
        self._api = api
        self._observer = observer
        self._locator = Locator(cache, api)
        self._mirror_reader = MirrorReader(api, cache, self._locator)
        self._mirror_writer = MirrorWriter(api, cache, metrics)
        self._applier = Applier(
            RouteWriter(api, cache, metrics),
            self._mirror_writer,
            ScaleWriter(api, self._locator, metrics),
            clock,
            metrics,
        )
        self._decisions = Decisions()
        self._reports = Reports(api, cache, metrics)
        self._clock = clock
        self._metrics = metrics
        self._identity = identity
        self._tracked: dict[Key, Tracked] = {}
        self._rivals = Rivals(lease)
        self._notify = notify
        self._shards = shards

    def forget(self, forgotten: Callable[[Key], bool]) -> None:
        """Leave resources to another replica; if they come back, they are begun from their statuses."""
        for key in filter(forgotten, {*self._tracked, *self._cache.resources}):
            self._forget(key)

    def _forget(self, key: Key) -> None:
        self._tracked.pop(key, None)
        self._rivals.forget(key)
        self._metrics.forget(*key)

    def _share_of_resources(self) -> int:
        """How many resources a replica has; where several divide them, ticks are spread side by side."""
        return math.ceil(len(self._cache.resources) / self._shards)

    async def reconcile(self, key: Key, tick: bool) -> Requeue | None:
        """Make one pass; says when the next is due, or None where the resource is gone."""
        body = self._cache.resources.get(key)
        if body is None or body["metadata"].get("deletionTimestamp"):
            self._forget(key)
            if body is not None:
                await self._reports.deleting(body, self._clock.now())
            return await self._leave(key)
        try:
            with self._metrics.tick_seconds.time():
                return await self._pass(key, body, tick)
        except InvalidSpec as error:
            self._tracked.pop(key, None)
            await self._reports.rejected(body, str(error), self._clock.now())
            return AFTER_INVALID_SPEC
        except NotLeading:
            self._tracked.pop(key, None)
            return None  # whoever leads goes on; if it is us again, everything is started again
        except (Conflict, APIUnreachable, NotFound) as error:
            # Not found: deleted while it was looked at, which the watch will say.
            log.info("pass given up", namespace=key[0], name=key[1], error=str(error))
            self._tracked.pop(key, None)
            return AFTER_CONFLICT if isinstance(error, Conflict) else AFTER_NO_ANSWER
        except APIError as error:
            log.warning("refused", namespace=key[0], name=key[1], error=str(error))
            self._tracked.pop(key, None)
            words = f"the API server refused a request: {error}"
            await self._reports.failed(body, reasons.WRITE_REFUSED, words, self._clock.now())
            return AFTER_ERROR
        except Exception as error:
            log.exception("unexpected error", namespace=key[0], name=key[1])
            self._tracked.pop(key, None)
            self._metrics.internal_errors.labels(type(error).__name__).inc()
            words = conditions.unexpected(error)
            await self._reports.failed(body, reasons.INTERNAL_ERROR, words, self._clock.now())
            return AFTER_ERROR

    async def _leave(self, key: Key) -> Requeue | None:
        """Leave nothing of a resource that is gone; says when that is tried again."""
        try:
            await self._mirror_writer.leave(key)
        except NotLeading:
            return None
        except (Conflict, NotFound):
            return AFTER_CONFLICT
        except (APIError, APIUnreachable) as error:
            log.warning("mirror left behind for now", namespace=key[0], name=key[1], error=str(error))
            return AFTER_ERROR
        return None

    async def _pass(self, key: Key, body: Mapping[str, Any], tick: bool) -> Requeue:
        now, monotonic = self._clock.now(), self._clock.monotonic()
        before, targets = self._tracked.get(key), self._cache.targets
        tracked = self._tracked[key] = track(body, before, targets, now, monotonic)
        rival = self._rivals.seen(key, body, monotonic)
        due = tick or now >= tracked.tick_at
        if now >= tracked.tick_at > -math.inf:
            self._metrics.tick_lag.observe(now - tracked.tick_at)
        tracked.tick_at = tick_after(tracked, now, self._share_of_resources())
        asked = asked_of(body, tracked.experiment.names)
        tracked.look_at_mode(asked, now)
        placement = await self._place(tracked, body)
        if isinstance(placement, Problem):
            return await self._only_say(tracked, body, Overview(now, tracked.generation, problem=placement))
        if tracked.experiment.mode is Mode.PAUSED:
            tracked.committed = tracked.committed.without_weights()
            return await self._only_say(tracked, body, overviews.of_pause(tracked, placement, asked, now))
        seen = await self._observe(tracked, body, placement, asked, now, monotonic, due)
        decision = await self._decide(tracked, seen, asked)
        known, arms = tracked.committed.backends, placement.arms
        gone = former.draining_now(tracked.resource, placement.located, known, arms, decision)
        write = route_write(
            tracked,
            placement,
            decision,
            seen.unit,
            gone,
            now=now,
            monotonic=self._clock.monotonic(),
            resources=self._share_of_resources(),
        )
        tracked.write_at = tracked.write_at if write is None else write.at
        overview = overviews.of_decision(tracked, seen, decision, write, gone, asked, rival)
        if not await self._commit(tracked, body, overview):
            tracked.committed, tracked.known = seen.stood, None
            return Requeue(0.0, tick=False)
        await self._applier.apply(tracked, Command(placement, decision, write, gone, seen.mirror))
        # Last: weights do not wait for an API server that takes events slowly.
        await posting.post(self._api, body, self._identity, tracked.take_unposted())
        after, monotonic = self._clock.now(), self._clock.monotonic()
        return next_requeue(
            tracked, decision, begun=now, now=after, monotonic=monotonic, unwatched=placement.unwatched
        )

    async def _only_say(self, tracked: Tracked, body: Mapping[str, Any], overview: Overview) -> Requeue:
        """End a pass that decides nothing."""
        await self._commit(tracked, body, overview)
        await posting.post(self._api, body, self._identity, tracked.take_unposted())
        return at_its_tick(tracked, self._clock.now())

    # ---- observe ----------------------------------------------------------------------

    async def _place(self, tracked: Tracked, body: Mapping[str, Any]) -> Placement | Problem:
        sharing = self._cache.sharing_route(route_of(tracked.resource))
        owner = older_owner(claims(body, tracked.committed.spec, sharing))
        monotonic = self._clock.monotonic()
        unkept = tracked.route.unkept(monotonic)
        placement = owner or await self._locator.place(tracked.resource, tracked.committed, unkept)
        if isinstance(placement, Problem):
            tracked.committed = tracked.committed.unwatched()
            return together((*tracked.amiss, placement)) or placement
        tracked.route.observe_parents(placement, monotonic)
        parents = tracked.route.carriers(placement, monotonic)
        tracked.committed = tracked.committed.with_route(placement.located.mark, parents)
        backends = former.remembered(
            tracked.resource, placement.located, tracked.committed.backends, placement.leaving
        )
        tracked.committed = tracked.committed.with_backends(backends)
        tracked.committed = tracked.committed.with_former_routes(placement.former_routes)
        return dataclasses.replace(
            placement, held=together((tracked.halted, placement.held)), parents=parents
        )

    async def _observe(
        self,
        tracked: Tracked,
        body: Mapping[str, Any],
        placement: Placement,
        asked: Asked,
        now: float,
        monotonic: float,
        due: bool,
    ) -> Look:
        facts = await self._mirror_reader.read(tracked, body, placement, monotonic)
        tracked.mirror.observe(tracked.resource, placement, now=now, monotonic=monotonic)
        mirror = tracked.mirror.plan(tracked.resource, placement, facts, now=now, monotonic=monotonic)
        tracked.committed = tracked.committed.with_mirrors(mirror.known)
        unit = unit_in(tracked, placement)
        before = self._intended(tracked, placement, unit)
        self._observe_route(tracked, placement, before, now, monotonic)
        stood = tracked.committed
        read = await self._read(tracked, now, due, placement.held)
        if read.late:
            tracked.wait_longer()
        tracked.committed = read.committed
        if isinstance(read.reading, Window):
            tracked.shadow.observe(read.reading)
            names, start = tracked.experiment.names, read.reading.start
            tracked.route.observe_requests(read.requests, before, names, start)
        snapshot = snapshot_of(tracked, placement, read, asked, now, monotonic)
        return Look(now, monotonic, placement, mirror, unit, before, stood, snapshot)

    def _intended(self, tracked: Tracked, placement: Placement, unit: Unit) -> Intention:
        follow = tracked.experiment.mode is not Mode.ACTIVE
        return intended(tracked.committed.intention, placement.located.weights, unit.total, follow=follow)

    def _observe_route(
        self, tracked: Tracked, placement: Placement, before: Intention, now: float, monotonic: float
    ) -> None:
        tracked.route.observe_acceptance(placement, monotonic)
        tracked.scales.observe(placement.arms, before.standings)
        gone = former.draining(tracked.resource, placement.located, tracked.committed.backends)
        if not tracked.route.observe_weights(placement, before, gone, monotonic=monotonic, wall=now):
            return
        metadata = tracked.resource.metadata
        self._metrics.foreign.labels(metadata.namespace, metadata.name).inc()
        log.warning(
            "foreign weights",
            namespace=metadata.namespace,
            name=metadata.name,
            weights=dict(placement.located.weights),
            intended=dict(before.weights),
        )

    async def _read(self, tracked: Tracked, now: float, due: bool, held: Problem | None) -> CaughtUp:
        if not self._clock.trusted:
            return CaughtUp(tracked.committed, CLOCK_SET)
        if held is not None:
            return CaughtUp(tracked.committed, NothingDue(held.reason, held.message))
        if not due:
            return CaughtUp(tracked.committed, BETWEEN_TICKS)
        tracked.unasked = None
        try:
            return await catch_up(
                self._observer,
                self._decisions,
                self._metrics,
                tracked.resource,
                tracked.experiment,
                tracked.committed,
                now,
                tracked.settle,
            )
        except InvalidSpec as error:
            tracked.unasked = Problem(reasons.INVALID_SPEC, str(error))
            return CaughtUp(tracked.committed, NothingDue(tracked.unasked.reason, tracked.unasked.message))

    # ---- decide -----------------------------------------------------------------------

    async def _decide(self, tracked: Tracked, seen: Look, asked: Asked) -> Decision:
        memory = tracked.committed.memory
        case = Case(tracked.experiment, memory, seen.before, seen.snapshot, tracked.known)
        decision = await self._decisions.decide(case)
        tracked.known = decision.known
        self._learn(tracked, seen.snapshot, decision, asked)
        return decision

    def _learn(self, tracked: Tracked, snapshot: Snapshot, decision: Decision, asked: Asked) -> None:
        """Take the decision in; the commit that follows makes it last."""
        tracked.committed = tracked.committed.decided(snapshot, decision, tracked.generation, asked)
        if decision.reason != reasons.BETWEEN_TICKS:
            tracked.held = next(decision.of(Held), None)
        elif tracked.held is not None and tracked.held.reason in reasons.HELD_BY_THE_CLUSTER:
            tracked.held = None  # what the cluster shows now is enough to know that this is over
        metadata = tracked.resource.metadata
        self._metrics.decided(metadata.namespace, metadata.name, decision)
        window = snapshot.reading if isinstance(snapshot.reading, Window) else None
        if window is not None or any(decision.of(WeightsMoved)):
            say = log.info if tracked.is_news(decision) else log.debug
            tracked.logged = decision.reason
            say(
                "decision",
                namespace=metadata.namespace,
                name=metadata.name,
                reason=decision.reason,
                message=decision.message,
                window_end=None if window is None else to_timestamp(window.end),
                weights=dict(decision.weights),
            )

    # ---- commit -----------------------------------------------------------------------

    async def _commit(self, tracked: Tracked, body: Mapping[str, Any], overview: Overview) -> bool:
        """Write the status where that must not wait, and note what is to be posted as events.

        Returns:
            Whether it can be acted on: not where it was just seen that what is written does not last.
        """
        before, was_halted = tracked.announced, tracked.halted is not None
        document = tracked.document(overview, self._rivals.own)
        if not writer.must_write(document, before, self._clock.monotonic()):
            return True
        status = to_status(tracked.experiment, document)
        written = await writer.write(self._api, body, tracked.stored.version, status)
        self._metrics.wrote("status")
        self._cache.put_resource(written)
        tracked.stored.written(status, written)
        if tracked.halted is not None and not was_halted:
            tracked.announced = Announced(before.conditions)
            return False
        tracked.announced = writer.announced_now(document, self._clock.monotonic())
        drafts = posting.drafts(before.conditions, document.conditions, overview, tracked.mode_act)
        tracked.mode_act = None
        self._notify(notices.of(drafts, written, overview.now))
        committed = tracked.committed
        tracked.unposted += (*drafts, *events.of_notes(committed.notes), *events.of_left(committed.left))
        tracked.committed = dataclasses.replace(committed, notes=(), left=())
        return True
