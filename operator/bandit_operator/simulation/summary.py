"""What many seeds of a world come to: cost, verdicts and how long they take, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from bandit_operator.simulation.answer import sentences
from bandit_operator.simulation.figures import mean_interval
from bandit_operator.simulation.play import NEVER, Played
from bandit_operator.simulation.world import World


class ArmSummary(TypedDict):
    """One arm over all seeds; times are ticks, shares are fractions."""

    name: str
    mean_rate: float
    final_share: float
    rolled_back: float
    """Share of the seeds in which it was rolled back."""
    falsely_rolled_back: float
    """… while it had never been worse than the baseline."""
    rollback_ticks: list[float] | None
    """5 %, 50 % and 95 % quantile of the tick of the rollback; None where there was none."""
    promoted: float
    """Share of the seeds in which it was proven the best."""
    promotion_ticks: list[float] | None


class Summary(TypedDict):
    """A world played under one strategy."""

    world: str
    strategy: str
    answer: list[str]
    """How long until a verdict, and what it costs."""
    seeds: int
    ticks: int
    interval: float
    requests: float
    regret: float
    """Rewards lost against always the best arm that could serve, mean over the seeds."""
    regret_ci: list[float] | None
    """Its 95 % confidence interval; None where one seed was played."""
    regret_per_thousand: float
    """The same per 1,000 requests."""
    regret_q95: float
    no_material_difference: float
    """Share of the seeds in which the best arms were proven to lie within the indifference."""
    delay_profile_suspected: float
    arms: list[ArmSummary]
    weights: list[list[float]]
    """Mean share of each arm at (at most 500) ticks."""
    weight_ticks: list[int]
    regret_path: list[float]
    """Mean regret up to the same ticks."""


def joined(parts: Sequence[Played]) -> Played:
    """Return the seeds of all parts as one."""
    counts = np.array([len(part.regret) for part in parts], dtype=np.float64)
    weights = np.tensordot(counts / counts.sum(), np.stack([part.weights for part in parts]), 1)
    return Played(
        weights=np.asarray(weights),
        regret=np.concatenate([part.regret for part in parts]),
        rolled_back_at=np.concatenate([part.rolled_back_at for part in parts]),
        promoted_at=np.concatenate([part.promoted_at for part in parts]),
        settled_at=np.concatenate([part.settled_at for part in parts]),
        final_shares=np.concatenate([part.final_shares for part in parts]),
        worse=np.concatenate([part.worse for part in parts]),
        suspected=np.concatenate([part.suspected for part in parts]),
    )


def summarise(world: World, strategy: str, played: Played) -> Summary:
    """Return what the seeds come to."""
    total = played.regret[:, -1]
    mean, reach = mean_interval(total)
    requests = float(world.requests.sum())
    at = np.unique(np.linspace(0, world.ticks - 1, min(world.ticks, 500)).astype(int))
    return {
        "world": world.name,
        "strategy": strategy,
        "answer": sentences(world, strategy, played),
        "seeds": len(total),
        "ticks": world.ticks,
        "interval": world.interval,
        "requests": requests,
        "regret": mean,
        "regret_ci": None if reach is None else [mean - reach, mean + reach],
        "regret_per_thousand": 1000 * mean / max(requests, 1.0),
        "regret_q95": float(np.quantile(total, 0.95)),
        "no_material_difference": float((played.settled_at != NEVER).mean()),
        "delay_profile_suspected": float(played.suspected.mean()),
        "arms": [_arm(world, played, k) for k in range(len(world.names))],
        "weights": played.weights[at].tolist(),
        "weight_ticks": at.tolist(),
        "regret_path": played.regret.mean(0)[at].tolist(),
    }


def _arm(world: World, played: Played, arm: int) -> ArmSummary:
    out, best = played.rolled_back_at[:, arm], played.promoted_at[:, arm]
    baseline = world.rates[:, world.names.index(world.baseline)]
    worse = np.flatnonzero(world.rates[:, arm] < baseline)
    first_worse = worse[0] if worse.size else world.ticks
    return {
        "name": world.names[arm],
        "mean_rate": float(world.rates[:, arm].mean()),
        "final_share": float(played.final_shares[:, arm].mean()),
        "rolled_back": float((out != NEVER).mean()),
        "falsely_rolled_back": float(((out != NEVER) & (out < first_worse)).mean()),
        "rollback_ticks": _quantiles(out),
        "promoted": float((best != NEVER).mean()),
        "promotion_ticks": _quantiles(best),
    }


def _quantiles(ticks: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> list[float] | None:
    known = ticks[ticks != NEVER]
    return [float(value) for value in np.quantile(known, [0.05, 0.5, 0.95])] if known.size else None
