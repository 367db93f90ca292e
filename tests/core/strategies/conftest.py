"""The situations that golden tests of strategies share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from bandit_operator.core import memory as mem
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import Arm, Observed, RewardType, Window
from bandit_operator.core.strategies import Strategy
from tests.support.evaluated import evaluate

NAMES = ("a", "b", "c", "d")
TRIALS = np.array([[400, 300, 200, 100], [250, 350, 250, 150], [100, 400, 300, 200]])
REWARDS = np.array([[40, 36, 22, 8], [30, 40, 26, 12], [9, 51, 30, 17]])


def _windows() -> list[Window]:
    return [
        Window(
            30.0 * t,
            30.0 * (t + 1),
            {
                name: Observed(float(TRIALS[t, k]), float(REWARDS[t, k]), squares=float(REWARDS[t, k]) * 1.5)
                for k, name in enumerate(NAMES)
            },
        )
        for t in range(3)
    ]


def _shares(
    strategy: Strategy,
    kind: RewardType = RewardType.BERNOULLI,
    eligible: Sequence[str] = NAMES,
    ticks: int = 3,
    scores: Sequence[float | None] = (None,) * 4,
) -> list[float]:
    """Shares of a, b, c, d after the windows above."""
    arms = tuple(Arm(name, validation_score=score) for name, score in zip(NAMES, scores, strict=True))
    experiment = Experiment(uid="golden", arms=arms, baseline="a", strategy=strategy, reward_type=kind)
    memory = mem.initial(experiment)
    for window in _windows()[:ticks]:
        memory = mem.update(experiment, memory, window)
    found = evaluate(replace(experiment), memory, eligible).shares
    return [found.get(name, 0.0) for name in NAMES]


@pytest.fixture
def golden_shares() -> Callable[..., list[float]]:
    return _shares
