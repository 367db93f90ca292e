"""Late labels: a better arm joins while its labels are due (.13 against .10, mean delay 20 ticks)."""

from __future__ import annotations

import numpy as np

from bandit_operator.core import memory as mem
from bandit_operator.core.assess import assess
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import Arm, Delay
from bandit_operator.core.strategies import STRATEGIES
from bench.task import Row, Task, mean_ci, row, spread

INTERVAL, REQUESTS, JOIN, TICKS, MEAN_DELAY, FLOOR = 30.0, 100, 200, 700, 20, 0.01
EXPONENTIAL = Delay(median=np.log(2) * MEAN_DELAY * INTERVAL, p95=np.log(20) * MEAN_DELAY * INTERVAL)


def play(rate: float, delay: Delay | None, seeds: int, seed: int, strategy: str = "Thompson") -> np.ndarray:
    """Regret after the second arm joined ``[S]``; ``delay`` is what the operator is given, None none."""
    rng, gone = np.random.default_rng([5, seed]), -np.expm1(-1 / MEAN_DELAY)
    experiment = Experiment(
        "late", (Arm("old"), Arm("new")), "old", STRATEGIES[strategy](), interval=INTERVAL, delay=delay
    )
    memory, waiting = mem.initial(experiment, (seeds,)), np.zeros((seeds, 2), dtype=int)
    rates, share, regret = np.array([0.10, rate]), np.zeros(seeds), np.zeros(seeds)
    everyone = np.ones((seeds, 2), dtype=bool)
    for tick in range(TICKS):
        if tick == JOIN:
            share = np.full(seeds, 0.1)
        new = rng.binomial(REQUESTS, share)
        served = np.stack([REQUESTS - new, new], axis=-1)
        fresh = rng.binomial(served, rates)
        now, at_once = rng.binomial(waiting, gone), rng.binomial(fresh, 1 - gone * MEAN_DELAY)
        waiting = waiting + fresh - now - at_once
        moments = np.stack([served, now + at_once], axis=-2).astype(float)
        memory = mem.update_moments(experiment, memory, moments, INTERVAL)
        if tick >= JOIN:
            regret += (served * (rates.max() - rates)).sum(-1)
            shares = assess(experiment, memory, everyone).shares
            share = FLOOR + (1 - 2 * FLOOR) * shares[:, 1]
    return regret


def tasks(seeds: int) -> list[Task]:
    """A better and a worse arm, with the profile and with served requests for trials."""
    result = []
    for name, rate in (("good", 0.13), ("bad", 0.07)):
        result += spread(f"late/{name}/exposure", play, seeds, 250, rate=rate, delay=EXPONENTIAL)
        result += spread(f"late/{name}/served", play, min(seeds, 250), 250, rate=rate, delay=None)
    return result


def rows(figures: dict[str, np.ndarray]) -> list[Row]:
    """Return the regret after the arm joined."""
    result: list[Row] = []
    for name, goal in (("good", 54.0), ("bad", None)):
        peer = float(figures[f"late/{name}/served"].mean())
        measured = mean_ci(figures[f"late/{name}/exposure"])
        result.append(
            row(f"late labels, {name} arm joins: regret", goal, measured, peer, "requests served as trials")
        )
    return result
