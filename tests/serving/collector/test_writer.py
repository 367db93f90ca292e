"""The thread that commits: acknowledgement, back-pressure and failure."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from bandit_serving.collector.events import Event, Label, Prediction
from bandit_serving.collector.joiner import Joiner
from bandit_serving.collector.stores import open_store
from bandit_serving.collector.writer import Writer
from bandit_serving.errors import BadRequest, Overloaded
from bandit_serving.rewards import RouteRewards, make_reward

REWARDS = RouteRewards({}, make_reward("accuracy", {}))


class HeldJoiner(Joiner):
    """A joiner whose transactions begin only when the test lets them, and fail when it says so."""

    def __init__(self, path: Path) -> None:
        super().__init__(open_store(str(path)), REWARDS)
        self.let_go = threading.Event()
        self.fails = False

    def apply(self, events: Sequence[Event], now: float) -> None:
        self.let_go.wait()
        if self.fails:
            raise sqlite3.OperationalError("disk I/O error")
        super().apply(events, now)


def labels(*numbers: int) -> list[Label]:
    return [Label("r", str(number), json.dumps(1), 0.0) for number in numbers]


async def test_more_than_can_wait_is_refused_and_what_waits_is_committed(tmp_path: Path) -> None:
    joiner = HeldJoiner(tmp_path / "db")
    writer = Writer(joiner, most_waiting=3)
    writer.start()
    first = asyncio.create_task(writer.write(labels(1, 2)))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="2 events wait to be written; send this batch again later"):
        await writer.write(labels(3, 4))
    assert writer.waiting == 2
    assert not first.done()
    joiner.let_go.set()
    await first
    await writer.write(labels(3, 4, 5, 6))  # larger than the limit, yet taken when nothing waits
    assert writer.waiting == 0
    await writer.stop()
    assert set(joiner.counters.values()) == {6}


async def test_a_failed_transaction_is_told_to_all_who_wait_for_it_and_the_thread_lives_on(
    tmp_path: Path,
) -> None:
    joiner = HeldJoiner(tmp_path / "db")
    writer = Writer(joiner)
    writer.start()
    joiner.fails = True
    joiner.let_go.set()
    results = await asyncio.gather(writer.write(labels(1)), writer.write(labels(2)), return_exceptions=True)
    assert [type(result) for result in results] == [sqlite3.OperationalError] * 2
    joiner.fails = False
    await writer.write(labels(1))
    assert writer.alive
    await writer.stop()
    assert not writer.alive


async def test_only_the_submission_at_fault_is_refused_when_several_share_a_transaction(
    tmp_path: Path,
) -> None:
    joiner = HeldJoiner(tmp_path / "db")
    writer = Writer(joiner)
    writer.start()
    joiner.let_go.set()
    await writer.write([Prediction("r", "1", "a", json.dumps({"predict": True}), 0.0)])
    joiner.let_go.clear()
    first = asyncio.create_task(writer.write(labels(9)))  # is waited for, so that the others share the next
    others = [asyncio.create_task(writer.write(labels(number))) for number in (1, 2, 3)]
    await asyncio.sleep(0)
    joiner.let_go.set()
    await first
    results = await asyncio.gather(*others, return_exceptions=True)
    await writer.stop()
    assert [type(result) for result in results] == [BadRequest, type(None), type(None)]
    assert {key.name: value for key, value in joiner.counters.items()} == {"predictions": 1, "labels": 3}


async def test_expiry_runs_beside_the_writes(tmp_path: Path) -> None:
    joiner = Joiner(open_store(str(tmp_path / "db")), REWARDS)
    now = [0.0]
    writer = Writer(joiner, expire_after=10.0, expire_interval=0.01, clock=lambda: now[0])
    writer.start()
    await writer.write(labels(1, 2, 3))
    now[0] = 11.0
    async with asyncio.timeout(20):
        while {key.name: value for key, value in joiner.counters.items()}.get("expired_labels") != 3:
            await asyncio.sleep(0.01)
    await writer.stop()
