"""How soon a model that breaks loses its traffic."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bandit_operator.api.timestamps import from_timestamp
from bench.overhead.environment import NAMESPACE, Environment
from testbed.rollout import Rollout
from testbed.waiting import wait_until

GOOD, BROKEN = (100.0, 0.8), (100.0, 0.2)  # rewards a second, and their mean
AT_REST = {"stable": 100, "new": 9900}
"""Weights from which nothing moves while the new model is better: every arm keeps 1 %."""
SETTLE = 3.0  # seconds; Prometheus looks each second
SETTINGS: dict[str, dict[str, Any]] = {
    "forgetful": {
        "strategy": {"type": "Thompson", "thompson": {"halfLife": "1s"}},
        "guardrails": {"minTrials": 50, "maxStep": "1"},
    },
    "default": {"guardrails": {"minTrials": 50}},
}
"""A rollout that believes its newest window alone and may move all traffic at once; and one as shipped."""
FLIP_SECONDS = 25.0
"""Flips are spread over this time, so that they meet ticks at every phase."""
LONGEST_SECONDS = 180.0


@dataclass(frozen=True)
class Plan:
    """How much is measured: flips of each setting at each interval, in seconds."""

    flips: int
    intervals: tuple[int, ...]

    @property
    def steps(self) -> int:
        """Of progress."""
        return 3


FULL = Plan(flips=12, intervals=(5, 10))
QUICK = Plan(flips=2, intervals=(5,))


def measure(environment: Environment, plan: Plan, progress: Callable[[str], None]) -> dict[str, Any]:
    """Break the new model of one resource after the other."""
    cases = [
        (setting, interval, _rollout(environment, f"{setting}{interval}-{number:02d}"))
        for setting, interval, number in itertools.product(SETTINGS, plan.intervals, range(plan.flips))
    ]
    progress(f"reaction: {len(cases)} models settle")
    for _, _, one in cases:
        environment.rewards.steer(one.name, stable=BROKEN, new=GOOD)
    environment.apply([part for _, _, one in cases for part in (*one.services(), one.route_object())])
    environment.apply(
        [one.resource(interval=f"{every}s", **SETTINGS[setting]) for setting, every, one in cases]
    )
    wait_until(lambda: all(_is_certain(one) for _, _, one in cases), "every model is known to be good", 120)
    progress(f"reaction: {len(cases)} models break")
    flipped = _flip(environment, [one for _, _, one in cases])
    progress("reaction: the broken models lose their traffic")
    return {
        "plan": plan.__dict__,
        "flips": [
            {"setting": setting, "interval": interval, **_after(environment, one, flipped[one.name])}
            for setting, interval, one in cases
        ],
    }


def _rollout(environment: Environment, name: str) -> Rollout:
    return Rollout(environment.cluster, name, NAMESPACE, AT_REST)


def _flip(environment: Environment, made: list[Rollout]) -> dict[str, float]:
    """Let all new models break one after the other; gives the times by name."""
    generator = random.Random(0)
    flipped = {}
    for one in generator.sample(made, len(made)):
        time.sleep(generator.uniform(0, 2 * FLIP_SECONDS / len(made)))
        flipped[one.name] = time.time()
        environment.rewards.steer(one.name, stable=GOOD, new=BROKEN)
    return flipped


def _is_certain(one: Rollout) -> bool:
    arm = one.arm("new")
    assert float(arm.get("probabilityBest") or 0) > 0.99, f"{one.name}: {arm}"
    return True


def _after(environment: Environment, one: Rollout, flip: float) -> dict[str, float]:
    """Return the seconds until the first route write, and until that which left it less than half."""

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
    writes = environment.route_writes(flip, time.time(), one.name)
    # What was decided is written a moment later; the record's time has whole milliseconds.
    return {
        "first_write": writes[0] - flip,
        "half_lost": min(write for write in writes if write > decided - 0.001) - flip,
    }
