"""Every reward type from windows to verdicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bandit_operator.core import memory as mem
from bandit_operator.core.evaluate import Evaluation
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import Observed, Promotion, RewardType, Window
from bandit_operator.core.strategies import STRATEGIES
from tests.support.evaluated import evaluate, proven_worse

TRIALS = 60


def observed(rng: np.random.Generator, kind: RewardType, level: Any) -> Observed:
    """One arm's window of rewards whose mean, or ratio, is ``level``."""
    x = rng.uniform(0.5, 1.5, TRIALS)
    if kind is RewardType.BERNOULLI:
        y = rng.binomial(1, level, TRIALS).astype(float)
    elif kind is RewardType.BOUNDED:
        y = rng.beta(4 * level, 4 * (1 - level), TRIALS)
    elif kind is RewardType.GAUSSIAN:
        y = rng.normal(10 * level, 2.0, TRIALS)
    else:
        y = level * x + rng.normal(0.0, 0.2, TRIALS)
    sums = {}
    if kind in (RewardType.GAUSSIAN, RewardType.RATIO):
        sums["squares"] = float((y * y).sum())
    if kind is RewardType.RATIO:
        sums |= {
            "denominators": float(x.sum()),
            "denominator_squares": float((x * x).sum()),
            "cross_products": float((x * y).sum()),
        }
    return Observed(float(TRIALS), float(y.sum()), **sums)


def played(
    make_experiment: Callable[..., Experiment],
    rng: np.random.Generator,
    kind: RewardType,
    levels: Any,
    ticks: int,
    **changes: Any,
) -> Evaluation:
    experiment = make_experiment(len(levels), reward_type=kind, **changes)
    memory = mem.initial(experiment)
    for number in range(ticks):
        arms = {
            name: observed(rng, kind, level) for name, level in zip(experiment.names, levels, strict=True)
        }
        memory = mem.update(experiment, memory, Window(30.0 * number, 30.0 * (number + 1), arms))
    return evaluate(experiment, memory, set(experiment.names))


@pytest.mark.parametrize("kind", list(RewardType))
def test_a_worse_arm_is_rolled_back_and_the_best_is_promoted(
    make_experiment: Callable[..., Experiment], rng: np.random.Generator, kind: RewardType
) -> None:
    found = played(make_experiment, rng, kind, [0.4, 0.25, 0.55], ticks=70)
    assert proven_worse(found) == {"b"}
    assert found.promoted == "c"
    assert found.shares["c"] > 0.99
    scale = 10 if kind is RewardType.GAUSSIAN else 1
    assert [found.mean[name] for name in "abc"] == pytest.approx(
        np.array([0.4, 0.25, 0.55]) * scale, rel=0.06
    )


@pytest.mark.parametrize("kind", list(RewardType))
def test_equal_arms_keep_their_places(
    make_experiment: Callable[..., Experiment], rng: np.random.Generator, kind: RewardType
) -> None:
    found = played(make_experiment, rng, kind, [0.4, 0.4, 0.4], ticks=150)
    assert (proven_worse(found), found.promoted, found.change) == (set(), None, None)


@pytest.mark.parametrize("kind", list(RewardType))
def test_equal_arms_are_proven_to_differ_by_little(
    make_experiment: Callable[..., Experiment], rng: np.random.Generator, kind: RewardType
) -> None:
    scale = 10 if kind is RewardType.GAUSSIAN else 1
    promotion = Promotion(indifference=0.12 * scale)
    found = played(make_experiment, rng, kind, [0.4, 0.4], ticks=150, promotion=promotion)
    assert found.no_material_difference


def in_other_units(window: Any, scale: Any, shift: Any) -> Window:
    """The same window with rewards ``scale``·(y + ``shift``·x), where x is 1 unless rewards are ratios."""
    arms = {}
    for name, one in window.arms.items():
        ratio = one.denominators is not None
        x, xx, xy = (
            (one.denominators, one.denominator_squares, one.cross_products)
            if ratio
            else (one.trials, one.trials, one.rewards)
        )
        sums = {"squares": scale**2 * (one.squares + 2 * shift * xy + shift**2 * xx)}
        if ratio:
            sums |= {
                "denominators": x,
                "denominator_squares": xx,
                "cross_products": scale * (xy + shift * xx),
            }
        arms[name] = Observed(one.trials, scale * (one.rewards + shift * x), **sums)
    return Window(window.start, window.end, arms)


@pytest.mark.parametrize("strategy", [name for name, one in STRATEGIES.items() if one.learns])
@pytest.mark.parametrize("kind", [RewardType.GAUSSIAN, RewardType.RATIO])
def test_the_units_of_a_reward_change_neither_shares_nor_evidence(
    make_experiment: Callable[..., Experiment],
    random_window: Callable[..., Window],
    rng: np.random.Generator,
    kind: RewardType,
    strategy: Any,
) -> None:
    experiment = make_experiment(3, strategy, reward_type=kind)
    here = there = mem.initial(experiment)
    for number in range(12):
        window = random_window(rng, kind, 3, number)
        here = mem.update(experiment, here, window)
        there = mem.update(experiment, there, in_other_units(window, scale=1_000.0, shift=-7.0))
    plain, other = (evaluate(experiment, memory, set("abc")) for memory in (here, there))
    assert other.shares == pytest.approx(plain.shares, abs=1e-3)
    assert [other.evidence[name] for name in "bc"] == pytest.approx(
        [plain.evidence[name] for name in "bc"], rel=1e-3
    )
    before, after = plain.mean["b"], other.mean["b"]
    assert before is not None
    assert after == pytest.approx(1_000 * (before - 7))


@pytest.mark.parametrize(("indifference", "proven"), [(0.05, True), (0.005, False)])
def test_the_indifference_of_a_ratio_is_in_units_of_the_ratio(
    make_experiment: Callable[..., Experiment], rng: np.random.Generator, indifference: float, proven: bool
) -> None:
    """Denominators a hundred times as large make the same ratio of rewards a hundred times as large."""
    experiment = make_experiment(
        2, reward_type=RewardType.RATIO, promotion=Promotion(indifference=indifference)
    )
    memory = mem.initial(experiment)
    for number in range(150):
        arms = {}
        for name in "ab":
            x = rng.uniform(50.0, 150.0, TRIALS)
            y = 0.4 * x + rng.normal(0.0, 20.0, TRIALS)
            arms[name] = Observed(
                float(TRIALS),
                float(y.sum()),
                squares=float((y * y).sum()),
                denominators=float(x.sum()),
                denominator_squares=float((x * x).sum()),
                cross_products=float((x * y).sum()),
            )
        memory = mem.update(experiment, memory, Window(30.0 * number, 30.0 * (number + 1), arms))
    assert evaluate(experiment, memory, {"a", "b"}).no_material_difference is proven
