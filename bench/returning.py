"""Worlds in which what lost comes back: regret with verdicts beside the same decisions without any."""

from __future__ import annotations

import numpy as np

from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.core.model import Rollback
from bandit_operator.core.strategies.contrast_thompson import ContrastThompson
from bandit_operator.simulation.play import play as play_world
from bandit_operator.simulation.world import World
from bench.task import Row, Task, row, spread

TICKS, REQUESTS = 2_000, 100
NO_VERDICT = 1e-300
"""An error rate at which nothing is ever proven."""
WORLDS = (
    "slow crossing",
    "seasons of 800 ticks",
    "loser becomes best",
    "better arm appears",
    "stationary",
)
GOAL = 1.3


def world(name: str, error_rate: float) -> World:
    """Four arms, of which the first is the baseline."""
    ticks = np.arange(TICKS)
    rates: Floats = np.tile([0.30, 0.27, 0.25, 0.24], (TICKS, 1))
    if name == "slow crossing":
        rates[:, 0], rates[:, 3] = np.linspace(0.30, 0.24, TICKS), np.linspace(0.24, 0.30, TICKS)
    if name == "seasons of 800 ticks":
        season = 0.04 * np.sin(2 * np.pi * ticks / 800)
        rates[:, 0], rates[:, 1] = 0.27 + season, 0.27 - season
    if name == "loser becomes best":
        rates[:, 3] = np.where(ticks < 1_200, 0.20, 0.36)
    if name == "better arm appears":
        rates[:, 3] = np.where(ticks < 1_500, 0.25, 0.36)
    requests = np.full(TICKS, float(REQUESTS))
    return World(name, tuple("abcd"), "a", rates, requests, rollback=Rollback(error_rate=error_rate))


def play(name: str, seeds: int, seed: int) -> np.ndarray:
    """Regret per 1,000 requests with verdicts and without ``[S, 2]``."""
    regrets = []
    for rate in (Rollback().error_rate, NO_VERDICT):
        played = play_world(world(name, rate), ContrastThompson(), seeds, np.random.default_rng([7, seed]))
        regrets.append(played.regret[:, -1])
    return np.column_stack(regrets) / (TICKS * REQUESTS) * 1000


def tasks(seeds: int) -> list[Task]:
    """All worlds."""
    result = []
    for name in WORLDS:
        result += spread(f"returning/{name}", play, seeds, 25, name=name)
    return result


def rows(figures: dict[str, np.ndarray]) -> list[Row]:
    """Return the ratio of the two regrets in each world, with a bootstrap interval."""
    result: list[Row] = []
    for name in WORLDS:
        regrets = figures[f"returning/{name}"]
        drawn = np.random.default_rng(8).integers(0, len(regrets), (1_000, len(regrets)))
        ratios = regrets[drawn, 0].mean(-1) / regrets[drawn, 1].mean(-1)
        ratio = float(regrets[:, 0].mean() / regrets[:, 1].mean())
        interval = [float(end) for end in np.quantile(ratios, [0.025, 0.975])]
        without = float(regrets[:, 1].mean())
        title = f"regret with verdicts / without: {name}"
        result.append(row(title, GOAL, (ratio, interval), without, "per 1,000, without"))
    return result
