"""Plays one history with every strategy and prints what it came to, for a comparison between kernels."""

from __future__ import annotations

import json
import sys

import numpy as np
from threadpoolctl import threadpool_info

from bandit_operator.core import memory as memories
from bandit_operator.core.decide import decide
from bandit_operator.core.decision import Intention
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import Arm, ArmFacts, Delay, Observed, RewardType, Snapshot, Window
from bandit_operator.core.strategies import STRATEGIES

NAMES = ("a", "b", "c", "d")
TICKS = 300


def play(strategy: str, kind: RewardType, delay: Delay | None) -> dict[str, object]:
    """Decide tick by tick in a world that breaks in the middle."""
    rng = np.random.default_rng(13)
    arms = tuple(Arm(name, score) for name, score in zip(NAMES, (0.5, 0.6, 0.7, 0.4), strict=True))
    experiment = Experiment("uid", arms, "a", STRATEGIES[strategy](), reward_type=kind, delay=delay)
    memory, before = memories.initial(experiment), Intention({}, dict.fromkeys(NAMES, 2500))
    path = []
    for tick in range(TICKS):
        rates = np.array([0.3, 0.33, 0.27, 0.31] if tick < TICKS / 2 else [0.3, 0.2, 0.35, 0.31])
        shares = np.array([before.weights[name] for name in NAMES]) / 10_000
        trials = rng.multinomial(200, shares)
        rewards = rng.binomial(trials, rates)
        outcomes = {
            name: Observed(float(n), float(y), float(y)) if kind is RewardType.GAUSSIAN else Observed(n, y)
            for name, n, y in zip(NAMES, trials.tolist(), rewards.tolist(), strict=True)
        }
        facts = {name: ArmFacts(before.weights[name], True, 2, "v1") for name in NAMES}
        window = Window(30.0 * tick, 30.0 * tick + 30, outcomes)
        decision = decide(experiment, memory, before, Snapshot(window.end + 5, window, facts, 1, True))
        memory, before = decision.memory, decision.intention
        path.append([list(decision.weights.values()), decision.reason, decision.promoted])
    numbers = [array.ravel().tolist() for array in memory.arrays()]
    return {"path": path, "memory": [value for part in numbers for value in part]}


if __name__ == "__main__":
    late = Delay(120.0, 600.0)
    found = {name: play(name, RewardType.BERNOULLI, None) for name in STRATEGIES}
    found["late labels"] = play("ContrastThompson", RewardType.BERNOULLI, late)
    found["Gaussian"] = play("ContrastThompson", RewardType.GAUSSIAN, None)
    kernels = sorted({one["architecture"] for one in threadpool_info() if one["user_api"] == "blas"})
    json.dump({"kernels": kernels, "found": found}, sys.stdout)
