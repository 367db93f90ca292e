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
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog

from bandit_operator.api.references import Key

log = structlog.get_logger()

SETTLE_WAKE_SECONDS = 0.05
"""Changes within this time are looked at together."""
TOGETHER_SECONDS = 0.005
"""What is due within this time is begun together; never before it is due."""
FREE_SECONDS = 0.5
"""Longest that a free slot waits for others, so that passes that begin together stay together."""
SLOW_SECONDS = 2.0
"""A pass that takes longer is waited for by no free slot."""
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
        self._slots = _Slots(concurrency, monotonic)
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


class _Slots:
    """So many passes at once; where more are due, those that come next begin together.

    What passes ask for in one moment is asked by one request, and decided in one go. If each began as soon
    as one before it had ended, no two would ever do anything in the same moment.
    """

    def __init__(self, number: int, monotonic: Callable[[], float]) -> None:
        self._free = number
        self._monotonic = monotonic
        self._begun: dict[asyncio.Task[Any] | None, float] = {}
        """When those that have a slot began, by their task."""
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> None:
        if self._free and not self._waiting:
            self._free -= 1
        else:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():  # ended after it was given its slot
                    self._release()
                raise
        self._begun[asyncio.current_task()] = self._monotonic()

    async def __aexit__(self, *_: object) -> None:
        del self._begun[asyncio.current_task()]
        self._release()

    def _release(self) -> None:
        self._free += 1
        if not self._waiting:
            return
        slow = self._monotonic() - SLOW_SECONDS
        if self._free >= sum(begun > slow for begun in self._begun.values()):
            self._give()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FREE_SECONDS, self._give)

    def _give(self) -> None:
        """Let as many begin as there are free slots."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._free and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._free -= 1
