"""Promotion: how soon the best of four arms is named, and how often one of two equal ones is."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize

from bandit_operator.core.inference import evidence as ev
from bandit_operator.core.inference import verdicts
from bandit_operator.core.model import RewardType
from bandit_operator.core.strategies import STRATEGIES
from bench.strategy_only import StrategyOnly, floored
from bench.task import Row, Task, mean_ci, row, share_ci, spread

ALPHA, REQUESTS, FLOOR = 0.05, 100, 0.02
CLEAR = (0.30, 0.27, 0.25, 0.20)
TIE = (0.30, 0.30, 0.25, 0.20)
TIE_TICKS, CLEAR_TICKS = 5_000, 2_000


def characteristic_time(rates: tuple[float, ...]) -> float:
    """T*: requests per ln(1/α) below which no test can name the best arm (Garivier & Kaufmann, 2016)."""
    best, values = int(np.argmax(rates)), np.array(rates)

    def divergence(p: float, q: float) -> float:
        return float(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))

    def negative(logits: Any) -> float:
        w = np.exp(logits - logits.max())
        w /= w.sum()
        costs = []
        for arm, rate in enumerate(values):
            if arm != best:
                between = (w[arm] * rate + w[best] * values[best]) / (w[arm] + w[best])
                costs.append(w[best] * divergence(values[best], between) + w[arm] * divergence(rate, between))
        return -float(min(costs))

    def least(seed: int) -> float:
        start = np.random.default_rng(seed).standard_normal(len(values)) * 0.3
        return float(
            minimize(negative, start, method="Nelder-Mead", options={"maxiter": 20_000}, tol=1e-10).fun
        )

    return -1 / min(map(least, range(4)))


def play(
    strategy: str,
    rates: tuple[float, ...],
    ticks: int,
    seeds: int,
    seed: int,
    effect: float = 1.0,
    cycle: float = 0.0,
) -> np.ndarray:
    """First tick of a promotion, of which arm, regret until then, P(best) > .95 ever ``[S, 4]``."""
    rng, kind, arms = np.random.default_rng([4, seed]), RewardType.BERNOULLI, len(rates)
    evidence, totals = ev.Evidence.initial(kind, arms, (seeds,)), np.zeros((seeds, 2, arms))
    player = StrategyOnly(STRATEGIES[strategy](), arms, seeds)
    shares, values = np.full((seeds, arms), 1 / arms), np.array(rates)
    at, winner, regret = np.full(seeds, ticks), np.full(seeds, -1), np.zeros(seeds)
    claimed = np.zeros(seeds, dtype=bool)
    everyone = np.ones((seeds, arms), dtype=bool)
    for tick in range(ticks):
        counts = rng.multinomial(REQUESTS, floored(shares, FLOOR))
        now = np.broadcast_to(values + cycle * np.sin(2 * np.pi * tick / 960), counts.shape)
        if effect > 1:
            strength = np.maximum((counts - 1) / (effect - 1) - 1, 1.0)
            now = rng.beta(now * strength, (1 - now) * strength)
        moments = np.stack([counts, rng.binomial(counts, now)], axis=-2).astype(float)
        regret += np.where(at == ticks, (counts * (values.max() - values)).sum(-1), 0.0)
        evidence = ev.update(evidence, moments, totals, kind, 0)
        totals += moments
        player.learn(moments[:, 0], moments[:, 1])
        proven = verdicts.promoted(ev.log_proof(evidence), everyone, ALPHA)
        new = proven.any(-1) & (at == ticks)
        at[new], winner[new] = tick, proven[new].argmax(-1)
        if tick < 200 or tick % 10 == 0:
            shares = player.shares(REQUESTS)
            if strategy == "Thompson" and tick >= 5:
                claimed |= shares.max(-1) > 0.95
        if ticks == CLEAR_TICKS and (at < ticks).all():
            break
    return np.stack([at, winner, regret, claimed], axis=-1).astype(float)


def tasks(seeds: int, tie_ticks: int = TIE_TICKS) -> list[Task]:
    """A clear winner under two strategies, and ties, also with requests that are alike."""
    tie = {"rates": TIE, "ticks": tie_ticks}
    return [
        *spread("promotion/TopTwo", play, seeds, 125, strategy="TopTwo", rates=CLEAR, ticks=CLEAR_TICKS),
        *spread(
            "promotion/Thompson",
            play,
            min(seeds, 100),
            125,
            strategy="Thompson",
            rates=CLEAR,
            ticks=CLEAR_TICKS,
        ),
        *spread("tie/plain", play, seeds, 125, strategy="TopTwo", **tie),
        *spread("tie/design effect 5", play, seeds, 125, strategy="TopTwo", effect=5.0, **tie),
        *spread("tie/day cycle", play, seeds, 125, strategy="TopTwo", cycle=0.12, **tie),
        *spread("tie/posterior", play, min(seeds, 100), 125, strategy="Thompson", **tie),
    ]


def rows(figures: dict[str, np.ndarray], tie_ticks: int = TIE_TICKS) -> list[Row]:
    """Time to the verdict in units of the bound, and false promotions."""
    bound = characteristic_time(CLEAR) * np.log(1 / ALPHA) / REQUESTS
    measured = mean_ci(figures["promotion/TopTwo"][:, 0] + 1, bound)
    slow = float((figures["promotion/Thompson"][:, 0] + 1).mean() / bound)
    result = [row("promotion under TopTwo, × T* log(1/α)", 2.6, measured, slow, "Thompson, same verdict")]
    claimed = float(figures["tie/posterior"][:, 3].mean())
    for name in ("plain", "design effect 5", "day cycle"):
        hits = figures[f"tie/{name}"][:, 0] < tie_ticks
        title = f"false promotion of tied arms in {tie_ticks:,} ticks: {name}"
        result.append(
            row(title, ALPHA, share_ci(hits), claimed if name == "plain" else None, "P(best) > .95")
        )
    return result
