"""The HTTP application of the sample arm."""

from __future__ import annotations

import contextlib
import importlib.metadata
import time
from collections.abc import AsyncIterator
from typing import Any

import numpy.typing as npt
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bandit_serving import web
from bandit_serving.arm.copies import Copies
from bandit_serving.arm.metrics import ArmMetrics
from bandit_serving.arm.model import Model
from bandit_serving.arm.protocol import metadata, parse_request, response
from bandit_serving.errors import BadRequest, ServingError
from bandit_serving.predictions import PredictionEvents, delivering
from bandit_serving.server import Readiness


class ArmApp:
    """Endpoints of one model: ``app`` is the ASGI application."""

    def __init__(
        self,
        model: Model,
        *,
        name: str,
        version: str,
        arm: str,
        readiness: Readiness,
        events: PredictionEvents | None,
        shadow: str | None = None,
        flush_timeout: float = 30.0,
        max_rows: int = 1000,
        max_bytes: int = 4_000_000,
    ) -> None:
        """Build the application.

        Args:
            model: The model to serve.
            name: Its name in URLs.
            version: Its version in URLs and answers.
            arm: Name of the arm in answers, events and metrics.
            readiness: Turns readiness false while draining.
            events: Where prediction events go; None sends none.
            shadow: Base URL of the shadow server that gets copies of requests; None sends none.
            flush_timeout: Seconds to go on delivering prediction events when the server ends.
            max_rows: Most rows in one request.
            max_bytes: Longest request body.
        """
        self._model, self._name, self._version, self._arm = model, name, version, arm
        self._readiness, self._events = readiness, events
        self._event_outputs = events.outputs if events is not None else ()
        self._flush_timeout, self._max_rows, self._max_bytes = flush_timeout, max_rows, max_bytes
        self._registry = web.new_registry()
        self._metrics = ArmMetrics(self._registry, model=name, arm=arm, events=events)
        self._copies = None if shadow is None else Copies(shadow, {"model": name, "arm": arm})
        if self._copies is not None:
            self._registry.register(self._copies)
        model_paths = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")
        self.app = web.application(
            [
                Route("/v2/health/live", self._live),
                Route("/v2/health/ready", self._ready),
                Route("/v2", self._server_metadata),
                *(Route(f"{path}/infer", self._infer, methods=["POST"]) for path in model_paths),
                *(Route(f"{path}/ready", self._model_ready) for path in model_paths),
                *(Route(path, self._model_metadata) for path in model_paths),
                Route("/metrics", self._serve_metrics),
            ],
            exception_handlers={ServingError: web.error_response, 404: _not_found, 405: _wrong_method},
            lifespan=self._lifespan,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Deliver events and copies while the server runs, and what is left of events when it ends."""
        async with contextlib.AsyncExitStack() as stack:
            if self._events is not None:
                await stack.enter_async_context(delivering([self._events], self._flush_timeout))
            if self._copies is not None:
                await stack.enter_async_context(self._copies.sending())
            yield

    def abandon(self) -> None:
        """Say what a process that ends at once has left undone."""
        if self._events is not None:
            self._events.abandon()

    async def _live(self, _request: Request) -> Response:
        return JSONResponse({"live": True})

    async def _ready(self, _request: Request) -> Response:
        ready = not self._readiness.draining
        return JSONResponse({"ready": ready}, status_code=200 if ready else 503)

    async def _server_metadata(self, _request: Request) -> Response:
        version = importlib.metadata.version("bandit-operator")
        return JSONResponse({"name": "bandit-serving", "version": version, "extensions": []})

    async def _model_ready(self, request: Request) -> Response:
        self._check_address(request)
        ready = not self._readiness.draining
        return JSONResponse({"name": self._name, "ready": ready}, status_code=200 if ready else 503)

    async def _model_metadata(self, request: Request) -> Response:
        self._check_address(request)
        return JSONResponse(metadata(self._name, self._version, self._model))

    async def _serve_metrics(self, _request: Request) -> Response:
        return web.metrics_response(self._registry)

    async def _infer(self, request: Request) -> Response:
        shadow = web.is_shadow(request)
        started = time.perf_counter()
        status = 500
        try:
            answer = await self._answer(request, shadow)
            status = answer.status_code
            return answer
        except BadRequest as error:
            status = error.status
            raise
        finally:
            if shadow:
                self._metrics.shadow(status)
            else:
                self._metrics.request(status, time.perf_counter() - started)

    async def _answer(self, request: Request, shadow: bool) -> Response:
        """Answer a request; what no user sees is neither counted nor reported as a prediction."""
        self._check_address(request)
        if "inference-header-content-length" in request.headers:
            raise BadRequest("binary tensor data is not offered; send `data` as JSON (binary_data=False)")
        web.check_not_encoded(request)
        raw = await web.read_body(request, self._max_bytes)
        parsed = parse_request(web.parse_json(raw), self._model, self._max_rows)
        computed = self._model.compute(
            parsed.rows, list(dict.fromkeys([*parsed.outputs, *self._event_outputs]))
        )
        values = {name: computed[name] for name in parsed.outputs}
        content = response(parsed.id, self._name, self._version, self._arm, self._model, values)
        try:
            answer = JSONResponse(content)
        except ValueError as error:
            raise ServingError(f"the model's answer is no JSON: {error}; mend the model") from error
        # From here on the request has its answer: one that has none is no prediction.
        if not shadow:
            self._metrics.predictions(computed, len(parsed.rows))
        if self._events is not None and not shadow:
            sent = {name: computed[name] for name in self._event_outputs}
            self._events.add(parsed.id, _by_row(sent, len(parsed.rows)))
        if self._copies is not None and not shadow:
            self._copies.offer(request, raw)
        return answer

    def _check_address(self, request: Request) -> None:
        name = request.path_params["model"]
        if name != self._name:
            raise BadRequest(f"no model {name!r} here; this server has {self._name!r}", 404)
        version = request.path_params.get("version", self._version)
        if version != self._version:
            raise BadRequest(f"model {name!r} has no version {version!r}; it has {self._version!r}", 404)


def _by_row(values: dict[str, npt.NDArray[Any]], rows: int) -> list[dict[str, Any]]:
    columns = {name: value.tolist() for name, value in values.items()}
    return [{name: column[i] for name, column in columns.items()} for i in range(rows)]


async def _not_found(request: Request, _error: Exception) -> Response:
    text = (
        f"no such path {request.url.path!r}; the paths are those of the Open Inference Protocol v2 under /v2"
    )
    return JSONResponse({"error": text}, status_code=404)


async def _wrong_method(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    text = f"{request.url.path} does not take {request.method}; POST to …/infer, GET everything else"
    return JSONResponse({"error": text}, status_code=405, headers=error.headers)
