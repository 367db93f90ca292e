"""Queries to Prometheus: bounded in time, in size, in connections, and in who is asked.

The address may be a tenant's, and so may the server be. Every query has one deadline for all that it
takes, answers are cut off at a size, redirects are not followed, and an address that keeps missing the
deadline is left alone for a while.

Queries of several resources that are made in the same moment are one request (``adapters.batches``).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
import yarl
from cachetools import LRUCache

from bandit_operator.adapters.access import Access, shown
from bandit_operator.adapters.answers import MOST_BYTES, refused, samples_in, series_in
from bandit_operator.adapters.batches import Batches
from bandit_operator.core import reasons
from bandit_operator.core.model import SourceDown
from bandit_operator.sources import Sample
from bandit_operator.sources.resets import Series

CONNECTIONS = 64
"""Most connections at once, to all addresses."""
CONNECTIONS_EACH = 8
"""Most connections to one address."""
IDLE_SECONDS = 30.0
"""How long a connection that nobody uses is kept."""
MOST_ADDRESSES = 64
"""Addresses of which something is remembered; the one that was asked longest ago is forgotten."""
MISSES = 3
"""Deadlines missed in a row before an address is left alone."""
PAUSE_SECONDS = 15.0
"""How long it is left alone; then one query tries again."""
READ_AT_ONCE = 16_384
"""Bytes of an answer that are read where they arrive: a thread would cost more."""
_NO_POST = frozenset({403, 405})
"""Statuses by which a server, or a proxy before it, may say that it takes no POST."""

Answer = TypeVar("Answer")
"""What the body of an answer is read into."""


@dataclass
class _Address:
    """What is remembered of an address."""

    missed: int = 0
    paused_until: float = 0.0
    takes_post: bool = True


class Prometheus:
    """Queries to any number of Prometheus servers.

    Args:
        access: Who may be asked, and who gets the token.
        deadline: Longest wait for an answer, seconds.
        monotonic: A clock that never jumps, seconds.
        count: Called with each HTTP request that is made; one may carry several queries.
    """

    def __init__(
        self,
        access: Access,
        deadline: float = 5.0,
        monotonic: Callable[[], float] = time.monotonic,
        count: Callable[[], None] = lambda: None,
    ) -> None:
        self._access = access
        self._deadline = deadline
        self._monotonic = monotonic
        self._addresses: LRUCache[str, _Address] = LRUCache(MOST_ADDRESSES)
        self._batches = Batches(self._within_deadline, deadline, monotonic)
        self._count = count
        self._session: aiohttp.ClientSession | None = None
        # One at a time, so that what long answers become in memory does not add up.
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="prometheus-answers")

    async def query(
        self, address: str, promql: str, at: float, about: str | None = None
    ) -> list[Sample] | SourceDown:
        """Evaluate a query at a time, seconds since the Unix epoch.

        Args:
            address: of the server.
            promql: the query.
            at: the time.
            about: whose query it is; None for one that is to be asked by itself.

        Returns:
            The elements of the instant vector, possibly none, or why there is no answer.
        """
        if (
            about is None
            or not self._may_be_joined(address)
            or not self._batches.takes(address, promql, about)
        ):
            return await self._within_deadline(address, promql, at, samples_in)
        return await self._batches.query(address, promql, at, about)

    async def series(self, address: str, promql: str, at: float) -> list[Series] | SourceDown:
        """As ``query``, for a range vector: the series with all their samples."""
        return await self._within_deadline(address, promql, at, series_in)

    async def close(self) -> None:
        """Close all connections, without waiting for answers that may never come."""
        self._batches.close()
        self._reading.shutdown(wait=False, cancel_futures=True)
        if self._session is not None:
            await self._session.close()

    def _may_be_joined(self, address: str) -> bool:
        # An address that takes no POST is asked by its URL, which may not be long.
        return self._access.refusal(address) is None and self._remembered(address).takes_post

    async def _within_deadline(
        self,
        address: str,
        promql: str,
        at: float,
        read: Callable[[bytes, str], Answer],
        most: float | None = None,
    ) -> Answer | SourceDown:
        """Ask once.

        ``most`` is how long an attempt may take that is not the last one, seconds: that it took longer says
        nothing of the server.
        """
        refusal = self._access.refusal(address)
        if refusal is not None:
            return refusal
        server = self._remembered(address)
        if self._monotonic() < server.paused_until:
            return SourceDown(
                reasons.TIMEOUT,
                f"Prometheus at {shown(address)} missed {server.missed} deadlines and is left alone "
                f"for a while",
            )
        try:
            async with asyncio.timeout(self._deadline if most is None else most):
                result = await self._ask(server, address, {"query": promql, "time": f"{at:.3f}"}, read)
        except TimeoutError:
            if most is not None:
                return SourceDown(reasons.TIMEOUT, f"no answer in {most:g} s")
            return self._missed(server, address)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            result = SourceDown(
                reasons.UNREACHABLE, f"Prometheus at {shown(address)} cannot be reached: {cause(error)}"
            )
        server.missed = 0
        return result

    async def _ask(
        self, server: _Address, address: str, form: dict[str, str], read: Callable[[bytes, str], Answer]
    ) -> Answer | SourceDown:
        """Ask by POST, whose body takes queries of any length; by GET where a proxy takes no POST."""
        if server.takes_post:
            status, body = await self._answer("POST", address, form)
            if status in _NO_POST:
                status, body = await self._answer("GET", address, form)
                server.takes_post = status in _NO_POST
        else:
            status, body = await self._answer("GET", address, form)
        if isinstance(body, SourceDown):
            return body
        if status != 200:
            return refused(status, body, address)
        if len(body) <= READ_AT_ONCE:
            return read(body, address)
        return await asyncio.get_running_loop().run_in_executor(self._reading, read, body, address)

    async def _answer(
        self, method: str, address: str, form: dict[str, str]
    ) -> tuple[int, bytes | SourceDown]:
        """As ``_answer_once``, again where a connection that was kept had been closed meanwhile."""
        try:
            return await self._answer_once(method, address, form)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            return await self._answer_once(method, address, form)

    async def _answer_once(
        self, method: str, address: str, form: dict[str, str]
    ) -> tuple[int, bytes | SourceDown]:
        """Status and body of one answer; the body is cut off, and never unpacked."""
        headers = self._access.headers(address)
        if isinstance(headers, SourceDown):
            return 0, headers
        self._count()
        url = f"{address.rstrip('/')}/api/v1/query"
        posts, data = method == "POST", None
        if posts:  # as aiohttp encodes forms, at a tenth of the cost
            data = yarl.URL.build(query=form).raw_query_string.encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        async with self._connected().request(
            method,
            url,
            headers=headers,
            data=data,
            params=None if posts else form,
            allow_redirects=False,
        ) as answer:
            if answer.headers.get("Content-Encoding", "identity") != "identity":
                message = f"the answer of {shown(address)} is compressed, which was not asked for"
                return answer.status, SourceDown(reasons.BAD_ANSWER, message)
            body = bytearray()
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > MOST_BYTES:
                    message = f"the answer of {shown(address)} is longer than {MOST_BYTES >> 20} MiB"
                    return answer.status, SourceDown(reasons.BAD_ANSWER, message)
            return answer.status, bytes(body)

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=CONNECTIONS, limit_per_host=CONNECTIONS_EACH, keepalive_timeout=IDLE_SECONDS
                ),
                headers={"Accept-Encoding": "identity", "Accept": "application/json"},
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),  # the deadline is ours, over all that it takes
                auto_decompress=False,
            )
        return self._session

    def _remembered(self, address: str) -> _Address:
        return self._addresses.setdefault(address, _Address())

    def _missed(self, server: _Address, address: str) -> SourceDown:
        server.missed += 1
        if server.missed >= MISSES:
            server.paused_until = self._monotonic() + PAUSE_SECONDS
        return SourceDown(
            reasons.TIMEOUT, f"Prometheus at {shown(address)} gave no answer in {self._deadline:g} s"
        )


def cause(error: Exception) -> str:
    """Why there was no answer, in words that are not the other side's."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "its name is not known"
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not trusted"
        case aiohttp.ClientSSLError():
            return "TLS failed"
        case aiohttp.ClientConnectorError():
            return os.strerror(error.os_error.errno) if error.os_error.errno else "no connection"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return "it closed the connection"
        case aiohttp.ClientError():
            return "it does not speak HTTP as it should"
        case _:
            return "the request could not be made"
