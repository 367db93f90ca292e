"""What the windows that are due are read with, and what becomes of what is said about them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bandit_operator.api.v1alpha1 import parse, to_experiment
from bandit_operator.core import memory as memories
from bandit_operator.core.model import NoData, Observed, Window
from bandit_operator.reconcile.decisions import Decisions
from bandit_operator.reconcile.observe import Observer, WindowRead
from bandit_operator.reconcile.windows import catch_up
from bandit_operator.runtime.telemetry import Metrics
from bandit_operator.status.committed import Committed

INTERVAL, SETTLE = 30.0, 30.0


class Saying(Observer):
    """Says something of every window, and keeps what it was told is usual."""

    def __init__(self) -> None:
        self.told: list[float] = []

    async def rewards(self, resource: Any, start: float, end: float, usual: float = 0.0) -> WindowRead:
        self.told.append(usual)
        arms = {arm.name: Observed(100.0, 50.0) for arm in resource.spec.arms}
        return WindowRead(Window(start, end, arms), {}, (f"something about the window to {end:g}",))


async def test_what_is_said_of_each_window_is_kept_to_be_announced(body: dict[str, Any]) -> None:
    resource, observer = parse(body), Saying()
    experiment = to_experiment(resource)
    committed = Committed(memories.initial(experiment), cursor=9000.0)
    read = await catch_up(
        observer, Decisions(), Metrics(), resource, experiment, committed, 9060.0 + SETTLE, SETTLE
    )
    assert read.committed.notes == tuple(
        f"something about the window to {end:g}" for end in np.arange(9030.0, 9060.5, experiment.interval)
    )


async def test_what_is_usual_goes_with_the_length_of_the_window(body: dict[str, Any]) -> None:
    resource, observer = parse(body), Saying()
    experiment = to_experiment(resource)
    memory = replace(memories.initial(experiment), labels=np.asarray(120.0))
    half = experiment.interval / 2
    committed = Committed(memory, cursor=9000.0 - half)
    await catch_up(observer, Decisions(), Metrics(), resource, experiment, committed, 9000.0 + SETTLE, SETTLE)
    assert observer.told == [60.0]


class Forgetful(Observer):
    """A Prometheus that has lost its data: one empty window, and then counters with a life behind them."""

    def __init__(self) -> None:
        self.read = 0

    async def rewards(self, resource: Any, start: float, end: float, usual: float = 0.0) -> WindowRead:
        del usual
        self.read += 1
        arms = {arm.name: NoData() if self.read == 1 else Observed(9.0, 3.0) for arm in resource.spec.arms}
        return WindowRead(Window(start, end, arms), {}, past_is_lost=self.read == 2)


async def test_how_much_is_lost_with_the_past_of_counters_is_said(body: dict[str, Any]) -> None:
    resource = parse(body)
    experiment = to_experiment(resource)
    committed = Committed(memories.initial(experiment), cursor=9000.0, rewards_until=9000.0)
    read = await catch_up(
        Forgetful(), Decisions(), Metrics(), resource, experiment, committed, 9060.0 + SETTLE, SETTLE
    )
    (note,) = read.committed.notes
    assert note.startswith("at most 60 s of rewards are lost")
