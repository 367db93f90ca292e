"""Every reward type from windows to verdicts."""

from __future__ import annotations

import numpy as np
import pytest

from bandit_operator.core import memory as mem
from bandit_operator.core.evaluate import evaluate
from bandit_operator.core.model import Observed, Promotion, RewardType, Window

TRIALS = 60


def observed(rng, kind, level):
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


def played(make_experiment, rng, kind, levels, ticks, **changes):
    experiment = make_experiment(len(levels), reward_type=kind, **changes)
    memory = mem.initial(experiment)
    for number in range(ticks):
        arms = {
            name: observed(rng, kind, level) for name, level in zip(experiment.names, levels, strict=True)
        }
        memory = mem.absorb(experiment, memory, Window(30.0 * number, 30.0 * (number + 1), arms))
    return evaluate(experiment, memory, set(experiment.names))


@pytest.mark.parametrize("kind", list(RewardType))
def test_a_worse_arm_is_rolled_back_and_the_best_is_promoted(make_experiment, rng, kind) -> None:
    found = played(make_experiment, rng, kind, [0.4, 0.25, 0.55], ticks=60)
    assert found.rolled_back == {"b"}
    assert found.promoted == "c"
    assert found.shares["c"] > 0.99
    scale = 10 if kind is RewardType.GAUSSIAN else 1
    assert [found.mean[name] for name in "abc"] == pytest.approx(
        np.array([0.4, 0.25, 0.55]) * scale, rel=0.06
    )


@pytest.mark.parametrize("kind", list(RewardType))
def test_equal_arms_keep_their_places(make_experiment, rng, kind) -> None:
    found = played(make_experiment, rng, kind, [0.4, 0.4, 0.4], ticks=150)
    assert (found.rolled_back, found.promoted, found.change) == (frozenset(), None, None)


@pytest.mark.parametrize("kind", list(RewardType))
def test_equal_arms_are_proven_to_differ_by_little(make_experiment, rng, kind) -> None:
    scale = 10 if kind is RewardType.GAUSSIAN else 1
    promotion = Promotion(indifference=0.12 * scale)
    found = played(make_experiment, rng, kind, [0.4, 0.4], ticks=150, promotion=promotion)
    assert found.no_material_difference
