"""A line is measured once the operator is over the change that made it, and its records are made again."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bench.overhead import counters, scale
from bench.overhead.environment import Environment
from tests.support.process import Process

NO_ENVIRONMENT = cast(Environment, None)


class Clock:
    """Time that passes only in sleep()."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Say what the operator has counted at each look: ticks, and by how many seconds they were late."""

    def see(*counted: tuple[float, float]) -> None:
        found: Iterator[tuple[float, float]] = iter(counted)
        last = counted[-1]
        monkeypatch.setattr(scale, "time", Clock())
        monkeypatch.setattr(counters, "lateness", lambda _: next(found, last))

    return see


def test_ticks_that_begin_in_time_are_waited_for_no_longer(looks: Any) -> None:
    looks((100.0, 50.0), (200.0, 60.0))
    assert scale.await_in_time(NO_ENVIRONMENT) == 0


def test_a_backlog_is_waited_for(looks: Any) -> None:
    looks((0.0, 0.0), (100.0, 3000.0), (200.0, 3900.0), (300.0, 3950.0))
    assert scale.await_in_time(NO_ENVIRONMENT) == 2 * scale.LOOK_SECONDS


def test_an_operator_that_never_keeps_up_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scale, "time", Clock())
    late = iter(range(1000))
    monkeypatch.setattr(counters, "lateness", lambda _: (10.0 * (n := next(late)), 300.0 * n))
    assert scale.await_in_time(NO_ENVIRONMENT) is None


def test_decisions_on_record_are_made_again_and_those_that_differ_are_counted() -> None:
    one = Process()
    asyncio.run(one.tick(5))
    agrees = {**one.api.objects[one.path], "status": one.status}
    differs, new = copy.deepcopy(agrees), copy.deepcopy(agrees)
    differs["status"]["history"][0]["message"] = "for no reason"
    del new["status"]
    bench = SimpleNamespace(get=lambda _: {"items": [agrees, differs, new]})
    found = scale.replayed(cast(Environment, SimpleNamespace(bench=bench)))
    assert found["resources"] == 2
    assert found["decisions"] == 2 * len(agrees["status"]["history"])
    assert found["differ"] == 1
