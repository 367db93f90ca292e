"""Regret with stable arms: 10,000 requests in 100 ticks, against the Lai–Robbins constant and libraries."""

from __future__ import annotations

import numpy as np

from bandit_operator.core.strategies import STRATEGIES
from bench.peer_worker import PROBLEMS, REQUESTS, TICKS, stream
from bench.strategy_only import StrategyOnly
from bench.task import Row, Task, mean_ci, row, share_ci, spread

SHOWN = ["Thompson", "KLUCB", "UCB1", "EpsilonGreedy", "ContrastThompson", "TopTwo"]
GOALS = {"KLUCB": {"A2": 0.53, "B10": 0.42, "C10": 0.33}}


def lai_robbins(rates: list[float], requests: int = TICKS * REQUESTS) -> float:
    """Ln T · Σ (μ* − μ_k)/kl(μ_k, μ*), the lower bound for growing T (Lai & Robbins, 1985)."""
    best = max(rates)
    total = 0.0
    for rate in rates:
        if rate < best:
            divergence = rate * np.log(rate / best) + (1 - rate) * np.log((1 - rate) / (1 - best))
            total += (best - rate) / divergence
    return float(total * np.log(requests))


def play(strategy: str, problem: str, seeds: int, seed: int) -> np.ndarray:
    """Regret and last share of the best arm ``[S, 2]``."""
    rates = np.array(PROBLEMS[problem])
    arms, one_each = len(rates), np.eye(len(rates))
    streams = np.stack([stream(one) for one in range(seed, seed + seeds)])
    player, regret = StrategyOnly(STRATEGIES[strategy](), arms, seeds), np.zeros(seeds)
    shares = np.full((seeds, arms), 1 / arms)
    for tick in range(TICKS):
        uniform, luck = streams[:, tick, :, 0], streams[:, tick, :, 1]
        chosen = (uniform[..., None] >= shares.cumsum(-1)[:, None, :-1]).sum(-1)
        served = one_each[chosen]
        trials = served.sum(1)
        player.learn(trials, (served * (luck < rates[chosen])[..., None]).sum(1))
        regret += (trials * (rates.max() - rates)).sum(-1)
        shares = player.shares(REQUESTS)
    return np.stack([regret, shares[:, 0]], axis=-1)


def tasks(seeds: int) -> list[Task]:
    """All problems under all strategies that learn."""
    return [
        task
        for strategy in SHOWN
        for problem in PROBLEMS
        for task in spread(
            f"regret/{strategy}/{problem}", play, seeds, 250, strategy=strategy, problem=problem
        )
    ]


def rows(figures: dict[str, np.ndarray], peers: dict[str, dict[str, list[float]]]) -> list[Row]:
    """Regret of all strategies, Thompson beside the libraries' on the same streams, and lock-in."""
    result: list[Row] = []
    for strategy in SHOWN:
        for problem, rates in PROBLEMS.items():
            bound = lai_robbins(rates)
            ours, ci = mean_ci(figures[f"regret/{strategy}/{problem}"][:, 0], bound)
            name, theirs = _best_peer(peers, problem)
            goal = GOALS.get(strategy, {}).get(problem)
            met = None if goal is None else ours <= goal
            compared = None if theirs is None else float(theirs.mean() / bound)
            title = f"{strategy} regret on {problem}, × Lai–Robbins"
            result.append(Row(row=title, goal=goal, ours=ours, ci=ci, peer=compared, peer_name=name, met=met))
        if strategy == "Thompson":
            result += [one for problem in PROBLEMS if (one := _beside_libraries(figures, peers, problem))]
            result += [_lock_in(figures, strategy, problem) for problem in PROBLEMS]
    return result


def _beside_libraries(
    figures: dict[str, np.ndarray], peers: dict[str, dict[str, list[float]]], problem: str
) -> Row | None:
    """Thompson's regret in that of the best library's, over the seeds that both have played.

    The interval is that of a ratio of paired means (Fieller's first-order form): what a stream makes hard
    for one it makes hard for the other. Met unless the whole interval lies above 1.
    """
    name, theirs = _best_peer(peers, problem, "TS")
    if theirs is None:
        return None
    ours = figures[f"regret/Thompson/{problem}"][: len(theirs), 0]
    ratio = float(ours.mean() / theirs.mean())
    error = float((ours - ratio * theirs).std(ddof=1) / len(theirs) ** 0.5 / theirs.mean())
    ci = [ratio - 1.96 * error, ratio + 1.96 * error]
    title = f"Thompson regret on {problem}, × the best library's Thompson on the same {len(theirs)} streams"
    return Row(row=title, goal=1.0, ours=ratio, ci=ci, peer=1.0, peer_name=name, met=ci[0] <= 1.0)


def _lock_in(figures: dict[str, np.ndarray], strategy: str, problem: str) -> Row:
    locked = figures[f"regret/{strategy}/{problem}"][:, 1] < 0.05
    return row(f"{strategy} lock-in to a wrong arm on {problem}", 0.01, share_ci(locked))


def _best_peer(
    peers: dict[str, dict[str, list[float]]], problem: str, kind: str = ""
) -> tuple[str | None, np.ndarray | None]:
    """Name and regrets, one a seed, of the library with the lowest mean among those of a kind."""
    played = {name: np.array(figures[problem]) for name, figures in peers.items() if problem in figures}
    of_kind = {name: regrets for name, regrets in played.items() if kind in name}
    if not of_kind:
        return None, None
    best = min(of_kind, key=lambda name: float(of_kind[name].mean()))
    return best, of_kind[best]
