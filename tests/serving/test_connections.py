"""Requests that offer another protocol are answered as any other, with their bodies."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from bandit_serving.connections import Connection
from bandit_serving.server import _listen, _Server

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _echo(_scope: Scope, receive: Receive, send: Send) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


@contextlib.asynccontextmanager
async def connected() -> AsyncIterator[Ends]:
    """A connection to a server that sends back what it is sent."""
    server = _Server(uvicorn.Config(_echo, http=Connection, lifespan="off", log_config=None))
    with _listen("127.0.0.1", 0) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()
            server.should_exit = True
            await task


def request(body: bytes, *headers: bytes) -> tuple[bytes, bytes]:
    """Head and body of a request."""
    lines = [b"POST /v1/labels HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body), *headers, b"", b""]
    return b"\r\n".join(lines), body


OFFER = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAEAAEAAAAIAAAAB")


async def answer(ends: Ends) -> bytes:
    """The body of the next answer."""
    reader, _ = ends
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    assert head.startswith(b"HTTP/1.1 200 "), head
    (length,) = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return await reader.readexactly(int(length.split(b":")[1]))


async def told(ends: Ends, *pieces: bytes) -> bytes:
    """The body of the answer to a request that comes in pieces."""
    _, writer = ends
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.02)  # so that the next piece is one of its own
    return await answer(ends)


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.3"])
async def test_a_request_that_offers_another_protocol_keeps_its_body(protocol: bytes) -> None:
    head, body = request(b"[1, 2]", b"Connection: upgrade", b"UPGRADE:" + protocol)
    async with connected() as ends:
        assert await told(ends, head + body) == b"[1, 2]"
        assert await told(ends, head, body) == b"[1, 2]"


@pytest.mark.parametrize("at", [1, 30, 60, 110, -1])
async def test_an_offer_is_seen_in_a_head_that_comes_in_pieces(at: int) -> None:
    head, body = request(b"[1, 2]", *OFFER)
    async with connected() as ends:
        assert await told(ends, head[:at], head[at:] + body) == b"[1, 2]"
        assert await told(ends, head[:at], head[at:], body) == b"[1, 2]"


async def test_what_is_no_request_is_refused_at_once() -> None:
    async with connected() as (reader, writer):
        writer.write(b"\x16\x03\x01 hello of TLS")
        assert (await asyncio.wait_for(reader.readline(), 20)).startswith(b"HTTP/1.1 400 ")


async def test_an_offer_may_come_with_any_request_of_a_connection() -> None:
    plain, offering = request(b"plain"), request(b"offering", *OFFER)
    async with connected() as ends:
        for each in (plain, plain, offering, plain, offering):
            assert await told(ends, b"".join(each)) == each[1]


async def test_a_body_that_looks_like_an_offer_is_a_body() -> None:
    head, body = request(b"a\r\nUpgrade: h2c\r\n\r\nb")
    async with connected() as ends:
        assert await told(ends, head, body[:1], body[1:]) == body
        assert await told(ends, head + body) == body
        ends[1].write(head + body + b"".join(request(b"next")))
        assert [await answer(ends), await answer(ends)] == [body, b"next"]
