"""When each resource is looked at: one task, a heap of due times.

A resource is due once each of its windows is complete (``core.windows.next_tick``), and whenever
something that it depends on was seen to change. One resource is never worked on twice at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import heapq
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from bandit_operator.api.references import Key

log = structlog.get_logger()

SETTLE_WAKE_SECONDS = 0.05
"""Changes within this time are looked at together."""
TOGETHER_SECONDS = 0.005
"""What is due within this time is begun together; never before it is due."""
LONGEST_SLEEP = 10.0
"""The loop turns at least this often, which is what the health check looks at."""
RETRY_SECONDS = 15.0
"""After an unexpected error a resource is left alone for this long."""


@dataclass(frozen=True, slots=True)
class Requeue:
    """When a resource is due again."""

    after: float
    """Seconds from now."""
    tick: bool
    """Whether a window is then due."""


Work = Callable[[Key, bool], Awaitable[Requeue | None]]
"""Look at one resource; the flag says whether its tick is due. None: it is gone."""


class Scheduler:
    """Calls ``work`` for each resource when it is due."""

    def __init__(self, work: Work, concurrency: int, monotonic: Callable[[], float]) -> None:
        self._work = work
        self._monotonic = monotonic
        self._slots = asyncio.Semaphore(concurrency)
        self._heap: list[tuple[float, int, Key]] = []
        self._order = itertools.count()
        self._due: dict[Key, tuple[float, bool]] = {}
        self._running: dict[Key, asyncio.Task[Requeue | None]] = {}
        self._changed = asyncio.Event()
        self.turned_at = monotonic()
        """When the loop turned last, by the monotonic clock."""

    def __len__(self) -> int:
        """How many due times are kept, those that a change has overtaken included."""
        return len(self._heap)

    def wake(self, key: Key) -> None:
        """Look at a resource soon, because something that it depends on has changed."""
        self._schedule(key, SETTLE_WAKE_SECONDS, tick=False)

    def start(self, key: Key) -> None:
        """Look at a resource soon and, as far as one is due, read its window."""
        self._schedule(key, SETTLE_WAKE_SECONDS, tick=True)

    async def drop(self, dropped: Callable[[Key], bool]) -> None:
        """Forget the due times of these resources, and end what is under way, as when a lease is lost."""
        for key in [key for key in self._due if dropped(key)]:
            del self._due[key]
        self._heap = [entry for entry in self._heap if entry[2] in self._due]
        heapq.heapify(self._heap)
        ending = [task for key, task in self._running.items() if dropped(key)]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            while True:
                self.turned_at = self._monotonic()
                self._changed.clear()
                delay = self._start_due()
                # Not asyncio.wait_for: before Python 3.12 it can swallow a cancellation
                # (https://github.com/python/cpython/issues/86296).
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(delay):
                        await self._changed.wait()
        finally:
            for task in self._running.values():
                task.cancel()

    def _schedule(self, key: Key, seconds: float, *, tick: bool) -> None:
        due = self._monotonic() + seconds
        before = self._due.get(key)
        if before is not None and before[0] <= due:
            self._due[key] = (before[0], tick or before[1])
            return
        self._due[key] = (due, tick)
        heapq.heappush(self._heap, (due, next(self._order), key))
        self._changed.set()

    def _start_due(self) -> float:
        """Start what is due; the seconds until the next is."""
        now = self._monotonic()
        while self._heap and self._heap[0][0] <= now:
            _, _, key = heapq.heappop(self._heap)
            if key in self._running or key not in self._due or self._due[key][0] > now:
                continue  # looked at right now, or due at another time by now
            _, tick = self._due.pop(key)
            task = asyncio.create_task(self._look(key, tick))
            task.add_done_callback(functools.partial(self._looked, key))
            self._running[key] = task
        return min(LONGEST_SLEEP, self._heap[0][0] - now + TOGETHER_SECONDS) if self._heap else LONGEST_SLEEP

    async def _look(self, key: Key, tick: bool) -> Requeue | None:
        try:
            async with self._slots:
                return await self._work(key, tick)
        except Exception:
            log.exception("unexpected error", namespace=key[0], name=key[1])
            return Requeue(RETRY_SECONDS, tick=True)

    def _looked(self, key: Key, looked: asyncio.Task[Requeue | None]) -> None:
        """Also of one that was cancelled before it had begun, of which nothing else is ever run."""
        del self._running[key]
        requeue = None if looked.cancelled() else looked.result()
        missed = self._due.pop(key, None)  # woken while it was looked at, also after it was dropped
        if requeue is not None:
            self._schedule(key, requeue.after, tick=requeue.tick)
        if missed is not None:
            self._schedule(key, max(0.0, missed[0] - self._monotonic()), tick=missed[1])
