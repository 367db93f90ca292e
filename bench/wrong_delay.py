"""A delay of labels that is told wrong: verdicts about two equal arms under the default's own weights."""

from __future__ import annotations

import numpy as np

from bandit_operator.core.model import Delay
from bandit_operator.core.strategies.contrast_thompson import ContrastThompson
from bandit_operator.simulation.play import NEVER
from bandit_operator.simulation.play import play as play_world
from bandit_operator.simulation.world import World
from bench.task import Row, Task, row, share_ci, spread

TICKS, REQUESTS, RATE, ALPHA = 2_000, 100, 0.1, 0.05
TRUE = Delay(median=208.0, p95=899.0)
FACTORS = (0.5, 0.67, 1.0, 1.5, 2.0, 3.0)


def play(factor: float, seeds: int, seed: int) -> np.ndarray:
    """Whether an equal arm was rolled back, and promoted ``[S, 2]``; ``factor``: told over true delay."""
    told = Delay(TRUE.median * factor, TRUE.p95 * factor)
    rates, requests = np.full((TICKS, 2), RATE), np.full(TICKS, float(REQUESTS))
    world = World("late", ("a", "b"), "a", rates, requests, delay=TRUE, assumed_delay=told)
    played = play_world(world, ContrastThompson(), seeds, np.random.default_rng([9, seed]))
    verdicts = (played.rolled_back_at != NEVER, played.promoted_at != NEVER)
    return np.column_stack([verdict.any(-1) for verdict in verdicts])


def tasks(seeds: int) -> list[Task]:
    """All factors."""
    result = []
    for factor in FACTORS:
        result += spread(f"delay told/{factor:g}", play, seeds, 50, factor=factor)
    return result


def rows(figures: dict[str, np.ndarray]) -> list[Row]:
    """Return the shares of false verdicts."""
    result: list[Row] = []
    for factor in FACTORS:
        for verdict, hits in zip(("rollback", "promotion"), figures[f"delay told/{factor:g}"].T, strict=True):
            title = f"equal arms, delay told × {factor:g}: false {verdict}"
            result.append(row(title, ALPHA, share_ci(hits)))
    return result
