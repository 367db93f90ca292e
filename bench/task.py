"""What the bench runs in parallel, and what it writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypedDict

import numpy as np
from scipy.stats import binomtest


@dataclass(frozen=True)
class Task:
    """One chunk of seeds of one figure; results of the same key are joined."""

    key: str
    run: Callable[..., Any]
    arguments: dict[str, Any] = field(default_factory=dict)


class Row(TypedDict):
    """One line of the table; None where there is nothing to compare with."""

    row: str
    goal: float | None
    ours: float
    ci: list[float]
    peer: float | None
    peer_name: str | None
    met: bool | None


def row(
    name: str,
    goal: float | None,
    measured: tuple[float, list[float]],
    peer: float | None = None,
    peer_name: str | None = None,
) -> Row:
    """Line of the table; the goal is met where the measured value is no larger."""
    ours, ci = measured
    met = None if goal is None else bool(ours <= goal)
    who = None if peer is None else peer_name
    return Row(row=name, goal=goal, ours=float(ours), ci=ci, peer=peer, peer_name=who, met=met)


def spread(key: str, run: Callable[..., Any], seeds: int, chunk: int, **arguments: Any) -> list[Task]:
    """Tasks that play ``seeds`` seeds of a figure, ``chunk`` at a time, each with a stream of its own."""
    starts = range(0, seeds, chunk)
    return [
        Task(key, run, {**arguments, "seeds": min(chunk, seeds - start), "seed": start}) for start in starts
    ]


def mean_ci(values: np.ndarray, scale: float = 1.0) -> tuple[float, list[float]]:
    """Mean and its 95 % confidence interval, both divided by ``scale``."""
    mean = float(np.mean(values)) / scale
    reach = 1.96 * float(np.std(values, ddof=1)) / len(values) ** 0.5 / scale
    return mean, [mean - reach, mean + reach]


def share_ci(hits: np.ndarray) -> tuple[float, list[float]]:
    """Share of true values and its 95 % confidence interval (Clopper–Pearson, exact)."""
    interval = binomtest(int(hits.sum()), len(hits)).proportion_ci(0.95)
    return float(np.mean(hits)), [float(interval.low), float(interval.high)]
