"""How soon a model that breaks loses its traffic."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bandit_operator.api.timestamps import from_timestamp
from bench.overhead.stage import NAMESPACE, Stage
from tests.e2e.rollout import Rollout
from tests.support.waiting import wait_until

GOOD, BROKEN = (100.0, 0.8), (100.0, 0.2)  # rewards a second, and their mean
AT_REST = {"stable": 100, "new": 9900}
"""Weights from which nothing moves while the new model is better: every arm keeps 1 %."""
SETTLE = 3.0  # seconds; Prometheus looks each second
LONGEST_SECONDS = 120.0


@dataclass(frozen=True)
class Plan:
    """How much is measured: flips at each interval, in seconds."""

    flips: int
    intervals: tuple[int, ...]

    @property
    def steps(self) -> int:
        """Of progress."""
        return 2 * len(self.intervals)


FULL = Plan(flips=20, intervals=(5, 10))
QUICK = Plan(flips=4, intervals=(5,))


def measure(stage: Stage, plan: Plan, progress: Callable[[str], None]) -> dict[str, Any]:
    """Flip the rewards of one resource after the other, each at another moment of its interval."""
    return {
        "plan": plan.__dict__,
        "flips": {str(interval): _flips(stage, plan, interval, progress) for interval in plan.intervals},
    }


def _flips(stage: Stage, plan: Plan, interval: int, progress: Callable[[str], None]) -> list[dict[str, Any]]:
    progress(f"reaction: {plan.flips} models come to rest at {interval} s")
    made = [
        Rollout(stage.cluster, f"flip{interval}-{number:02d}", AT_REST, namespace=NAMESPACE)
        for number in range(plan.flips)
    ]
    for one in made:
        stage.rewards.steer(one.name, stable=BROKEN, new=GOOD)
    objects = [part for one in made for part in (*one.services(), one.route_object(), _resource(one, interval))]
    stage.apply(objects)
    wait_until(lambda: all(_is_certain(one) for one in made), "every model is known to be good", 120)
    progress(f"reaction: {plan.flips} models break, at {interval} s")
    generator = random.Random(0)
    flipped = {}
    for one in made:
        time.sleep(generator.uniform(0, interval / 4))
        flipped[one.name] = time.time()
        stage.rewards.steer(one.name, stable=GOOD, new=BROKEN)
    found = [_after(stage, one, flipped[one.name]) for one in made]
    stage.bench.kubectl("delete", "bd,httproute", *(one.name for one in made), "--wait=false")
    return found


def _resource(one: Rollout, interval: int) -> dict[str, Any]:
    return one.resource(interval=f"{interval}s", guardrails={"minTrials": 50})


def _is_certain(one: Rollout) -> bool:
    arm = one.arm("new")
    assert float(arm.get("probabilityBest") or 0) > 0.99, f"{one.name}: {arm}"
    return True


def _after(stage: Stage, one: Rollout, flip: float) -> dict[str, Any]:
    """Return when the route was written first, and when the broken model had less than half the traffic."""

    def lost() -> bool:
        weights = one.weights()
        assert weights["new"] < weights["stable"], weights
        return True

    wait_until(lost, f"{one.name}: the broken model loses its traffic", LONGEST_SECONDS)
    decided = min(
        from_timestamp(record["time"])
        for record in one.status()["history"]
        if from_timestamp(record["time"]) > flip and record["weights"]["new"] < record["weights"]["stable"]
    )
    writes = stage.route_writes(flip, time.time(), one.name)
    return {
        "first_write": writes[0] - flip,
        # What was decided is written a moment later; the record's time has whole milliseconds.
        "half_lost": min(write for write in writes if write > decided - 0.001) - flip,
    }
