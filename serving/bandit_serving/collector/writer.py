"""The one thread that writes: gathers what arrives into transactions and reports each as committed."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence

from bandit_serving.collector.events import Event
from bandit_serving.collector.joiner import Joiner
from bandit_serving.errors import BadRequest, Overloaded
from bandit_serving.logs import get_logger

log = get_logger(__name__)

EVENTS_PER_TRANSACTION = 5000
_Submission = tuple[Sequence[Event], "asyncio.Future[None]"]


class Writer:
    """Commits batches of events in the order in which they were submitted."""

    def __init__(
        self,
        joiner: Joiner,
        *,
        most_waiting: int = 50_000,
        expire_after: float = 14 * 86400.0,
        expire_interval: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare the thread; ``start`` starts it.

        Args:
            joiner: Where events go; used by the thread only, and closed by it.
            most_waiting: Most events that wait in memory; beyond it clients are asked to come again.
            expire_after: Age in seconds at which a half without its other half expires.
            expire_interval: Seconds between looks at what has expired.
            clock: Gives the Unix time in seconds.
        """
        self.waiting = 0
        """Events submitted and not committed yet."""
        self._joiner, self._clock = joiner, clock
        self._most_waiting = most_waiting
        self._expire_after, self._expire_interval = expire_after, expire_interval
        self._queue: queue.SimpleQueue[_Submission | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer")
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def alive(self) -> bool:
        """Whether the thread is there to commit."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread; call from the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def write(self, events: Sequence[Event]) -> None:
        """Return once the events are committed.

        Raises:
            Overloaded: Too much waits already; nothing of this was taken.
            BadRequest: These events cannot be stored as they are; none of them was.
            Exception: The database refused the transaction; nothing of it was stored.
        """
        if self.waiting + len(events) > self._most_waiting and self.waiting:
            raise Overloaded(f"{self.waiting} events wait to be written; send this batch again later")
        assert self._loop is not None
        done: asyncio.Future[None] = self._loop.create_future()
        self.waiting += len(events)
        try:
            self._queue.put((events, done))
            await asyncio.shield(done)
        finally:
            self.waiting -= len(events)

    async def stop(self) -> None:
        """Commit what waits and end the thread."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        due = time.monotonic() + self._expire_interval
        stopping = False
        while not stopping:
            submissions, stopping = self._gather(max(0.0, due - time.monotonic()))
            if submissions:
                self._commit(submissions)
            if time.monotonic() >= due:
                more = self._expire()
                due = time.monotonic() + (0.0 if more else self._expire_interval)
        self._joiner.close()

    def _gather(self, timeout: float) -> tuple[list[_Submission], bool]:
        """Wait for a submission, take what else is there, and say whether the end was among it."""
        submissions: list[_Submission] = []
        events = 0
        while events < EVENTS_PER_TRANSACTION:
            try:
                item = self._queue.get(timeout=timeout) if not submissions else self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                return submissions, True
            submissions.append(item)
            events += len(item[0])
        return submissions, False

    def _commit(self, submissions: list[_Submission]) -> None:
        failure = self._apply(submissions)
        if isinstance(failure, BadRequest) and len(submissions) > 1:
            for submission in submissions:  # each by itself, so that only those at fault are refused
                self._commit([submission])
            return
        assert self._loop is not None
        self._loop.call_soon_threadsafe(_settle, [done for _, done in submissions], failure)

    def _apply(self, submissions: list[_Submission]) -> Exception | None:
        """Commit in one transaction; return what it failed by."""
        try:
            self._joiner.apply([event for events, _ in submissions for event in events], self._clock())
        except BadRequest as error:
            return error
        except Exception as error:
            log.exception("transaction failed", events=sum(len(events) for events, _ in submissions))
            return error
        return None

    def _expire(self) -> bool:
        """Expire what is overdue; True if there is more to do."""
        try:
            return self._joiner.expire(self._clock(), self._expire_after) >= 5000
        except Exception:
            log.exception("expiry failed")
            return False


def _settle(futures: list[asyncio.Future[None]], failure: Exception | None) -> None:
    for future in futures:
        if future.cancelled():
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)
