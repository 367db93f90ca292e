"""A model breaks: requests that it still answers, and ticks until it has half, the floor, nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandit_operator.core.model import WEIGHT_TOTAL
from bandit_operator.core.strategies.contrast_thompson import ContrastThompson
from bandit_operator.simulation import operation
from bandit_operator.simulation.rewards import Rewards
from bandit_operator.simulation.world import World
from bench.task import Row, Task, row, spread

BASELINE, BROKEN = 0, 1
LEFT = 0.0101


@dataclass(frozen=True)
class Break:
    """Two arms, of which the second breaks; goals are medians, None where there is none."""

    before: tuple[float, float]
    after: float
    age: int
    requests: int
    share: float | None = None
    """Share of the second arm from the second tick until it breaks; None: what it has earned."""
    ticks: int = 60
    harmed: float | None = None
    half: float | None = None
    out: float | None = None


BREAKS = {
    "leader, .9 to 0": Break((0.85, 0.9), 0.0, 1_000, 100, harmed=200, half=1, out=4),
    "leader, .9 to .5": Break((0.85, 0.9), 0.5, 1_000, 100, harmed=300),
    "leader, .06 to .02": Break((0.045, 0.06), 0.02, 1_000, 100, ticks=300, harmed=2_000),
    "canary at 20 %, .99 to 0": Break((0.99, 0.99), 0.0, 7, 1_000, 0.2, harmed=350, half=1, out=2),
    "canary at 50 %, .99 to 0": Break((0.99, 0.99), 0.0, 7, 1_000, 0.5, harmed=600, half=1, out=2),
    "leader at 99 %, .9 to 0": Break((0.9, 0.9), 0.0, 30, 1_000, 0.99, harmed=1_500, half=2, out=2),
    "canary at 20 %, .95 to .80": Break((0.95, 0.95), 0.8, 7, 1_000, 0.2, harmed=650, half=2, out=10),
    "canary at 20 %, .30 to .20": Break((0.3, 0.3), 0.2, 7, 1_000, 0.2, harmed=900, out=12),
}


def play(name: str, seeds: int, seed: int) -> np.ndarray:
    """Requests harmed, and ticks until half, floor and 0, at most ``ticks`` ``[S, 4]``."""
    setting = BREAKS[name]
    rates = np.tile(setting.before, (setting.age + setting.ticks, 1))
    rates[setting.age :, BROKEN] = setting.after
    world = World(name, ("a", "b"), "a", rates, np.full(len(rates), float(setting.requests)))
    rng, serves = np.random.default_rng([6, seed]), np.ones(2, bool)
    run = operation.start(world.experiment(ContrastThompson()), seeds, serves)
    rewards, harmed = Rewards(world, seeds, rng), np.zeros(seeds)
    reached = np.full((3, seeds), float(setting.ticks))
    first = np.ones(seeds)
    for tick in range(len(rates)):
        if setting.share is not None and 0 < tick <= setting.age:
            given = np.array([1.0 - setting.share, setting.share]) * WEIGHT_TOTAL
            run.weights = np.broadcast_to(given, (seeds, 2)).copy()
        shares = run.shares
        requests, seen = rewards.draw(shares)
        if tick == setting.age:
            first = shares[:, BROKEN]
        operation.decide(run, seen, serves)
        if tick < setting.age:
            continue
        harmed += requests[:, BROKEN]
        left, passed = run.shares[:, BROKEN], tick - setting.age + 1.0
        for k, now in enumerate((left <= first / 2, left <= LEFT, left == 0)):
            reached[k] = np.where(now, np.minimum(reached[k], passed), reached[k])
    return np.column_stack([harmed, *reached])


def tasks(seeds: int) -> list[Task]:
    """All breaks."""
    result = []
    for name in BREAKS:
        result += spread(f"harm/{name}", play, seeds, 50, name=name)
    return result


def _median(values: np.ndarray) -> tuple[float, list[float]]:
    """Median, and the order statistics that enclose it with 95 % confidence."""
    ordered, reach = np.sort(values), 0.98 * len(values) ** 0.5
    low, high = (int(np.clip(len(values) / 2 + sign * reach, 0, len(values) - 1)) for sign in (-1, 1))
    return float(np.median(values)), [float(ordered[low]), float(ordered[high])]


def rows(figures: dict[str, np.ndarray]) -> list[Row]:
    """Return the medians of each break."""
    result: list[Row] = []
    for name, setting in BREAKS.items():
        measured = figures[f"harm/{name}"].T
        goals = (setting.harmed, setting.half, None, setting.out)
        titles = ("requests harmed", "ticks to half", "ticks to the floor", "ticks to 0")
        for title, goal, values in zip(titles, goals, measured, strict=True):
            result.append(row(f"{name}: {title} (median)", goal, _median(values)))
    return result
