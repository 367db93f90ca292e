"""/metrics, /healthz and /readyz."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aiohttp import http_exceptions, web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector

Check = Callable[[], str | None]
"""What is wrong, or None."""
_FAULTS_OF_CLIENTS = (http_exceptions.HttpProcessingError, web.RequestPayloadError)
"""What the library raises of requests that are no HTTP, or whose body is not what they say."""


@dataclass(frozen=True)
class _Collected(Collector):
    """Metrics that have been read already."""

    metrics: tuple[Metric, ...]

    def collect(self) -> Iterable[Metric]:
        return self.metrics


async def serve(
    listen: tuple[str, int], registry: CollectorRegistry, live: Check, ready: Check
) -> web.AppRunner:
    """Answer probes and Prometheus until the runner is cleaned up.

    Raises:
        OSError: The address cannot be listened on.
    """

    def answer(check: Check) -> Callable[[web.Request], object]:
        async def handler(_: web.Request) -> web.Response:
            trouble = check()
            return web.Response(text=trouble or "ok", status=503 if trouble else 200)

        return handler

    async def metrics(request: web.Request) -> web.Response:
        """All metrics, or as many as are asked for by ``name[]``, as in Prometheus' own client libraries."""
        names = request.query.getall("name[]", [])
        chosen = registry.restricted_registry(names) if names else registry
        # Read here, where alone it changes. To write it down takes a third of a second for a thousand
        # resources, and their ticks need not wait for that.
        body = await asyncio.to_thread(generate_latest, _Collected(tuple(chosen.collect())))
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    leave_out_faults_of_clients()
    application = web.Application()
    application.router.add_get("/healthz", answer(live))  # type: ignore[arg-type]  # aiohttp's handler alias is wider than its own use
    application.router.add_get("/readyz", answer(ready))  # type: ignore[arg-type]  # as above
    application.router.add_get("/metrics", metrics)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, *listen).start()
    return runner


def leave_out_faults_of_clients() -> None:
    """Let the log of the HTTP server tell what is wrong in here alone.

    Whoever sends what is no HTTP, as a scanner does or a browser that begins with TLS, is told so in the
    answer. The library would write a traceback into the log of the operator for each.
    """
    logging.getLogger("aiohttp.server").addFilter(_not_of_clients)


def _not_of_clients(record: logging.LogRecord) -> bool:
    return record.exc_info is None or not isinstance(record.exc_info[1], _FAULTS_OF_CLIENTS)
