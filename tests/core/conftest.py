"""Experiments and windows that the core's tests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import Arm, Observed, RewardType, Window
from bandit_operator.core.strategies import STRATEGIES

NAMES = tuple("abcdefghijklmnopqrst")


def _experiment(arms: int = 3, strategy: str = "Thompson", **changes: Any) -> Experiment:
    """Return an experiment with arms a, b, c, … of which a is the baseline."""
    settings = {
        "uid": "test",
        "arms": tuple(Arm(name) for name in NAMES[:arms]),
        "baseline": "a",
        "strategy": STRATEGIES[strategy](),
        "interval": 30.0,
    }
    return Experiment(**{**settings, **changes})


def _window(trials: Any, rewards: Any, number: int = 0, **rows: Any) -> Window:
    """Return the window of a tick in which arms a, b, … had these trials and rewards."""
    extra = [{name: float(values[k]) for name, values in rows.items()} for k in range(len(trials))]
    outcomes = {
        NAMES[k]: Observed(trials=float(trials[k]), rewards=float(rewards[k]), **extra[k])
        for k in range(len(trials))
    }
    return Window(start=30.0 * number, end=30.0 * (number + 1), arms=outcomes)


def _random_window(rng: np.random.Generator, kind: RewardType, arms: int, number: int) -> Window:
    """Return a window of random rewards of any type, with every sum that the type needs."""
    trials = rng.integers(1, 60, arms)
    rows: dict[str, list[float]] = {}
    rewards = []
    for count in trials:
        x = rng.uniform(0.5, 2.0, count)
        y = rng.normal(2.0, 1.0, count) * x if kind is RewardType.RATIO else rng.normal(2.0, 1.0, count)
        if kind in (RewardType.BERNOULLI, RewardType.BOUNDED):
            y = (
                rng.uniform(0, 1, count)
                if kind is RewardType.BOUNDED
                else rng.binomial(1, 0.3, count).astype(float)
            )
        rewards.append(float(y.sum()))
        sums = {
            "squares": (y * y).sum(),
            "denominators": x.sum(),
            "denominator_squares": (x * x).sum(),
            "cross_products": (x * y).sum(),
        }
        for name, value in sums.items():
            rows.setdefault(name, []).append(float(value))
    if kind in (RewardType.BERNOULLI, RewardType.BOUNDED):
        rows = {}
    elif kind is RewardType.GAUSSIAN:
        rows = {"squares": rows["squares"]}
    return _window(trials, rewards, number, **rows)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Return a generator that is seeded by the test's name."""
    return np.random.default_rng([ord(letter) for letter in request.node.name])


@pytest.fixture
def make_experiment() -> Callable[..., Experiment]:
    return _experiment


@pytest.fixture
def make_window() -> Callable[..., Window]:
    return _window


@pytest.fixture
def random_window() -> Callable[..., Window]:
    return _random_window
