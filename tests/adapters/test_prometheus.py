"""A Prometheus that is away, slow, broken or something else, as real servers on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bandit_operator.adapters.prometheus import MISSES, PAUSE_SECONDS, Prometheus
from bandit_operator.core.model import SourceDown
from bandit_operator.sources import Sample

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[str]:
    """A server on loopback that answers as told; gives its address."""
    open_writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_writers.append(writer)
        await serve(reader, writer)

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        for writer in open_writers:
            writer.close()


def answering(body: str, status: str = "200 OK") -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body.encode())}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()

    return serve


def vector(*elements: object) -> str:
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": list(elements)}})


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a byte now and then, so that no read ever times out."""
    await reader.readuntil(b"\r\n\r\n")
    try:
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b" " * 100:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.05)
    except OSError:
        writer.close()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def prometheus(clock):
    client = Prometheus(deadline=0.5, monotonic=clock)
    yield client
    client.close()


async def test_an_answer_comes_as_samples(prometheus):
    body = vector(
        {"metric": {"arm": "a"}, "value": [1, "2.5"]}, {"metric": {"arm": "b"}, "value": [1, "NaN"]}
    )
    async with server(answering(body)) as address:
        first, second = await prometheus.query(address, "x", 1.0)
    assert first == Sample({"arm": "a"}, 2.5)
    assert second.value != second.value


@pytest.mark.parametrize(
    ("body", "status", "reason", "says"),
    [
        ("<html>hello</html>", "200 OK", "BadAnswer", "not JSON"),
        (
            '{"status":"error","errorType":"bad_data","error":"parse error: unexpected }"}',
            "400 Bad Request",
            "BadAnswer",
            "parse error: unexpected }",
        ),
        ("busy", "503 Service Unavailable", "BadAnswer", "503"),
        (
            json.dumps({"status": "success", "data": {"resultType": "scalar", "result": [1, "2"]}}),
            "200 OK",
            "BadAnswer",
            "not of the kind that was asked for",
        ),
        ("{}", "200 OK", "BadAnswer", "not of the kind that was asked for"),
    ],
    ids=["text", "bad query", "overloaded", "scalar", "other JSON"],
)
async def test_another_answer_is_no_answer_and_its_words_are_kept(prometheus, body, status, reason, says):
    async with server(answering(body, status)) as address:
        down = await prometheus.query(address, "x", 1.0)
    assert isinstance(down, SourceDown)
    assert down.reason == reason
    assert says in down.message


async def test_an_empty_answer_is_an_answer(prometheus):
    async with server(answering(vector())) as address:
        assert await prometheus.query(address, "x", 1.0) == []


async def test_a_server_that_is_not_there_is_down_with_its_address(prometheus):
    async with server(answering("")) as address:
        pass
    down = await prometheus.query(address, "x", 1.0)
    assert isinstance(down, SourceDown)
    assert down.reason == "Unreachable"
    assert address in down.message


async def test_a_server_that_trickles_is_given_up_at_the_deadline(prometheus):
    async with server(trickle) as address:
        down = await prometheus.query(address, "x", 1.0)
    assert isinstance(down, SourceDown)
    assert (down.reason, "0.5 s" in down.message) == ("Timeout", True)


async def test_an_address_that_keeps_missing_its_deadline_is_left_alone_for_a_while(prometheus, clock):
    asked = 0

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()
        writer.close()

    async with server(hang) as address:
        for _ in range(MISSES + 2):
            down = await prometheus.query(address, "x", 1.0)
        assert (asked, down.reason) == (MISSES, "Timeout")
        assert "left alone" in down.message
        clock.now += PAUSE_SECONDS
        assert (await prometheus.query(address, "x", 1.0)).reason == "Timeout"
        assert asked == MISSES + 1
