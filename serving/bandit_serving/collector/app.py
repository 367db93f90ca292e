"""The HTTP application of the reward collector."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, ProcessCollector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bandit_serving import web
from bandit_serving.collector.events import Event, parse_labels, parse_predictions
from bandit_serving.collector.joiner import Joiner
from bandit_serving.collector.metrics import CounterMetrics, summary
from bandit_serving.collector.writer import Writer
from bandit_serving.errors import ServingError
from bandit_serving.rewards import RouteRewards
from bandit_serving.server import Readiness

MOST_BYTES = 8_000_000
_Parse = Callable[[Any, RouteRewards, float], Sequence[Event]]


class CollectorApp:
    """Endpoints of the collector: ``app`` is the ASGI application."""

    def __init__(
        self,
        joiner: Joiner,
        writer: Writer,
        rewards: RouteRewards,
        readiness: Readiness,
        *,
        since_start: bool = False,
    ) -> None:
        """Build the application.

        Args:
            joiner: Has the counters as they were last committed.
            writer: Commits events through that joiner; started and stopped with the application.
            rewards: Check events as they come, so that a join never meets one it cannot use.
            readiness: Turns readiness false while draining.
            since_start: Let /metrics count from the start of the process instead of going on.
        """
        self._joiner, self._writer = joiner, writer
        self._rewards, self._readiness = rewards, readiness
        self._registry = CollectorRegistry()
        before = joiner.counters if since_start else None
        self._registry.register(CounterMetrics(lambda: joiner.counters, lambda: writer.waiting, before))
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "collector_requests",
            "Batches received by HTTP status.",
            ["kind", "code"],
            registry=self._registry,
        )
        self.app = Starlette(
            routes=[
                Route("/v1/predictions", self._predictions, methods=["POST"]),
                Route("/v1/labels", self._labels, methods=["POST"]),
                Route("/v1/summary", self._summary),
                Route("/health/live", self._live),
                Route("/health/ready", self._ready),
                Route("/metrics", self._metrics),
            ],
            exception_handlers={ServingError: web.error_response},
            lifespan=self._lifespan,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        self._writer.start()
        try:
            yield
        finally:
            await self._writer.stop()

    async def _predictions(self, request: Request) -> Response:
        return await self._take(request, "predictions", parse_predictions)

    async def _labels(self, request: Request) -> Response:
        return await self._take(request, "labels", parse_labels)

    async def _take(self, request: Request, kind: str, parse: _Parse) -> Response:
        answer = await self._commit(request, parse)
        self._requests.labels(kind, str(answer.status_code)).inc()
        return answer

    async def _commit(self, request: Request, parse: _Parse) -> Response:
        try:
            events = parse(await web.read_json(request, MOST_BYTES), self._rewards, time.time())
            if events:
                await self._writer.write(events)
        except ServingError as error:
            return web.error_response(request, error)
        except Exception as error:  # the database refused: the client is to keep its events and come again
            return JSONResponse(
                {"error": f"not stored: {error}"}, status_code=503, headers={"Retry-After": "1"}
            )
        return JSONResponse({"committed": len(events)})

    async def _summary(self, _request: Request) -> Response:
        return JSONResponse(summary(self._joiner.counters))

    async def _live(self, _request: Request) -> Response:
        return JSONResponse({"live": self._writer.alive}, status_code=200 if self._writer.alive else 503)

    async def _ready(self, _request: Request) -> Response:
        ready = self._writer.alive and not self._readiness.draining
        return JSONResponse({"ready": ready}, status_code=200 if ready else 503)

    async def _metrics(self, _request: Request) -> Response:
        return web.metrics_response(self._registry)
