"""Looking up what a Prometheus has: bounded like all that is asked of it."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from bandit_operator.adapters import discovery as module
from bandit_operator.adapters.access import Access, Origin
from bandit_operator.adapters.answers import MOST_BYTES
from bandit_operator.adapters.discovery import Discovery
from tests.support.servers import answering, server, trickle


def data(*values: object) -> str:
    return json.dumps({"status": "success", "data": list(values)})


async def looked_up(serve: Any, read: Any = lambda lookup: lookup.values("arm", "x"), **access: Any) -> Any:
    async with server(serve) as address:
        discovery = Discovery(Access(Origin.of(address), **access))
        try:
            return await discovery.ask(f"{address}/", 1000.0, read)
        finally:
            discovery.close()


async def test_values_and_labels_come_as_texts() -> None:
    assert await looked_up(answering(data("A", "b"))) == ["A", "b"]
    assert await looked_up(answering(data("arm")), lambda lookup: lookup.labels("x")) == ["arm"]


@pytest.mark.parametrize(
    "serve",
    [
        answering("no JSON"),
        answering("null"),
        answering(data(1)),
        answering(json.dumps({"data": "text"})),
        answering("[" * 100_000),
        answering("busy", "503 Service Unavailable"),
        answering(data("A"), "302 Found", "Location: http://127.0.0.1:9/"),
        answering(" " * (MOST_BYTES + 1)),
    ],
    ids=["text", "null", "numbers", "no list", "deep", "overloaded", "redirect", "long"],
)
async def test_what_cannot_be_read_is_no_answer(serve: Any) -> None:
    assert await looked_up(serve) is None


async def test_a_server_that_trickles_holds_neither_the_tick_nor_more_than_its_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LONGEST_WAIT", 0.3)
    before = threading.active_count()
    async with server(trickle) as address:
        discovery = Discovery(Access(Origin.of(address)))
        for _ in range(5):
            assert await discovery.ask(address, 1000.0, lambda lookup: lookup.values("arm", "x")) is None
        assert threading.active_count() <= before + module.WORKERS
        discovery.close()


async def test_the_token_goes_along_and_an_address_that_is_not_allowed_is_not_asked(tmp_path: Path) -> None:
    heads: list[str] = []

    async def recording(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        body = data("A")
        writer.write(
            f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        await writer.drain()
        writer.close()

    token = tmp_path / "token"
    token.write_text("operators-own")
    assert await looked_up(recording, token_file=token) == ["A"]
    assert "Authorization: Bearer operators-own\r\n" in heads[0]
    async with server(recording) as address:
        discovery = Discovery(Access(Origin.of("http://prometheus:9090"), token_file=token))
        assert await discovery.ask(address, 1000.0, lambda lookup: lookup.values("arm", "x")) is None
        discovery.close()
    assert len(heads) == 1
