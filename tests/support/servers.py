"""Small servers on loopback that answer as a test wants, also what no real one would at will."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

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


def answering(body: str | bytes, status: str = "200 OK", *headers: str) -> Serve:
    """Answers every request alike."""
    data = body.encode() if isinstance(body, str) else body

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = [f"HTTP/1.1 {status}", f"Content-Length: {len(data)}", "Connection: close", *headers, "", ""]
        writer.write("\r\n".join(head).encode() + data)
        await writer.drain()
        writer.close()

    return serve


def vector(*elements: object) -> str:
    """The answer to a query: an instant vector."""
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


class Recording:
    """A Prometheus that keeps what it is asked, and refuses what it is told to."""

    def __init__(self, status_of: Callable[[str], str] = lambda _: "200 OK") -> None:
        self.requests: list[tuple[str, str, str]] = []
        """Method, head and body."""
        self._status_of = status_of

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lengths = [
            line.split(":")[1] for line in head.lower().splitlines() if line.startswith("content-length")
        ]
        body = (await reader.readexactly(int(lengths[0]))).decode() if lengths else ""
        self.requests.append((head.split()[0], head, body))
        line = head.splitlines()[0]
        status = "414 URI Too Long" if len(line) > 8192 else self._status_of(head.split()[0])
        head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(vector())}\r\n\r\n"
        writer.write((head + vector()).encode())
        await writer.drain()
        writer.close()

    @property
    def methods(self) -> list[str]:
        """Of the requests."""
        return [method for method, _, _ in self.requests]
