"""When resources are looked at."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from bandit_operator.runtime import scheduler as scheduler_module
from bandit_operator.runtime.scheduler import Requeue, Scheduler

Scheduling = Callable[..., AbstractAsyncContextManager[Scheduler]]

KEY = ("models", "income")


@pytest.fixture
def scheduling() -> Scheduling:
    """A scheduler that runs while the block does."""

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


async def test_a_resource_with_an_unexpected_error_is_looked_at_again_and_the_others_go_on(
    scheduling: Scheduling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler_module, "RETRY_SECONDS", 0.05)
    good, again = asyncio.Event(), asyncio.Event()
    ticks: list[bool] = []

    async def work(key: Any, tick: Any) -> None:
        if key != KEY:
            good.set()
            return
        ticks.append(tick)
        if len(ticks) == 2:
            again.set()
        raise ZeroDivisionError

    async with scheduling(work) as scheduler:
        scheduler.wake(KEY)
        await asyncio.wait_for(again.wait(), 5)
        scheduler.wake(("models", "other"))
        await asyncio.wait_for(good.wait(), 5)
    assert ticks[:2] == [False, True]


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


def resource(number: int) -> tuple[str, str]:
    return ("models", f"income-{number}")


async def test_passes_that_must_wait_begin_together_and_stay_together(scheduling: Scheduling) -> None:
    turn = 0
    beginnings: list[int] = []
    """The turn of the event loop in which each pass began."""
    done = asyncio.Event()

    async def work(key: Any, _tick: Any) -> None:
        beginnings.append(turn)
        for _ in range(1 + int(key[1].split("-")[1]) % 4):  # each ends in a turn of its own
            await asyncio.sleep(0)
        if len(beginnings) == 20:
            done.set()

    async def count() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    async with scheduling(work) as scheduler:  # four at once
        for number in range(20):
            scheduler.start(resource(number))
        await asyncio.wait_for(done.wait(), 5)
    counting.cancel()
    assert len(set(beginnings)) <= 20 / 2  # two of four slots are free before the next begin


async def test_passes_that_never_end_hold_up_nobody_else(scheduling: Scheduling) -> None:
    looked_at: set[Any] = set()
    done = asyncio.Event()

    async def work(key: Any, _tick: Any) -> None:
        if key in map(resource, range(3)):  # of four slots
            await asyncio.Event().wait()
        looked_at.add(key)
        if len(looked_at) == 17:
            done.set()

    async with scheduling(work) as scheduler:
        for number in range(20):
            scheduler.start(resource(number))
        await asyncio.wait_for(done.wait(), 5)


async def test_passes_that_are_dropped_while_they_wait_leave_their_slots_to_others(
    scheduling: Scheduling,
) -> None:
    looked_at: asyncio.Queue[Any] = asyncio.Queue()
    begun = 0

    async def work(key: Any, _tick: Any) -> None:
        nonlocal begun
        begun += 1
        if key[1] != "last":
            await asyncio.Event().wait()
        await looked_at.put(key)

    async def all_slots_are_taken() -> None:
        while begun < 4:
            await asyncio.sleep(0)

    async with scheduling(work) as scheduler:
        for number in range(20):
            scheduler.start(resource(number))
        await asyncio.wait_for(all_slots_are_taken(), 5)
        await scheduler.drop(lambda key: key[1] != "last")
        scheduler.start(("models", "last"))
        assert await asyncio.wait_for(looked_at.get(), 5) == ("models", "last")
        assert begun == 5
