"""A model server that answers at once, so that nothing hides what lies in front of it.

Run by uvicorn, in Pods; the answer has the form of the Open Inference Protocol, and a header says which
model gave it: that of the environment's MODEL.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

ANSWER = b'{"model_name":"m","outputs":[{"name":"predict","shape":[1],"datatype":"FP64","data":[0.5]}]}'
_HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(ANSWER)).encode()),
    (b"x-model", os.environ.get("MODEL", "m").encode()),
]


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Read one request to its end and answer it (ASGI)."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})
