"""How long samples are waited for is found from those that come late, unless the user says it."""

from __future__ import annotations

import dataclasses
from typing import Any

from bandit_operator.core.model import SourceDown
from bandit_operator.core.windows import FIRST_SETTLE, LONGEST_SETTLE
from bandit_operator.reconcile.observe import WindowRead
from tests.support.fake_rewards import FakeRewards
from tests.support.playing import Start
from tests.support.process import Process

COUNTERS = {"successes": "good_total", "trials": "all_total"}


class Late(FakeRewards):
    """Samples of the window before have always come after that was read."""

    async def rewards(self, *arguments: Any, **others: Any) -> WindowRead | SourceDown:
        read = await super().rewards(*arguments, **others)
        return dataclasses.replace(read, late=True) if isinstance(read, WindowRead) else read


class WithLateSamples(Process):
    """A process whose Prometheus is slow."""

    def make_observer(self) -> FakeRewards:
        return Late.__new__(Late)


def settle(one: Process) -> float:
    return one.reconciler._tracked[one.key].settle


async def test_it_is_short_where_samples_come_in_time(process: Start) -> None:
    one = process(reward={"prometheus": COUNTERS})
    await one.look(tick=True)
    await one.tick(10)
    assert settle(one) == FIRST_SETTLE


async def test_it_doubles_while_samples_come_late_to_what_staleness_allows() -> None:
    one = WithLateSamples(reward={"prometheus": COUNTERS})
    await one.look(tick=True)
    found = []
    for _ in range(8):
        await one.tick(2)
        found.append(settle(one))
    assert found[0] >= 2 * FIRST_SETTLE
    assert found == sorted(found)
    assert found[-1] == min(LONGEST_SETTLE, 300.0 - 30.0)


async def test_what_the_user_says_stays() -> None:
    one = WithLateSamples(reward={"prometheus": {**COUNTERS, "settle": "7s"}})
    await one.look(tick=True)
    await one.tick(4)
    assert settle(one) == 7.0
