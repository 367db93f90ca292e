"""Queries to Prometheus, with a deadline that holds.

``prometheus-api-client`` is synchronous and its timeout is a timeout per read, so a server
that trickles holds it for ever. Each address therefore has a few threads of its own, every
query a hard deadline, and an address that keeps missing it is left alone for a while.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util.retry import Retry

from bandit_operator.core import reasons
from bandit_operator.core.model import SourceDown
from bandit_operator.sources import Sample
from bandit_operator.sources.resets import Series

THREADS = 4
"""Most queries under way to one address."""
MISSES = 3
"""Deadlines missed in a row before an address is left alone."""
PAUSE_SECONDS = 15.0
"""How long it is left alone; then one query tries again."""


Element = TypeVar("Element")
"""What one element of an answer is read into."""


@dataclass
class _Address:
    connection: PrometheusConnect
    threads: ThreadPoolExecutor
    missed: int = 0
    paused_until: float = field(default=0.0)


class Prometheus:
    """Instant queries against any number of Prometheus servers.

    Args:
        deadline: Longest wait for an answer, seconds.
        monotonic: A clock that never jumps, seconds.
        headers: Gives the request headers, such as a bearer token, again for each query.
    """

    def __init__(
        self,
        deadline: float = 5.0,
        monotonic: Callable[[], float] = time.monotonic,
        headers: Callable[[], dict[str, str]] = dict,
    ) -> None:
        self._deadline = deadline
        self._monotonic = monotonic
        self._headers = headers
        self._addresses: dict[str, _Address] = {}

    async def query(self, address: str, promql: str, at: float) -> list[Sample] | SourceDown:
        """Evaluate a query at a time, seconds since the Unix epoch.

        Returns:
            The elements of the instant vector, possibly none, or why there is no answer.
        """
        return await self._within_deadline(address, promql, at, _sample)

    async def series(self, address: str, promql: str, at: float) -> list[Series] | SourceDown:
        """As ``query``, for a range vector: the series with all their samples."""
        return await self._within_deadline(address, promql, at, _series)

    def close(self) -> None:
        """Let go of all threads without waiting for answers that may never come."""
        for server in self._addresses.values():
            server.threads.shutdown(wait=False, cancel_futures=True)

    async def _within_deadline(
        self, address: str, promql: str, at: float, read: Callable[[Any], Element]
    ) -> list[Element] | SourceDown:
        server = self._addresses.get(address) or self._open(address)
        if self._monotonic() < server.paused_until:
            return SourceDown(
                reasons.TIMEOUT,
                f"Prometheus at {address} missed {server.missed} deadlines and is left alone for a while",
            )
        loop = asyncio.get_running_loop()
        answer = loop.run_in_executor(server.threads, self._run, server.connection, promql, at, read)
        try:
            async with asyncio.timeout(self._deadline):
                result = await answer
        except TimeoutError:
            return self._missed(server, address)
        server.missed = 0
        return result

    def _open(self, address: str) -> _Address:
        # Its own timeout only frees the thread; the deadline that counts is ours, and comes first.
        connection = PrometheusConnect(address, retry=Retry(total=0), timeout=2 * self._deadline)
        server = _Address(connection, ThreadPoolExecutor(THREADS, thread_name_prefix="prometheus"))
        self._addresses[address] = server
        return server

    def _missed(self, server: _Address, address: str) -> SourceDown:
        server.missed += 1
        if server.missed >= MISSES:
            server.paused_until = self._monotonic() + PAUSE_SECONDS
            server.threads.shutdown(wait=False, cancel_futures=True)  # its threads may hang for ever
            server.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="prometheus")
        return SourceDown(reasons.TIMEOUT, f"Prometheus at {address} gave no answer in {self._deadline:g} s")

    def _run(
        self, connection: PrometheusConnect, promql: str, at: float, read: Callable[[Any], Element]
    ) -> list[Element] | SourceDown:
        url = connection.url
        try:
            connection.headers = self._headers() or None
            # POST would be neater for long queries, and this client puts them into the URL all the same.
            result = connection.custom_query(promql, params={"time": f"{at:.3f}"})
            return [read(element) for element in result]
        except PrometheusApiClientException as error:
            return SourceDown(reasons.BAD_ANSWER, f"Prometheus at {url} refused the query: {error}")
        except requests.exceptions.JSONDecodeError:
            return SourceDown(
                reasons.BAD_ANSWER, f"what answers at {url} is not Prometheus: its answer is not JSON"
            )
        except requests.exceptions.RequestException as error:
            return SourceDown(reasons.UNREACHABLE, f"Prometheus at {url} cannot be reached: {_cause(error)}")
        except (KeyError, TypeError, ValueError) as error:
            return SourceDown(
                reasons.BAD_ANSWER, f"the answer of {url} is not of the kind that was asked for: {error!r}"
            )


def _sample(element: Any) -> Sample:
    """One element; a scalar's answer has another shape and raises."""
    return Sample(labels=dict(element["metric"]), value=float(element["value"][1]))


def _series(element: Any) -> Series:
    """One series of a range vector."""
    points = [(float(time), float(value)) for time, value in element["values"]]
    return Series(labels=dict(element["metric"]), samples=points)


def _cause(error: BaseException) -> str:
    """The innermost reason, without the addresses of objects that urllib3 puts into its texts."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    text = str(reason or error)
    return text.rsplit(": ", 1)[-1]
