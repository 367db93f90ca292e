"""What the HTTP services share: JSON in and out, errors, health and metrics endpoints."""

from __future__ import annotations

import json
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bandit_serving.errors import BadRequest, Overloaded


def _refuse_constant(name: str) -> float:
    raise BadRequest(f"the body holds {name}, which is not JSON; send finite numbers only")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


async def read_json(request: Request, max_bytes: int) -> Any:
    """Return the parsed JSON body of a request.

    Raises:
        BadRequest: The body is longer than ``max_bytes`` (413) or is not JSON.
    """
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > max_bytes:
        raise BadRequest(
            f"the body has {announced} bytes, at most {max_bytes} are taken; send smaller batches", 413
        )
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise BadRequest(f"the body has more than {max_bytes} bytes; send smaller batches", 413)
    try:
        return _DECODER.decode(body.decode())
    except (ValueError, RecursionError) as error:  # the latter by lists nested too deep
        raise BadRequest(f"the body is not JSON: {error}") from error


def error_response(_request: Request, error: Exception) -> Response:
    """Turn an error raised on purpose into the JSON object ``{"error": text}`` with its HTTP status."""
    if isinstance(error, Overloaded):
        return JSONResponse(
            {"error": str(error)}, status_code=429, headers={"Retry-After": f"{error.retry_after:g}"}
        )
    status = error.status if isinstance(error, BadRequest) else 500
    return JSONResponse({"error": str(error)}, status_code=status)


def metrics_response(registry: CollectorRegistry) -> Response:
    """Return the metrics of ``registry`` in the Prometheus text format."""
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
