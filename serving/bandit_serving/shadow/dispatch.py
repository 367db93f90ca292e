"""A bounded queue of copies, and the tasks that have each scored by every arm."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aiohttp

from bandit_serving.logs import get_logger
from bandit_serving.shadow.arms import Arm
from bandit_serving.shadow.copies import Copy

log = get_logger(__name__)


class Dispatcher:
    """Takes a copy only where there is room, so that nobody ever waits for an arm."""

    def __init__(self, arms: Sequence[Arm], *, in_flight: int, queue: int, most_bytes: int) -> None:
        """Prepare; ``start`` starts.

        Args:
            arms: Every copy is scored by each.
            in_flight: Most copies that arms are asked about at once.
            queue: Most copies that wait.
            most_bytes: Most bytes of the bodies of all of them.
        """
        self._arms, self._in_flight = arms, in_flight
        self._most, self._most_bytes = queue + in_flight, most_bytes
        self._copies = self._bytes = 0
        self._queue: asyncio.Queue[Copy] = asyncio.Queue()
        self._workers: list[asyncio.Task[None]] = []

    def offer(self, copy: Copy) -> bool:
        """Take a copy; False where there is no room."""
        if self._copies >= self._most or self._bytes + len(copy.body) > self._most_bytes:
            return False
        self._copies += 1
        self._bytes += len(copy.body)
        self._queue.put_nowait(copy)
        return True

    def start(self, client: aiohttp.ClientSession) -> None:
        """Start to ask the arms through a client."""
        self._workers = [asyncio.create_task(self._work(client)) for _ in range(self._in_flight)]

    async def stop(self, timeout: float) -> int:
        """Finish what was taken within a time in seconds, and return how many copies are left undone."""
        try:
            async with asyncio.timeout(timeout):
                await self._queue.join()
        except TimeoutError:
            self.abandon()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        return self._copies

    def abandon(self) -> None:
        """Say how many copies nobody scores any more."""
        if self._copies:
            log.error("copies not scored", copies=self._copies)

    async def _work(self, client: aiohttp.ClientSession) -> None:
        while True:
            copy = await self._queue.get()
            scores = (arm.score(client, copy) for arm in self._arms)
            for failure in await asyncio.gather(*scores, return_exceptions=True):
                if isinstance(failure, Exception):  # a fault in here must not end the worker
                    log.error("call failed", id=copy.id, exc_info=failure)
            self._copies -= 1
            self._bytes -= len(copy.body)
            self._queue.task_done()
