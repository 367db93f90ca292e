from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bandit_operator.core import memory as mem
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import Arm, RewardType, Window
from bandit_operator.core.strategies.contrast_thompson import ContrastThompson
from bandit_operator.simulation.play import play
from bandit_operator.simulation.world import World
from tests.support.evaluated import evaluate


@pytest.mark.parametrize(
    ("kind", "golden"),
    [
        (RewardType.BERNOULLI, [0.068527, 0.889357, 0.041178, 0.000937]),
        (RewardType.GAUSSIAN, [0.111358, 0.809159, 0.076546, 0.002937]),
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
    assert found == pytest.approx([0.105527, 0.844219, 0.046345, 0.003908], abs=2e-3)


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
    chance = evaluate(experiment, memory, {"a", "b"}).probability_best["b"]
    assert chance is not None
    assert 0.05 < chance < 0.95


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


def _regret(scores: tuple[float | None, ...], seeds: int = 24) -> float:
    """Rewards lost per 1,000 requests on .30, .27, .25, .20."""
    rates = np.tile([0.30, 0.27, 0.25, 0.20], (500, 1))
    world = World("scores", tuple("abcd"), "a", rates, np.full(500, 100.0), validation_scores=scores)
    played = play(world, ContrastThompson(), seeds, np.random.default_rng(2))
    return float(played.regret[:, -1].mean() / 50)


@pytest.mark.slow
def test_validation_scores_that_are_right_save_rewards_and_wrong_ones_cost_little() -> None:
    without = _regret((None,) * 4)
    assert _regret((0.30, 0.27, 0.25, 0.20)) < 0.95 * without
    assert _regret((0.20, 0.25, 0.27, 0.30)) < 1.1 * without


def test_scores_keep_the_trust_that_production_earns_them(
    make_experiment: Callable[..., Experiment], rng: np.random.Generator
) -> None:
    trust = {}
    for scores in ((0.5, 0.4), (0.4, 0.5)):
        arms = tuple(Arm(name, score) for name, score in zip("ab", scores, strict=True))
        experiment = replace(make_experiment(2, "ContrastThompson"), arms=arms)
        memory = mem.initial(experiment)
        for _ in range(60):
            tick = np.array([[100.0, 100.0], rng.binomial(100, [0.5, 0.4])])
            memory = mem.update_moments(experiment, memory, tick, 30.0)
        trust[scores] = evaluate(experiment, memory, {"a", "b"}).scores_trust
    right, wrong = trust[0.5, 0.4], trust[0.4, 0.5]
    assert right is not None
    assert wrong is not None
    assert right > 0.7 > 0.2 > wrong


@pytest.mark.parametrize("scores", [(0.20, 0.25, 0.27, 0.30), (0.20, 0.30, 0.25, 0.27)])
def test_scores_in_a_wrong_order_earn_no_trust_by_their_distances_and_none_by_time(
    make_experiment: Callable[..., Experiment], rng: np.random.Generator, scores: tuple[float, ...]
) -> None:
    """Arms that differ as much as scores do, in another order, refute these, and for good."""
    arms = tuple(Arm(name, score) for name, score in zip("abcd", scores, strict=True))
    experiment = replace(make_experiment(4, "ContrastThompson"), arms=arms)
    memory, counts = mem.initial(experiment), np.array([400, 200, 200, 200])
    for number in range(1, 401):
        tick = np.array([counts, rng.binomial(counts, [0.30, 0.27, 0.25, 0.20])], dtype=float)
        memory = mem.update_moments(experiment, memory, tick, 30.0)
        if number % 40 == 0:
            trust = evaluate(experiment, memory, set("abcd")).scores_trust
            assert trust is not None
            assert trust < 0.1


def test_shares_are_surer_once_scores_have_proven_themselves_and_not_before(
    make_experiment: Callable[..., Experiment], rng: np.random.Generator
) -> None:
    rates = (0.50, 0.48, 0.40, 0.30)
    ticks = rng.binomial(25, rates, (40, 4))
    sharpened = {}
    for name, scores in {"none": (None,) * 4, "right": rates, "reversed": rates[::-1]}.items():
        arms = tuple(Arm(arm, score) for arm, score in zip("abcd", scores, strict=True))
        experiment = replace(make_experiment(4, "ContrastThompson"), arms=arms)
        memory = mem.initial(experiment)
        for rewards in ticks:
            memory = mem.update_moments(experiment, memory, np.array([[25.0] * 4, rewards]), 30.0)
        found = evaluate(experiment, memory, set("abcd"))
        first, second = found.probability_best["a"], found.probability_best["b"]
        assert first is not None
        assert second
        sharpened[name] = np.log(found.shares["a"] / found.shares["b"]) / np.log(first / second)
    assert sharpened["none"] == pytest.approx(1.5)
    assert 1.7 < sharpened["right"] < 4.0
    assert sharpened["reversed"] == pytest.approx(1.5)


def test_without_scores_to_compare_there_is_no_trust_to_speak_of(
    make_experiment: Callable[..., Experiment],
) -> None:
    experiment = make_experiment(2, "ContrastThompson")
    arms = (Arm("a", 0.5), Arm("b", None))
    assert evaluate(replace(experiment, arms=arms), mem.initial(experiment), {"a"}).scores_trust is None
