"""Sends copies of the requests that an arm has answered to a shadow server, where no gateway mirrors them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import aiohttp
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from yarl import URL

from bandit_serving.shadow.copies import Headers, passed_on, target_of
from bandit_serving.web import SHADOW_HEADER

_AT_ONCE = 4
"""Copies that are sent at once."""
_SECONDS = 2.0
"""Longest time for a copy; the shadow server answers before it asks any arm."""
MOST_BYTES = 32_000_000
"""Of the bodies that wait, all of them together."""


class Copies(Collector):
    """A bounded queue of copies, and the tasks that send them; nobody ever waits for it."""

    def __init__(self, shadow: str, labels: dict[str, str], capacity: int = 1000) -> None:
        """Prepare to send.

        Args:
            shadow: Base URL of the shadow server.
            labels: Of the counter.
            capacity: Most copies that wait; further ones are dropped and counted.
        """
        self._url, self._labels = shadow.rstrip("/"), labels
        self._queue: asyncio.Queue[tuple[str, URL, Headers, bytes]] = asyncio.Queue(capacity)
        self._bytes = 0
        self._counts = {"sent": 0, "refused": 0, "failed": 0, "dropped": 0}

    def collect(self) -> Iterator[Metric]:
        """Yield copies by what became of them."""
        family = CounterMetricFamily(
            "model_shadow_copies",
            "Copies of answered requests for the shadow server, by what became of them.",
            labels=[*self._labels, "result"],
        )
        for result, count in self._counts.items():
            family.add_metric([*self._labels.values(), result], count)
        yield family

    def offer(self, request: Request, body: bytes) -> None:
        """Queue the copy of a request that users have sent; drop it where the queue is full."""
        scope = request.scope
        url = URL(self._url + target_of(scope["raw_path"], scope["query_string"]), encoded=True)
        # The shadow server marks its own calls.
        headers = [(name, value) for name, value in passed_on(scope["headers"]) if name != SHADOW_HEADER]
        if self._queue.full() or self._bytes + len(body) > MOST_BYTES:
            self._counts["dropped"] += 1
            return
        self._bytes += len(body)
        self._queue.put_nowait((request.method, url, headers, body))

    @contextlib.asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Send in the background; copies that still wait on leaving are dropped: they are a sample."""
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        async with aiohttp.ClientSession(
            timeout=timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Content-Type", "User-Agent"),  # what the user did not send, no arm may get
        ) as client:
            tasks = [asyncio.create_task(self._send(client)) for _ in range(_AT_ONCE)]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                self._counts["dropped"] += self._queue.qsize()

    async def _send(self, client: aiohttp.ClientSession) -> None:
        while True:
            method, url, headers, body = await self._queue.get()
            self._bytes -= len(body)
            try:
                async with client.request(
                    method, url, data=body, headers=headers, allow_redirects=False
                ) as answer:
                    self._counts["sent" if answer.status < 300 else "refused"] += 1
            except (aiohttp.ClientError, OSError, ValueError):  # the last by a header that no client sends
                self._counts["failed"] += 1
