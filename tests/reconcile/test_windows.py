"""What the windows that are due are read with, and what becomes of what is said about them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bandit_operator.api.v1alpha1 import parse, to_experiment
from bandit_operator.core import memory as memories
from bandit_operator.core.model import Observed, Window
from bandit_operator.reconcile.observe import Observer, WindowRead
from bandit_operator.reconcile.windows import catch_up
from bandit_operator.runtime.telemetry import Metrics
from bandit_operator.status.session import Committed

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
    read = await catch_up(observer, Metrics(), resource, experiment, committed, 9060.0 + SETTLE)
    assert read.committed.notes == tuple(
        f"something about the window to {end:g}" for end in np.arange(9030.0, 9060.5, experiment.interval)
    )


async def test_what_is_usual_goes_with_the_length_of_the_window(body: dict[str, Any]) -> None:
    resource, observer = parse(body), Saying()
    experiment = to_experiment(resource)
    memory = replace(memories.initial(experiment), labels=np.asarray(120.0))
    half = experiment.interval / 2
    committed = Committed(memory, cursor=9000.0 - half)
    await catch_up(observer, Metrics(), resource, experiment, committed, 9000.0 + SETTLE)
    assert observer.told == [60.0]
