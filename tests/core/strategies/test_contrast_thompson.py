from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bandit_operator.core import memory as mem
from bandit_operator.core.evaluate import evaluate
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import RewardType, Window
from bandit_operator.core.strategies.contrast_thompson import ContrastThompson


@pytest.mark.parametrize(
    ("kind", "golden"),
    [
        (RewardType.BERNOULLI, [0.136983, 0.757533, 0.097656, 0.007828]),
        (RewardType.GAUSSIAN, [0.177857, 0.6678, 0.138641, 0.015701]),
    ],
)
def test_golden_shares(
    golden_shares: Callable[..., list[float]], kind: RewardType, golden: list[float]
) -> None:
    assert golden_shares(ContrastThompson(), kind) == pytest.approx(golden, abs=2e-3)


def test_a_half_life_of_one_tick_believes_the_newest_comparison_more(
    golden_shares: Callable[..., list[float]],
) -> None:
    found = golden_shares(ContrastThompson(half_life=30.0))
    assert found == pytest.approx([0.175781, 0.703125, 0.101562, 0.019531], abs=2e-3)


def test_single_requests_a_tick_are_compared_once_they_add_up(
    make_experiment: Callable[..., Experiment], make_window: Callable[..., Window], rng: np.random.Generator
) -> None:
    experiment = make_experiment(2, "ContrastThompson")
    memory = mem.initial(experiment)
    for number in range(600):
        arm = number % 2
        counts = [1 - arm, arm]
        rewards = [int(rng.random() < 0.2) * counts[0], int(rng.random() < 0.6) * counts[1]]
        memory = mem.update(experiment, memory, make_window(counts, rewards, number))
    assert evaluate(experiment, memory, {"a", "b"}).shares["b"] > 0.98


def test_a_move_of_all_arms_moves_no_shares(
    make_experiment: Callable[..., Experiment], make_window: Callable[..., Window], rng: np.random.Generator
) -> None:
    experiment = make_experiment(2, "ContrastThompson")
    memory = mem.initial(experiment)
    for number in range(400):
        level = 0.3 + 0.25 * np.sin(number / 15)
        counts = np.array([100, 100])
        memory = mem.update(
            experiment, memory, make_window(counts, rng.binomial(counts, [level, level]), number)
        )
    assert 0.05 < evaluate(experiment, memory, {"a", "b"}).shares["b"] < 0.95


def test_the_best_arm_that_breaks_loses_its_share_within_twenty_ticks(
    make_experiment: Callable[..., Experiment], make_window: Callable[..., Window], rng: np.random.Generator
) -> None:
    experiment = make_experiment(2, "ContrastThompson")
    memory = mem.initial(experiment)
    for number in range(1_020):
        rates = [0.3, 0.2] if number < 1_000 else [0.1, 0.2]
        counts = np.array([90, 10]) if number < 1_000 else np.array([80, 20])
        memory = mem.update(experiment, memory, make_window(counts, rng.binomial(counts, rates), number))
    assert evaluate(experiment, memory, {"a", "b"}).shares["a"] < 0.2
