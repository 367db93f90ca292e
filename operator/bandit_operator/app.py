"""The running operator: every part made, joined, started and stopped, in that order."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import kopf
import structlog

from bandit_operator.adapters.access import shown
from bandit_operator.adapters.discovery import Discovery
from bandit_operator.adapters.kubernetes import KubernetesAPI
from bandit_operator.adapters.prometheus import Prometheus
from bandit_operator.adapters.reviews import Reviews
from bandit_operator.adapters.webhooks import Webhooks
from bandit_operator.reconcile.causes import Causes
from bandit_operator.reconcile.observe import Observer
from bandit_operator.reconcile.reconciler import Reconciler
from bandit_operator.runtime.clock import Clock
from bandit_operator.runtime.ending import Ending
from bandit_operator.runtime.notifier import Notifier
from bandit_operator.runtime.scheduler import LONGEST_SLEEP
from bandit_operator.runtime.server import serve
from bandit_operator.runtime.settings import Settings
from bandit_operator.runtime.shards import Shards, may_write
from bandit_operator.runtime.telemetry import Metrics
from bandit_operator.watch.cache import Cache
from bandit_operator.watch.exposed import Exposed
from bandit_operator.watch.handlers import registry, watch_settings
from bandit_operator.watch.listed import listed
from bandit_operator.watch.relist import Relister
from bandit_operator.watch.scanning import may_scan
from bandit_operator.watch.web.gate import Gate
from bandit_operator.watch.web.server import Pages
from bandit_operator.watch.web.server import serve as serve_pages

log = structlog.get_logger()

COLLECT_AFTER = 10_000
"""New objects after which cycles are looked for. What is kept of a thousand resources is some hundred
thousand objects: at Python's own 700 they would be looked through for an eighth of the time.
"""

LOOK_SECONDS = 60.0
"""Pause before the installed Prometheus is looked for again, until it has answered once."""
STOP_SECONDS = 5.0
"""Longest wait for the watches to end."""
STUCK_SECONDS = 6 * LONGEST_SLEEP
"""A scheduler that has not turned for this long is stuck."""


class Operator:
    """One replica of the operator."""

    def __init__(self, settings: Settings, api: KubernetesAPI) -> None:
        self.settings = settings
        self.clock = Clock()
        self.metrics = Metrics()
        self.cache = Cache(settings.namespaces)
        api.may_write = may_write
        # So that none is under way when another replica may first have the lease.
        api.write_seconds = settings.lease.duration - settings.lease.deadline
        self.api = api
        self.prometheus = Prometheus(
            settings.prometheus_access,
            settings.prometheus_deadline,
            self.clock.monotonic,
            self.metrics.requests.inc,
        )
        self.discovery = Discovery(settings.prometheus_access)
        self.observer = Observer(
            self.cache,
            self.prometheus,
            settings.prometheus_address,
            Causes(self.discovery, self.clock.monotonic),
            bind_namespace=settings.bind_namespace,
        )
        self.webhooks = Webhooks()
        self.notifier = Notifier(settings.webhooks, self.webhooks.post, self.metrics.notifications)
        self.reconciler = Reconciler(
            self.cache,
            api,
            self.observer,
            self.clock,
            self.metrics,
            settings.lease.identity,
            f"{settings.lease.namespace}/{settings.lease.name}",
            self.notifier.offer,
            settings.shards,
        )
        self.shards = Shards(
            api,
            settings.lease,
            settings.shards,
            work=self.reconciler.reconcile,
            concurrency=settings.concurrency,
            monotonic=self.clock.monotonic,
            resources=self.cache.to_look_at,
            uid_of=self.cache.uid_of,
            forget=self.reconciler.forget,
        )
        self.relister = Relister(api, self.cache, self.shards.wake, settings.namespaces)
        self.metrics.leading.set_function(lambda: float(self.shards.held > 0))
        self.metrics.shards.set(len(self.shards))
        self.metrics.shards_held.set_function(lambda: float(self.shards.held))
        self.metrics.registry.register(Exposed(self.cache, self.shards.owns))
        self.metrics.resources.set_function(lambda: float(len(self.cache.resources)))

    async def run(self, stop: asyncio.Event) -> None:
        """Run until ``stop`` is set or a part fails; then hand the leases over.

        kopf takes the signals and, when it ends, cancels every task of the loop that is
        younger than itself. So the signals are taken back once it runs, and the parts that
        write are ended before it.
        """
        servers = [await serve(self.settings.listen, self.metrics.registry, self.trouble, self.unready)]
        if self.settings.web_listen is not None:
            gate = Gate(Reviews(self.api), self.clock.monotonic)
            servers.append(await serve_pages(self.settings.web_listen, Pages(self.cache, gate)))
        self.notifier.start()
        parts = [
            asyncio.create_task(part, name=name)
            for name, part in (
                ("stop", stop.wait()),
                ("shards", self.shards.run(lambda: listed(self.cache))),
                ("relist", self.relister.run()),
            )
        ]
        started, watch_until = asyncio.Event(), asyncio.Event()
        watching = asyncio.create_task(self._watch(started, watch_until), name="watches")
        looking = asyncio.create_task(self._look_for_prometheus(), name="look for Prometheus")
        try:
            await _first(watching, asyncio.create_task(started.wait()))
            Ending(stop, self.clock.monotonic).take_signals()
            await _first(watching, *parts)
        finally:
            for part in (looking, *parts):
                part.cancel()
            await asyncio.gather(looking, *parts, return_exceptions=True)
            await self.shards.release()
            await self.notifier.close()
            await self.webhooks.close()
            watch_until.set()
            await asyncio.wait([watching], timeout=STOP_SECONDS)
            await self.prometheus.close()
            self.discovery.close()
            for server in servers:
                await server.cleanup()
            await self.api.close()

    def trouble(self) -> str | None:
        """What a restart would mend, or None."""
        if self.relister.dead_watch is not None:
            return f"the watch of {self.relister.dead_watch} has stopped bringing changes"
        if self.clock.monotonic() - self.shards.scheduler.turned_at > STUCK_SECONDS:
            return "the scheduler is stuck"
        return None

    def unready(self) -> str | None:
        """What keeps this replica from seeing what it must, or None."""
        return self.trouble() or self.relister.refused

    async def _look_for_prometheus(self) -> None:
        if self.settings.prometheus_address is not None:
            address = self.settings.prometheus_address
            await find(self.prometheus, address, self.clock.now, self.metrics)

    async def _watch(self, started: asyncio.Event, until: asyncio.Event) -> None:
        everywhere = not self.settings.namespaces
        scanning = await may_scan(self.api, everywhere=everywhere)
        await kopf.operator(
            registry=registry(self.cache, self.shards),
            settings=watch_settings(scanning=scanning),
            standalone=True,
            clusterwide=everywhere,
            namespaces=self.settings.namespaces,
            ready_flag=started,
            stop_flag=until,
        )


async def find(
    prometheus: Prometheus,
    address: str,
    now: Callable[[], float],
    metrics: Metrics,
    pause: float = LOOK_SECONDS,
) -> None:
    """Look for the installed Prometheus until it has answered once, and say in the metrics whether it has.

    Args:
        prometheus: What asks.
        address: Where.
        now: The time, seconds since the Unix epoch.
        metrics: What is exposed.
        pause: Between two looks, seconds.
    """
    found = metrics.prometheus_found.labels(shown(address))
    while not await look_for(prometheus, address, now()):
        await asyncio.sleep(pause)
    found.set(1)


async def look_for(prometheus: Prometheus, address: str, at: float) -> bool:
    """Return and log whether the installed Prometheus answers, so that a wrong address shows early.

    Args:
        prometheus: What asks.
        address: Where.
        at: The time, seconds since the Unix epoch.
    """
    answer = await prometheus.query(address, "vector(1)", at)
    if isinstance(answer, list):
        log.info("Prometheus answers", address=shown(address))
        return True
    log.warning("no answer of Prometheus; it is asked again", reason=answer.message)
    return False


async def _first(*tasks: asyncio.Task[Any]) -> None:
    """Wait for the first of the tasks to end; raises what made it end."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def run(settings: Settings) -> None:
    """Run one replica until SIGTERM or SIGINT."""
    gc.freeze()  # what was imported stays
    gc.set_threshold(COLLECT_AFTER)
    stop = asyncio.Event()
    api = await KubernetesAPI.connect()
    log.info("starting", identity=settings.lease.identity, namespaces=settings.namespaces or "all")
    await Operator(settings, api).run(stop)
    log.info("stopped", identity=settings.lease.identity)
