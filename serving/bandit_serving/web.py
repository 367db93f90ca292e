"""What the HTTP services share: bodies and JSON in, errors, health and metrics endpoints."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    disable_created_metrics,
    generate_latest,
)
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bandit_serving.errors import BadRequest, Overloaded


def _refuse_constant(name: str) -> float:
    raise BadRequest(f"the body holds {name}, which is not JSON; send finite numbers only")


_MOST_DIGITS = 308  # an integer of more digits has no counterpart among floating-point numbers


def _integer(text: str) -> int | float:
    """Return an integer, or infinity for one beyond all floats, which is refused as any infinity is."""
    return int(text) if len(text) <= _MOST_DIGITS else float(text)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_integer)


SHADOW_HEADER = "X-Bandit-Shadow"  # marks a call whose answer no user sees
_HANG_UP = {"Connection": "close"}  # where the rest of a body is not awaited
_HEADERS_OF_STATUS = {
    401: {"WWW-Authenticate": "Bearer", **_HANG_UP},
    **dict.fromkeys((408, 413, 415), _HANG_UP),
}


def is_shadow(request: Request) -> bool:
    """Return whether a request is a copy of another one, whose answer no user sees."""
    return request.headers.get(SHADOW_HEADER, "").strip().lower() == "true"


async def read_body(
    request: Request,
    max_bytes: int,
    *,
    max_seconds: float | None = None,
    on_bytes: Callable[[int], None] = lambda _count: None,
) -> bytes:
    """Return the body of a request.

    Args:
        request: The request.
        max_bytes: Longest body.
        max_seconds: Longest time for the whole body to arrive; None waits without end.
        on_bytes: Called with the size of each piece that arrives; may raise to refuse the body.

    Raises:
        BadRequest: The body is longer than ``max_bytes`` (413), takes too long (408), or is cut off.
    """
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > max_bytes:
        raise BadRequest(
            f"the body has {announced} bytes, at most {max_bytes} are taken; send smaller batches", 413
        )
    body = bytearray()
    try:
        async with asyncio.timeout(max_seconds):
            async for chunk in request.stream():
                on_bytes(len(chunk))
                body += chunk
                if len(body) > max_bytes:
                    raise BadRequest(f"the body has more than {max_bytes} bytes; send smaller batches", 413)
    except ClientDisconnect as error:
        raise BadRequest("the client went away before its body had arrived") from error
    except TimeoutError as error:
        raise BadRequest(f"the body did not arrive within {max_seconds:g} s; send it again", 408) from error
    return bytes(body)


def check_not_encoded(request: Request) -> None:
    """Refuse a body that is compressed: what it comes to has no bound.

    Raises:
        BadRequest: It is (415).
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise BadRequest(
            f"Content-Encoding: {encoding!r:.80} is not read; send the JSON as it is, without this header",
            415,
        )


def parse_json(body: bytes) -> Any:
    """Return what a JSON text says; integers beyond the range of a float come as infinity.

    Raises:
        BadRequest: It is no JSON.
    """
    if not body:
        raise BadRequest("the body is empty; send JSON")
    try:
        return _DECODER.decode(body.decode("utf-8-sig"))  # with the mark of Windows, or without
    except UnicodeDecodeError as error:
        raise BadRequest("the body is not JSON: it is no text in UTF-8; send it as UTF-8") from error
    except RecursionError as error:
        raise BadRequest("the body is not JSON as it is read here: it is nested too deep") from error
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error


class _SlashAtEnd:
    """ASGI middleware: a path is answered with slashes at its end as it is without.

    The framework would answer with a redirect, which no sender of events follows, and many another client
    follows without the body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            scope = {**scope, "path": scope["path"].rstrip("/") or "/"}
        await self._app(scope, receive, send)


def application(routes: Sequence[Route], **options: Any) -> Starlette:
    """Return an application of these routes, none of which ends in a slash; options are Starlette's."""
    return Starlette(routes=routes, middleware=[Middleware(_SlashAtEnd)], **options)


def error_response(_request: Request, error: Exception) -> Response:
    """Turn an error raised on purpose into the JSON object ``{"error": text}`` with its HTTP status."""
    status, headers = 500, {}
    if isinstance(error, Overloaded):
        status, headers = 429, {"Retry-After": f"{error.retry_after:g}", **_HANG_UP}
    elif isinstance(error, BadRequest):
        status, headers = error.status, _HEADERS_OF_STATUS.get(error.status, {})
    return JSONResponse({"error": str(error)}, status_code=status, headers=headers)


def new_registry() -> CollectorRegistry:
    """Return a registry without metrics, whose counters and histograms have no series ``_created`` beside."""
    # A second series of each, that nobody asks for.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has none for it
    return CollectorRegistry()


def metrics_response(registry: CollectorRegistry) -> Response:
    """Return the metrics of ``registry`` in the Prometheus text format."""
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
