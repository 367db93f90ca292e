"""The HTTP application of the shadow server."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Sequence

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bandit_serving import web
from bandit_serving.collector.limits import LONGEST_BODIES_AT_ONCE, InFlight, Limits
from bandit_serving.errors import BadRequest, Overloaded, ServingError
from bandit_serving.predictions import PredictionEvents, delivering
from bandit_serving.server import Readiness
from bandit_serving.shadow.arms import Arm
from bandit_serving.shadow.breaker import Breaker
from bandit_serving.shadow.copies import Copy, Dropped, check_id, id_in, passed_on, sampled, target_of
from bandit_serving.shadow.dispatch import Dispatcher
from bandit_serving.shadow.metrics import ArmState, ShadowMetrics
from bandit_serving.shadow.protocols import Protocol

_REASON_OF_STATUS = {413: "too_long", 408: "too_slow"}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a shadow server is told, each an option of its command line."""

    id_header: str = "X-Request-ID"
    """Header that has the id of a request."""
    share: float = 1.0
    """Share of the requests that are scored."""
    deadline: float = 2.0
    """Seconds that an arm may take to answer."""
    in_flight: int = 32
    """Most copies that arms are asked about at once."""
    queue: int = 1000
    """Most copies that wait for that."""
    body_bytes: int = 4_000_000
    """Longest body of a copy, and of an arm's answer; all that wait may have eight times as much."""
    body_seconds: float = 10.0
    """Longest time for a body to arrive."""
    requests: int = 200
    """Most bodies that arrive at once."""
    breaker_failures: int = 5
    """Failures in a row after which an arm is left alone."""
    breaker_pause: float = 10.0
    """Seconds after which it is tried again."""
    flush_timeout: float = 10.0
    """Seconds for the copies that wait when the server ends, and again for the predictions."""


class ShadowApp:
    """ASGI applications: ``app`` takes copies at any path, ``metrics_app`` has metrics and health."""

    def __init__(
        self,
        arms: dict[str, str],
        events: Sequence[PredictionEvents],
        protocol: Protocol,
        readiness: Readiness,
        settings: Settings | None = None,
    ) -> None:
        """Build the applications.

        Args:
            arms: Base URL of each arm by name.
            events: Where the predictions of each go, in the same order.
            protocol: Finds ids and predictions.
            readiness: Turns readiness false while draining.
            settings: The rest.
        """
        self._settings = settings or Settings()
        self._protocol, self._readiness, self._events = protocol, readiness, events
        self._registry = web.new_registry()
        self._metrics = ShadowMetrics(self._registry, list(arms))
        self._arms = [
            Arm(
                name,
                url,
                protocol=protocol,
                breaker=Breaker(self._settings.breaker_failures, self._settings.breaker_pause),
                events=queue,
                metrics=self._metrics,
                most_bytes=self._settings.body_bytes,
            )
            for (name, url), queue in zip(arms.items(), events, strict=True)
        ]
        self._registry.register(ArmState([(arm.name, arm.breaker, arm.events) for arm in self._arms]))
        self._arriving = InFlight(
            Limits(body_bytes=self._settings.body_bytes, requests=self._settings.requests)
        )
        self._dispatcher = Dispatcher(
            self._arms,
            in_flight=self._settings.in_flight,
            queue=self._settings.queue,
            most_bytes=LONGEST_BODIES_AT_ONCE * self._settings.body_bytes,
        )
        self.metrics_app = web.application(
            [
                Route("/metrics", self._serve_metrics),
                Route("/health/live", self._live),
                Route("/health/ready", self._ready),
            ]
        )
        self.app = Starlette(
            routes=[Route("/{path:path}", _AnyMethod(self))],
            exception_handlers={ServingError: web.error_response},
            lifespan=self._lifespan,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Ask the arms and deliver predictions while the server runs, and what is left when it ends."""
        settings = self._settings
        async with (
            delivering(self._events, settings.flush_timeout),
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),  # copies in flight are the limit
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=settings.deadline),
                skip_auto_headers=("Content-Type", "User-Agent"),
            ) as client,
        ):
            self._dispatcher.start(client)
            yield
            self._metrics.dropped("stopped", await self._dispatcher.stop(settings.flush_timeout))

    def abandon(self) -> None:
        """Say what a process that ends at once has left undone."""
        self._dispatcher.abandon()
        for events in self._events:
            events.abandon()

    async def take(self, request: Request) -> Response:
        """Answer a copy at once, before any arm is asked: 202 where it was taken or left out on purpose.

        Raises:
            ServingError: It is dropped.
        """
        self._metrics.received()
        try:
            taken = self._admit(await self._read(request))
        except Dropped as error:
            self._metrics.dropped(error.reason)
            raise
        except Overloaded:
            self._metrics.dropped("overloaded")
            raise
        except BadRequest as error:
            self._metrics.dropped(_REASON_OF_STATUS.get(error.status, "unread"))
            raise
        if not taken:
            self._metrics.dropped("not_sampled")
        return Response(status_code=202)

    async def _read(self, request: Request) -> Copy:
        if web.is_shadow(request):
            raise Dropped(
                "shadow",
                f"it has the header {web.SHADOW_HEADER}: a call of this server came back as a copy; let the"
                " URL of each --arm lead to its Service and not through the gateway",
                508,
            )
        settings = self._settings
        with self._arriving.request() as hold:
            body = await web.read_body(
                request, settings.body_bytes, max_seconds=settings.body_seconds, on_bytes=hold
            )
        if not body:
            raise Dropped("no_body", "it has no body, so there is nothing to predict")
        found, question = self._protocol.read(body, request.headers)
        places = self._protocol.id_places.format(header=settings.id_header)
        scope = request.scope
        request_id = check_id(found or id_in(scope["headers"], settings.id_header), places)
        target = target_of(scope["raw_path"], scope["query_string"])
        return Copy(request_id, request.method, target, passed_on(scope["headers"]), question)

    def _admit(self, copy: Copy) -> bool:
        """Queue a copy; False where it is not among those that are scored.

        Raises:
            Dropped: There is no room.
        """
        if not sampled(copy.id, self._settings.share):
            return False
        if not self._dispatcher.offer(copy):
            raise Dropped("queue_full", "too many copies wait for the arms; this one is not scored", 429)
        return True

    async def _live(self, _request: Request) -> Response:
        return JSONResponse({"live": True})

    async def _ready(self, _request: Request) -> Response:
        ready = not self._readiness.draining
        return JSONResponse({"ready": ready}, status_code=200 if ready else 503)

    async def _serve_metrics(self, _request: Request) -> Response:
        return web.metrics_response(self._registry)


class _AnyMethod:
    """Calls the application's ``take`` whatever the method, which a function as endpoint would not."""

    def __init__(self, shadow: ShadowApp) -> None:
        self._shadow = shadow

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one copy."""
        response = await self._shadow.take(Request(scope, receive))
        await response(scope, receive, send)
