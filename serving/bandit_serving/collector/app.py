"""The HTTP application of the reward collector."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from prometheus_client import Counter, ProcessCollector
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bandit_serving import web
from bandit_serving.collector.events import MOST_CHARACTERS, Event, parse_labels, parse_predictions
from bandit_serving.collector.joiner import Joiner
from bandit_serving.collector.limits import InFlight, KnownNames, Limits
from bandit_serving.collector.metrics import CounterMetrics, summary
from bandit_serving.collector.writer import Writer
from bandit_serving.errors import BadRequest, ServingError
from bandit_serving.rewards import RouteRewards
from bandit_serving.server import Readiness
from bandit_serving.tokens import TokenFile

_Parse = Callable[[Any, RouteRewards, float], Sequence[Event]]


class CollectorApp:
    """Endpoints of the collector: ``app`` and ``metrics_app`` are the ASGI applications."""

    def __init__(
        self,
        joiner: Joiner,
        writer: Writer,
        rewards: RouteRewards,
        readiness: Readiness,
        *,
        limits: Limits | None = None,
        token: TokenFile | None = None,
        metrics_apart: bool = False,
        since_start: bool = False,
    ) -> None:
        """Build the applications.

        Args:
            joiner: Has the counters as they were last committed.
            writer: Commits events through that joiner; started and stopped with the application.
            rewards: Check events as they come, so that a join never meets one it cannot use.
            readiness: Turns readiness false while draining.
            limits: What is taken at most.
            token: Has the bearer tokens, one of which every event and the summary need; None asks for none.
            metrics_apart: Leave /metrics to ``metrics_app``.
            since_start: Let /metrics count from the start of the process instead of going on.
        """
        self._joiner, self._writer = joiner, writer
        self._rewards, self._readiness = rewards, readiness
        self._limits, self._token = limits or Limits(), token
        self._names = KnownNames(self._limits, joiner.counters)
        self._in_flight = InFlight(self._limits)
        self._registry = web.new_registry()
        before = joiner.counters if since_start else None
        self._registry.register(CounterMetrics(lambda: joiner.counters, lambda: writer.waiting, before))
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "collector_requests",
            "Batches received by HTTP status.",
            ["kind", "code"],
            registry=self._registry,
        )
        self._refused = Counter(
            "collector_refused_events",
            "Events of batches that were read and not taken, by HTTP status.",
            ["kind", "code"],
            registry=self._registry,
        )
        metrics = Route("/metrics", self._metrics)
        self.metrics_app = web.application([metrics])
        self.app = web.application(
            [
                Route("/v1/predictions", self._predictions, methods=["POST"]),
                Route("/v1/labels", self._labels, methods=["POST"]),
                Route("/v1/summary", self._summary),
                Route("/health/live", self._live),
                Route("/health/ready", self._ready),
                *([] if metrics_apart else [metrics]),
            ],
            exception_handlers={ServingError: web.error_response, 404: _elsewhere, 405: _elsewhere},
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
        sent = 0
        try:
            self._check_token(request)
            web.check_not_encoded(request)
            with self._in_flight.request() as hold:
                body = web.parse_json(
                    await web.read_body(
                        request,
                        self._limits.body_bytes,
                        max_seconds=self._limits.body_seconds,
                        on_bytes=hold,
                    )
                )
                sent = len(body) if isinstance(body, list) else 0
                answer = await self._commit(parse(body, self._rewards, time.time()))
        except ServingError as error:
            answer = web.error_response(request, error)
        code = str(answer.status_code)
        self._requests.labels(kind, code).inc()
        if answer.status_code != 200:
            self._refused.labels(kind, code).inc(sent)
        return answer

    async def _commit(self, events: Sequence[Event]) -> Response:
        """Answer once the events are on disk.

        Raises:
            ServingError: They cannot be taken, or not now.
        """
        names, refused = self._names.admit(events), False
        try:
            if events:
                await self._writer.write(events)
        except ServingError:
            refused = True
            raise
        except Exception as error:  # the database refused: the client is to keep its events and come again
            return JSONResponse(
                {"error": f"not stored: {error}"}, status_code=503, headers={"Retry-After": "1"}
            )
        finally:
            self._names.settle(names, refused=refused)
        return JSONResponse({"committed": len(events)})

    def _check_token(self, request: Request) -> None:
        if self._token is not None and not self._token.accepts(request.headers.get("authorization")):
            raise BadRequest(
                "no valid token; send `Authorization: Bearer TOKEN` with a token of the collector's"
                " --token-file",
                401,
            )

    async def _summary(self, request: Request) -> Response:
        self._check_token(request)
        return JSONResponse(await asyncio.to_thread(summary, self._joiner.counters))

    async def _live(self, _request: Request) -> Response:
        return JSONResponse({"live": self._writer.alive}, status_code=200 if self._writer.alive else 503)

    async def _ready(self, _request: Request) -> Response:
        ready = self._writer.alive and not self._readiness.draining
        return JSONResponse({"ready": ready}, status_code=200 if ready else 503)

    async def _metrics(self, _request: Request) -> Response:
        return await asyncio.to_thread(web.metrics_response, self._registry)  # events go on being taken


async def _elsewhere(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    what = f"{request.method} {request.url.path[:MOST_CHARACTERS]}"
    text = f"{what} is nothing of this collector; POST /v1/predictions or /v1/labels, GET /v1/summary"
    return JSONResponse({"error": text}, status_code=error.status_code, headers=error.headers)
