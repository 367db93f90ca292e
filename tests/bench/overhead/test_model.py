"""The model that answers at once is a model all the same."""

from __future__ import annotations

import json
from typing import Any

from bench.overhead.model import app


async def test_it_answers_once_the_whole_request_is_read() -> None:
    parts = [{"body": b"{", "more_body": True}, {"body": b"}", "more_body": False}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return parts.pop(0)

    async def send(message: dict[str, Any]) -> None:
        assert not parts
        sent.append(message)

    await app({"type": "http"}, receive, send)
    start, body = sent
    assert start["status"] == 200
    assert dict(start["headers"])[b"content-length"] == str(len(body["body"])).encode()
    assert dict(start["headers"])[b"x-model"] == b"m"
    assert json.loads(body["body"])["outputs"][0]["name"] == "predict"
