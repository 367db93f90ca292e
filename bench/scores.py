"""What validation scores save when they are right and cost when they are wrong, by strategy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.core.strategies import STRATEGIES, Validation
from bench.strategy_only import StrategyOnly, floored
from bench.task import Row, Task, row, spread

TICKS, REQUESTS, FLOOR = 1_000, 100, 0.01
RATES = np.array([0.30, 0.27, 0.25, 0.20])
TOGETHER = 4
"""Seeds that share scores which are noise; their mean is one case."""
NOISE_SD = 0.04
"""Standard deviation of scores that are noise: as far apart as the rates are."""
LEARNING = [name for name, strategy in STRATEGIES.items() if strategy.learns]
GOALS = {"right": 0.95, "reversed": 1.05, "noise": 1.05}
"""Largest regret, relative to that without scores, that each kind of scores may lead to; 1.8 per 1,000 of it
are what the smallest shares cost, which no score can save.
"""


def scores(kind: str, rng: np.random.Generator) -> Floats:
    """Scores ``[K]`` of a kind; NaN where there are none."""
    match kind:
        case "right":
            return RATES
        case "reversed":
            return RATES[::-1]
        case "noise":
            return np.asarray(RATES.mean() + NOISE_SD * rng.standard_normal(RATES.size))
        case _:
            return np.full(RATES.size, np.nan)


def play(strategy: str, kind: str, seeds: int, seed: int, ticks: int = TICKS) -> np.ndarray:
    """Regret per 1,000 requests ``[S]``; noise is the same for all of these seeds."""
    rng = np.random.default_rng([11, seed])
    given = Validation(scores(kind, np.random.default_rng([12, seed])), np.zeros(RATES.size))
    player = StrategyOnly(STRATEGIES[strategy](), RATES.size, seeds, given)
    regret = np.zeros(seeds)
    for _ in range(ticks):
        trials = rng.multinomial(REQUESTS, floored(player.shares(REQUESTS), FLOOR))
        regret += trials @ (RATES.max() - RATES)
        player.learn(trials.astype(float), rng.binomial(trials, RATES).astype(float))
    return np.asarray(regret / (ticks * REQUESTS) * 1000)


def tasks(seeds: int, strategies: Sequence[str] = LEARNING) -> list[Task]:
    """Every strategy that learns, without scores and with each kind of them."""
    result, seeds = [], seeds - seeds % TOGETHER
    for strategy in strategies:
        for kind in ("none", *GOALS):
            chunk = TOGETHER if kind == "noise" else 20
            result += spread(f"scores/{strategy}/{kind}", play, seeds, chunk, strategy=strategy, kind=kind)
    return result


def rows(figures: dict[str, np.ndarray], strategies: Sequence[str] = LEARNING) -> list[Row]:
    """Regret with scores relative to that without, whose own error is part of the interval."""
    result = []
    for strategy in strategies:
        without = figures[f"scores/{strategy}/none"]
        for kind, bound in GOALS.items():
            # TopTwo serves a challenger whatever is believed: there is next to nothing to save.
            goal = None if (strategy, kind) == ("TopTwo", "right") else bound
            found = figures[f"scores/{strategy}/{kind}"]
            if kind == "noise":
                found = found.reshape(-1, TOGETHER).mean(-1)
            ratio = found.mean() / without.mean()
            parts = [values.var(ddof=1) / len(values) / values.mean() ** 2 for values in (found, without)]
            reach = 1.96 * ratio * np.sqrt(sum(parts))
            name = f"{strategy} with scores that are {kind}: regret beside none"
            result.append(row(name, goal, (float(ratio), [ratio - reach, ratio + reach])))
    return result
