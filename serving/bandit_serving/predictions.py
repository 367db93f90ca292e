"""Prediction events: what is reported to the reward collector about each prediction."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp

from bandit_serving.delivery import BatchSender
from bandit_serving.logs import get_logger
from bandit_serving.tokens import TokenFile

log = get_logger(__name__)


class PredictionEvents:
    """Queues one event ``{id, route, arm, outputs, time}`` for each predicted row and delivers them."""

    def __init__(
        self,
        collector: str,
        *,
        route: str,
        arm: str,
        outputs: tuple[str, ...] = ("predict",),
        capacity: int = 100_000,
        token: TokenFile | None = None,
        shadow: bool = False,
    ) -> None:
        """Prepare events of one arm.

        Args:
            collector: Base URL of the reward collector.
            route: Name under which the arms of one model are compared.
            arm: This arm's name.
            outputs: Names of the outputs that the reward function needs, whatever the client asked for.
            capacity: Most events that wait in memory; beyond it events are dropped and counted.
            token: Has the bearer token that the collector asks for.
            shadow: No user sees the answers: they belong to copies of requests.
        """
        self.sender: BatchSender | None = None
        """The queue and its counters; None outside ``delivering``."""
        self.outputs = outputs
        """Names of the outputs that each event carries."""
        self._url = collector.rstrip("/") + "/v1/predictions"
        self._route, self._arm = route, arm
        self._capacity, self._token = capacity, token
        self._marks = {"shadow": True} if shadow else {}

    def add(self, request_id: str, rows: list[dict[str, Any]]) -> None:
        """Queue the events of one request.

        A request with one row is known by its id; row i of a larger one by "ID/i".

        Args:
            request_id: Id of the request.
            rows: Outputs of each row by output name.
        """
        if self.sender is None:
            return
        now = time.time()
        for i, outputs in enumerate(rows):
            row_id = request_id if len(rows) == 1 else f"{request_id}/{i}"
            event = {"id": row_id, "route": self._route, "arm": self._arm, "outputs": outputs, "time": now}
            self.sender.put(event | self._marks)

    def open(self, client: aiohttp.ClientSession) -> BatchSender:
        """Return the queue, which events go to from now on, to be run by the caller."""
        self.sender = BatchSender(client, self._url, capacity=self._capacity, token=self._token)
        return self.sender

    def abandon(self) -> None:
        """Say how many events nobody delivers any more."""
        if self.sender is not None and self.sender.pending:
            log.error("prediction events lost", events=self.sender.pending, url=self.sender.url)


@contextlib.asynccontextmanager
async def delivering(events: Sequence[PredictionEvents], flush_timeout: float) -> AsyncIterator[None]:
    """Deliver in the background; on leaving, deliver what is left within the timeout in seconds."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10.0)) as client:
        senders = [one.open(client) for one in events]
        tasks = [asyncio.create_task(sender.run()) for sender in senders]
        try:
            yield
        finally:
            for sender in senders:
                sender.close()
            _, late = await asyncio.wait(tasks, timeout=flush_timeout)
            for task in late:
                task.cancel()
            for one in events:
                one.abandon()
