"""When resources are looked at."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from bandit_operator.runtime.scheduler import Requeue, Scheduler

Scheduling = Callable[..., AbstractAsyncContextManager[Scheduler]]

KEY = ("models", "income")


@pytest.fixture
def scheduling() -> Scheduling:
    """A scheduler that runs while the block does, and the calls that it made."""

    @asynccontextmanager
    async def run(work: Any) -> AsyncIterator[Scheduler]:
        scheduler = Scheduler(work, concurrency=4, monotonic=time.monotonic)
        task = asyncio.create_task(scheduler.run())
        try:
            yield scheduler
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return run


async def test_a_tick_is_a_tick_and_a_wake_is_not(
    scheduling: Scheduling,
) -> None:
    calls: asyncio.Queue[Any] = asyncio.Queue()

    async def work(key: Any, tick: Any) -> None:
        await calls.put((key, tick))

    async with scheduling(work) as scheduler:
        scheduler.wake(KEY)
        assert await asyncio.wait_for(calls.get(), 5) == (KEY, False)
        scheduler.start(KEY)
        assert await asyncio.wait_for(calls.get(), 5) == (KEY, True)


async def test_changes_that_come_together_are_looked_at_once(
    scheduling: Scheduling,
) -> None:
    calls: asyncio.Queue[Any] = asyncio.Queue()

    async def work(_key: Any, tick: Any) -> Requeue | None:
        await calls.put(tick)
        return Requeue(0.05, tick=True) if calls.qsize() == 1 else None

    async with scheduling(work) as scheduler:
        for _ in range(20):
            scheduler.wake(KEY)
        assert [await asyncio.wait_for(calls.get(), 5) for _ in range(2)] == [False, True]
        assert calls.empty()


async def test_one_resource_is_never_worked_on_twice_at_once(
    scheduling: Scheduling,
) -> None:
    working, most, done = 0, 0, asyncio.Event()
    seen = 0

    async def work(_key: Any, _tick: Any) -> None:
        nonlocal working, most, seen
        working += 1
        most = max(most, working)
        await asyncio.sleep(0)
        scheduler.wake(KEY)  # a change while it is looked at
        await asyncio.sleep(0.01)
        working -= 1
        seen += 1
        if seen == 5:
            done.set()

    async with scheduling(work) as scheduler:
        scheduler.wake(KEY)
        await asyncio.wait_for(done.wait(), 5)
    assert most == 1


async def test_an_unexpected_error_in_one_resource_leaves_the_others_running(
    scheduling: Scheduling,
) -> None:
    good = asyncio.Event()

    async def work(key: Any, _tick: Any) -> None:
        if key != KEY:
            good.set()
            return
        raise ZeroDivisionError

    async with scheduling(work) as scheduler:
        scheduler.wake(KEY)
        scheduler.wake(("models", "other"))
        await asyncio.wait_for(good.wait(), 5)


async def test_dropped_due_times_do_not_come_back(
    scheduling: Scheduling,
) -> None:
    calls: asyncio.Queue[Any] = asyncio.Queue()

    async def work(key: Any, _tick: Any) -> None:
        await calls.put(key)

    async with scheduling(work) as scheduler:
        scheduler.wake(KEY)
        await scheduler.drop(lambda key: key == KEY)
        scheduler.wake(("models", "other"))
        assert await asyncio.wait_for(calls.get(), 5) == ("models", "other")
        assert calls.empty()


async def test_what_is_dropped_is_over_when_it_is_said_to_be_and_what_came_meanwhile_is_looked_at(
    scheduling: Scheduling,
) -> None:
    calls: asyncio.Queue[Any] = asyncio.Queue()
    over = False

    async def work(key: Any, _tick: Any) -> None:
        nonlocal over
        await calls.put(key)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            scheduler.wake(key)
            over = True

    async with scheduling(work) as scheduler:
        scheduler.wake(KEY)
        await asyncio.wait_for(calls.get(), 5)
        await scheduler.drop(lambda key: key == KEY)
        assert over
        assert await asyncio.wait_for(calls.get(), 5) == KEY


async def test_what_is_dropped_before_it_has_begun_is_looked_at_again_later(
    scheduling: Scheduling,
) -> None:
    other = ("models", "other")
    calls: asyncio.Queue[Any] = asyncio.Queue()

    async def work(key: Any, _tick: Any) -> None:
        if key == KEY:  # both are due, and this one is begun first
            await scheduler.drop(lambda key: key == other)
        await calls.put(key)

    async with scheduling(work) as scheduler:
        scheduler.start(KEY)
        scheduler.start(other)
        assert await asyncio.wait_for(calls.get(), 5) == KEY
        scheduler.start(other)
        assert await asyncio.wait_for(calls.get(), 5) == other


async def test_many_changes_keep_one_due_time() -> None:
    async def work(_key: Any, _tick: Any) -> None:
        pass

    scheduler = Scheduler(work, concurrency=4, monotonic=time.monotonic)
    for _ in range(1000):
        scheduler.wake(KEY)
    assert len(scheduler) == 1
