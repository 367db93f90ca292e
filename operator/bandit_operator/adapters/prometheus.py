"""Queries to Prometheus: bounded in time, in size, in connections, and in who is asked.

The address may be a tenant's, and so may the server be. Every query has one deadline for all that it
takes, answers are cut off at a size, redirects are not followed, and an address that keeps missing the
deadline is left alone for a while.

Queries of several resources that are made in the same moment, for the same time and of the same address, are
one request (``adapters.joined``). Where that fails it is split, and whoever is to blame, because all others
got an answer, is asked alone from then on for a while. Together these attempts take a quarter of the
deadline at most; after that each is asked alone, with a deadline of its own.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import aiohttp

from bandit_operator.adapters import joined
from bandit_operator.adapters.access import Access, shown
from bandit_operator.adapters.answers import MOST_BYTES, refused, samples_in, series_in
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
JOINED_PART = 0.25
"""Part of the deadline that is spent on asking for several resources at once."""
ALONE_SECONDS = 300.0
"""How long a resource is asked for alone after its query failed, or was slow, where others got an answer."""
MOST_ALONE = 1024
"""Resources of which that is remembered."""
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


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A query that waits for its answer together with others."""

    promql: str
    about: str
    answer: asyncio.Future[list[Sample] | SourceDown]

    def give(self, answer: list[Sample] | SourceDown) -> None:
        """Answer it, unless nobody waits any more."""
        if not self.answer.done():
            self.answer.set_result(answer)


class Prometheus:
    """Queries to any number of Prometheus servers.

    Args:
        access: Who may be asked, and who gets the token.
        deadline: Longest wait for an answer, seconds.
        monotonic: A clock that never jumps, seconds.
    """

    def __init__(
        self, access: Access, deadline: float = 5.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._access = access
        self._deadline = deadline
        self._monotonic = monotonic
        self._addresses: OrderedDict[str, _Address] = OrderedDict()
        self._waiting: dict[tuple[str, float], list[_Asked]] = {}
        self._alone: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._asking: set[asyncio.Task[None]] = set()
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
        if about is None or not self._may_join(address, promql, about):
            return await self._within_deadline(address, promql, at, samples_in)
        loop = asyncio.get_running_loop()
        asked = _Asked(promql, about, loop.create_future())
        waiting = self._waiting.setdefault((address, at), [])
        waiting.append(asked)
        if len(waiting) == 1:
            loop.call_soon(self._send, address, at)
        return await asked.answer

    async def series(self, address: str, promql: str, at: float) -> list[Series] | SourceDown:
        """As ``query``, for a range vector: the series with all their samples."""
        return await self._within_deadline(address, promql, at, series_in)

    async def close(self) -> None:
        """Close all connections, without waiting for answers that may never come."""
        for task in self._asking:
            task.cancel()
        self._reading.shutdown(wait=False, cancel_futures=True)
        if self._session is not None:
            await self._session.close()

    def _may_join(self, address: str, promql: str, about: str) -> bool:
        if self._access.refusal(address) is not None or self._monotonic() < self._alone.get(
            (address, about), 0.0
        ):
            return False
        # An address that takes no POST is asked by its URL, which may not be long.
        return self._remembered(address).takes_post and joined.is_closed(promql)

    def _send(self, address: str, at: float) -> None:
        """Ask all that was offered in this moment."""
        waiting = self._waiting.pop((address, at))
        while waiting:
            number, characters = 1, len(waiting[0].promql)
            while number < min(len(waiting), joined.MOST_QUERIES):
                characters += len(waiting[number].promql)
                if characters > joined.MOST_CHARACTERS:
                    break
                number += 1
            batch, waiting = waiting[:number], waiting[number:]
            task = asyncio.create_task(self._ask_batch(address, at, batch))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def _ask_batch(self, address: str, at: float, batch: list[_Asked]) -> None:
        """Ask a batch, and answer everybody in it, whatever happens."""
        try:
            until = self._monotonic() + JOINED_PART * self._deadline
            failed = await self._ask_joined(address, at, batch, until)
            if len(failed) < len(batch):
                for one in failed:
                    self._ask_alone_from_now_on(address, one.about)
        except Exception as error:  # whatever it is, it is for those who wait
            for one in batch:
                if not one.answer.done():
                    one.answer.set_exception(error)
        finally:
            for one in batch:
                one.answer.cancel()

    async def _ask_joined(self, address: str, at: float, batch: list[_Asked], until: float) -> list[_Asked]:
        """Ask a batch by one query, else by halves; gives those that failed, or were slow, by themselves."""
        if len(batch) == 1:
            begun = self._monotonic()
            answer = await self._within_deadline(address, batch[0].promql, at, samples_in)
            batch[0].give(answer)
            slow = self._monotonic() - begun > JOINED_PART * self._deadline
            return batch if slow or isinstance(answer, SourceDown) else []

        def apart(body: bytes, address: str) -> list[list[Sample]] | SourceDown:
            samples = samples_in(body, address)
            if isinstance(samples, SourceDown):
                return samples
            try:
                return joined.taken_apart(samples, len(batch))
            except ValueError as error:
                return SourceDown(reasons.BAD_ANSWER, f"of the answer of {shown(address)}, {error}")

        left = until - self._monotonic()
        if left > 0:
            promql = joined.joined([one.promql for one in batch])
            together = await self._within_deadline(address, promql, at, apart, most=left)
            if not isinstance(together, SourceDown):
                for one, samples in zip(batch, together, strict=True):
                    one.give(samples)
                return []
            if together.reason not in (reasons.BAD_ANSWER, reasons.TIMEOUT):
                for one in batch:
                    one.give(together)
                return batch
            left = 0.0 if together.reason == reasons.TIMEOUT else left
        middle = len(batch) // 2
        parts = [batch[:middle], batch[middle:]] if left > 0 else [[one] for one in batch]
        failed = await asyncio.gather(*(self._ask_joined(address, at, part, until) for part in parts))
        return [one for part in failed for one in part]

    def _ask_alone_from_now_on(self, address: str, about: str) -> None:
        self._alone[address, about] = self._monotonic() + ALONE_SECONDS
        self._alone.move_to_end((address, about))
        if len(self._alone) > MOST_ALONE:
            self._alone.popitem(last=False)

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
        url = f"{address.rstrip('/')}/api/v1/query"
        async with self._connected().request(
            method,
            url,
            headers=headers,
            data=form if method == "POST" else None,
            params=None if method == "POST" else form,
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
        server = self._addresses.setdefault(address, _Address())
        self._addresses.move_to_end(address)
        if len(self._addresses) > MOST_ADDRESSES:
            self._addresses.popitem(last=False)
        return server

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
