"""Sends requests at a set rate whatever the answers do (an open loop), and labels after their delay."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import random
import time
import uuid
from collections.abc import Callable
from typing import Any

import aiohttp

from bandit_serving.delivery import BatchSender
from bandit_serving.logs import get_logger
from bandit_serving.replay.counters import Answer, Counters
from bandit_serving.replay.delay import Delay
from bandit_serving.replay.rows import Rows
from bandit_serving.tokens import TokenFile

log = get_logger(__name__)

LONGEST_SLEEP = 0.05  # seconds after which a change of rate or a stop is noticed at the latest
LABELS_KEPT = 5_000_000  # in memory, due but not acknowledged
_HEADERS = {"Content-Type": "application/json"}


class Replayer:
    """Plays a data set through a gateway; after its last row it starts again at the first.

    Every row is one request with an id of its own. A request that fails is counted and never sent again; a
    label is sent until the collector has acknowledged it. Labels are sent for answered requests only.
    """

    def __init__(
        self,
        rows: Rows,
        *,
        url: str,
        route: str,
        rate: float,
        labels: str | None = None,
        delay: Delay | None = None,
        seed: int = 0,
        timeout: float = 5.0,
        most_in_flight: int = 500,
        on_answer: Callable[[Answer], None] | None = None,
        token: TokenFile | None = None,
    ) -> None:
        """Prepare a replay; ``run`` runs it.

        Args:
            rows: The data set.
            url: Inference URL, e.g. http://gateway/v2/models/income/infer.
            route: Route of the labels, as the arms' prediction events have it.
            rate: Requests a second.
            labels: Base URL of the reward collector; None sends no labels.
            delay: From an answer to its label; none unless given.
            seed: Seed of the delays.
            timeout: Seconds after which a request has failed.
            most_in_flight: Requests under way at once; one that is due beyond it has failed without being
                sent.
            on_answer: Called in the event loop with what became of each request.
            token: Has the bearer token that the collector asks for.
        """
        self.rate = rate
        """Requests a second; may be changed at any time, 0 pauses."""
        self.counters = Counters()
        """Live counters of requests."""
        self._rows, self._url, self._route = rows, url, route
        self._labels_url = labels.rstrip("/") + "/v1/labels" if labels else None
        self._delay, self._rng = delay, random.Random(seed)
        self._timeout, self._most_in_flight, self._on_answer = timeout, most_in_flight, on_answer
        self._run_id = uuid.uuid4().hex[:12]
        self._requests: set[asyncio.Task[None]] = set()
        self._waiting: list[tuple[float, int, str, Any]] = []  # heap of labels: due, number, id, label
        self._sender: BatchSender | None = None
        self._token = token
        self._stopping = False
        self._given_up = asyncio.Event()

    def stop(self) -> None:
        """Send no more requests; ``run`` returns when all are answered and all labels acknowledged.

        May be called from any thread and from signal handlers.
        """
        self._stopping = True

    def give_up(self) -> None:
        """Let ``run`` return at once, whatever is under way; call from the event loop that it runs in."""
        self._stopping = True
        self._given_up.set()

    @property
    def labels_sent(self) -> int:
        """Labels that the collector has acknowledged."""
        return self._sender.delivered if self._sender else 0

    @property
    def labels_waiting(self) -> int:
        """Labels that are not due yet or not acknowledged yet."""
        return len(self._waiting) + (self._sender.pending if self._sender else 0)

    def snapshot(self) -> dict[str, Any]:
        """Return all live counters as JSON values."""
        return {
            **self.counters.snapshot(),
            "labels_sent": self.labels_sent,
            "labels_waiting": self.labels_waiting,
            "labels_rejected": self._sender.rejected if self._sender else 0,
            "rate": self.rate,
        }

    async def run(self, *, duration: float | None = None, requests: int | None = None) -> dict[str, Any]:
        """Replay until a limit is reached or ``stop`` is called, then settle what is under way.

        Args:
            duration: Seconds to send requests for; without end if None.
            requests: Most requests; without end if None.

        Returns:
            The final ``snapshot``.
        """
        # No limit of connections: a request that waits for one would hide how slow the gateway is.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30.0)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=_timeout(self._timeout)) as gateway,
            aiohttp.ClientSession(timeout=_timeout(10.0)) as collector,
        ):
            tasks = []
            if self._labels_url:
                self._sender = BatchSender(
                    collector, self._labels_url, capacity=LABELS_KEPT, linger=0.1, token=self._token
                )
                tasks = [asyncio.create_task(self._sender.run()), asyncio.create_task(self._release_labels())]
            given_up = asyncio.create_task(self._given_up.wait())
            work = asyncio.create_task(self._settle_all(gateway, tasks, duration, requests))
            try:
                await asyncio.wait({given_up, work}, return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    work.result()
            finally:
                for task in (given_up, work, *self._requests, *tasks):
                    task.cancel()
        return self.snapshot()

    async def _settle_all(
        self,
        gateway: aiohttp.ClientSession,
        tasks: list[asyncio.Task[None]],
        duration: float | None,
        requests: int | None,
    ) -> None:
        """Send requests, then await every answer and the acknowledgement of every label."""
        await self._send_requests(gateway, duration, requests)
        await asyncio.gather(*self._requests)
        self._stopping = True
        await asyncio.gather(*tasks)

    async def _send_requests(
        self, gateway: aiohttp.ClientSession, duration: float | None, requests: int | None
    ) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        end = due + duration if duration is not None else float("inf")
        numbers = itertools.count() if requests is None else iter(range(requests))
        while not self._stopping and (now := loop.time()) < end:
            rate = self.rate
            if rate > 0:
                while due <= now:
                    number = next(numbers, None)
                    if number is None:
                        return
                    self._send(gateway, number)
                    due += 1 / rate
            else:
                due = now
            await asyncio.sleep(
                min(max(due - loop.time(), 0.0), LONGEST_SLEEP) if rate > 0 else LONGEST_SLEEP
            )

    def _send(self, gateway: aiohttp.ClientSession, number: int) -> None:
        self.counters.requests_total += 1
        if len(self._requests) >= self._most_in_flight:
            row = number % len(self._rows)
            self._settle(Answer(f"{self._run_id}-{number}", row, None, 0.0, "too many in flight"))
            return
        task = asyncio.create_task(self._request(gateway, number))
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    async def _request(self, gateway: aiohttp.ClientSession, number: int) -> None:
        request_id, row = f"{self._run_id}-{number}", number % len(self._rows)
        values = self._rows.values[row].tolist()
        tensor = {"name": "features", "shape": [1, len(values)], "datatype": "FP64", "data": values}
        body = json.dumps({"id": request_id, "inputs": [tensor]}, separators=(",", ":")).encode()
        started = time.perf_counter()
        try:
            async with gateway.post(self._url, data=body, headers=_HEADERS, allow_redirects=False) as answer:
                content = await answer.read()
            succeeded = 200 <= answer.status < 300
            arm, failure = (_arm(content), None) if succeeded else (None, f"HTTP {answer.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            arm, failure = None, type(error).__name__
        seconds = time.perf_counter() - started
        if failure is None and self._sender is not None:
            self._await_label(number, request_id, self._rows.labels[row])
        self._settle(Answer(request_id, row, arm, seconds, failure))

    def _settle(self, answer: Answer) -> None:
        self.counters.add(answer)
        if self._on_answer is not None:
            self._on_answer(answer)

    def _await_label(self, number: int, request_id: str, label: Any) -> None:
        delay = self._delay.draw(self._rng) if self._delay else 0.0
        due = asyncio.get_running_loop().time() + delay
        heapq.heappush(self._waiting, (due, number, request_id, label))

    async def _release_labels(self) -> None:
        """Hand labels to the sender when they are due, until nothing more can come."""
        assert self._sender is not None
        loop = asyncio.get_running_loop()
        while self._waiting or self._requests or not self._stopping:
            while self._waiting and self._waiting[0][0] <= loop.time():
                _, _, request_id, label = heapq.heappop(self._waiting)
                self._sender.put(
                    {"id": request_id, "route": self._route, "label": label, "time": time.time()}
                )
            await asyncio.sleep(LONGEST_SLEEP)
        self._sender.close()


def _timeout(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds)


def _arm(content: bytes) -> str:
    """Return the arm that an inference response names, or "" if it names none."""
    try:
        arm = json.loads(content)["parameters"]["arm"]
    except (ValueError, KeyError, TypeError):
        return ""
    return arm if isinstance(arm, str) else ""
