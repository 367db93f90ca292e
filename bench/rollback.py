"""Rollback: how often an equal arm is taken out in 10,000 ticks, and how soon a worse one is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandit_operator.core.inference import evidence as ev
from bandit_operator.core.inference import posterior, verdicts
from bandit_operator.core.model import RewardType
from bench.task import Row, Task, mean_ci, row, share_ci, spread

ALPHA, HORIZON, BREAK = 0.05, 10_000, 3_000


@dataclass(frozen=True)
class Effect:
    """What one arm's rate is multiplied by in a tick: ``high`` so often, else ``low``; 1 in the mean."""

    low: float
    high: float
    often: float
    arm: int = 1


@dataclass(frozen=True)
class Setting:
    """Traffic of two arms; the baseline earns ``rate``, the other ``rate − gap`` from ``since`` on."""

    rate: float = 0.1
    gap: float = 0.0
    since: int = 0
    requests: int = 100
    share: float = 0.5
    cycle: float = 0.0
    design_effect: float = 1.0
    thompson: bool = False
    ramp: bool = False
    effect: Effect | None = None
    ticks: int = HORIZON


NULLS = {
    "flat": Setting(),
    "day cycle, Thompson's weights": Setting(cycle=0.05, thompson=True),
    "ramp from 5 % to 50 % in a cycle": Setting(cycle=0.05, share=0.05, ramp=True),
    "design effect 5": Setting(cycle=0.05, design_effect=5.0),
    "design effect 5, 2,000 requests": Setting(cycle=0.05, design_effect=5.0, requests=2000, share=0.1),
    "rate .01": Setting(rate=0.01),
    "rate .01, share 5 %": Setting(rate=0.01, share=0.05),
    "rate .01, design effect 5": Setting(rate=0.01, design_effect=5.0),
    "five requests, rate .9": Setting(rate=0.9, requests=5),
    "ticks of −30/+270 %": Setting(effect=Effect(0.7, 3.7, 0.1)),
    "ticks of −10/+90 %, 2,000 requests": Setting(effect=Effect(0.9, 1.9, 0.1), requests=2000),
    "ticks of −10/+90 %, a million requests": Setting(
        effect=Effect(0.9, 1.9, 0.1), requests=1_000_000, share=0.1
    ),
    "the baseline's ticks of −10/+90 %, 2,000 requests": Setting(
        effect=Effect(0.9, 1.9, 0.1, arm=0), requests=2000
    ),
    "ticks of −5/+95 %, 20,000 requests": Setting(
        effect=Effect(0.95, 1.95, 0.05), requests=20_000, share=0.3
    ),
    "all or nothing, .1": Setting(effect=Effect(0.0, 10.0, 0.1)),
    "all or nothing, .05": Setting(rate=0.05, effect=Effect(0.0, 20.0, 0.05)),
    "ticks of −20/+380 %, 300 requests": Setting(effect=Effect(0.8, 4.8, 0.05), requests=300),
    "all or nothing, .5, 1,000 requests": Setting(
        rate=0.5, effect=Effect(0.0, 2.0, 0.5), requests=1000, share=0.2
    ),
}
DELAYS = {
    "from the start, 50/50": (Setting(gap=0.02, ticks=1500), 2.2),
    "from the start, share 10 %": (Setting(gap=0.02, share=0.1, ticks=4000), 2.2),
    "after a break, 50/50": (Setting(gap=0.02, since=BREAK, ticks=BREAK + 1500), 1.0),
    "after a break, share 10 %": (Setting(gap=0.02, since=BREAK, share=0.1, ticks=BREAK + 4000), 1.0),
    "after a break, 2,000 requests, 50/50": (
        Setting(gap=0.02, since=BREAK, requests=2000, ticks=BREAK + 300),
        2.0,
    ),
    "after a break, 2,000 requests, share 10 %": (
        Setting(gap=0.02, since=BREAK, requests=2000, share=0.1, ticks=BREAK + 600),
        2.0,
    ),
}


def information(setting: Setting) -> float:
    """Kullback–Leibler information of a tick that one arm is worse."""
    worse, better, share = setting.rate - setting.gap, setting.rate, setting.share
    null = share * worse + (1 - share) * better

    def divergence(p: float) -> float:
        return float(p * np.log(p / null) + (1 - p) * np.log((1 - p) / (1 - null)))

    return setting.requests * (share * divergence(worse) + (1 - share) * divergence(better))


def play(setting: Setting, seeds: int, seed: int) -> np.ndarray:
    """First tick of the rollback, and of the z-test at 5 %; ``setting.ticks`` for never ``[S, 2]``."""
    rng, kind = np.random.default_rng([3, seed]), RewardType.BERNOULLI
    evidence = ev.Evidence.initial(kind, 2, (seeds,))
    totals, first = np.zeros((seeds, 2, 2)), np.full((seeds, 2), setting.ticks)
    share = np.full(seeds, setting.share)
    for tick in range(setting.ticks):
        if setting.thompson and tick and (tick < 200 or tick % 5 == 0):
            best = posterior.beta_best(
                totals[:, 1], totals[:, 0] - totals[:, 1], np.ones((seeds, 2), dtype=bool)
            )
            share = 0.01 + 0.98 * best[:, 1]
        if setting.ramp:
            share = np.full(seeds, 0.05 + 0.45 * min(1.0, 2 * tick / setting.ticks))
        counts = rng.binomial(setting.requests, share)
        counts = np.stack([setting.requests - counts, counts], axis=-1)
        level = setting.rate + setting.cycle * np.sin(2 * np.pi * tick / 2880)
        rates = np.tile([level, level - setting.gap * (tick >= setting.since)], (seeds, 1))
        if setting.effect:
            often = rng.random(seeds) < setting.effect.often
            rates = rates.copy()
            rates[:, setting.effect.arm] *= np.where(often, setting.effect.high, setting.effect.low)
        if setting.design_effect > 1:
            size = setting.requests * max(setting.share, 1 - setting.share)
            strength = (size - 1) / (setting.design_effect - 1) - 1
            rates = rng.beta(rates * strength, (1 - rates) * strength)
        moments = np.stack([counts, rng.binomial(counts, rates)], axis=-2).astype(float)
        evidence = ev.update(evidence, moments, totals, kind, 0)
        totals += moments
        for test, crossed in enumerate(
            (
                verdicts.rolled_back(ev.log_proof(evidence), 0, ALPHA)[:, 1],
                _z_test(totals) if tick else np.zeros(seeds, bool),
            )
        ):
            first[:, test] = np.where(crossed & (first[:, test] == setting.ticks), tick, first[:, test])
        if setting.gap and (first[:, 0] < setting.ticks).all():
            break
    return first


def _z_test(totals: np.ndarray) -> np.ndarray:
    trials, rewards = totals[:, 0], totals[:, 1]
    pooled = rewards.sum(-1) / trials.sum(-1)
    means = rewards / np.maximum(trials, 1)
    error = np.sqrt(np.maximum(pooled * (1 - pooled), 1e-9) * (1 / np.maximum(trials, 1)).sum(-1))
    return np.asarray(means[:, 0] - means[:, 1] > 1.6449 * error)


def tasks(seeds: int, ticks: int = HORIZON) -> list[Task]:
    """All nulls and all delays."""
    result = []
    for name, setting in NULLS.items():
        shortened = Setting(**{**setting.__dict__, "ticks": ticks})
        result += spread(f"null/{name}", play, seeds, 250, setting=shortened)
    for name, (setting, _) in DELAYS.items():
        result += spread(f"delay/{name}", play, seeds, 250, setting=setting)
    return result


def rows(figures: dict[str, np.ndarray], ticks: int = HORIZON) -> list[Row]:
    """Return false rollbacks beside those of a z-test at every tick, and delays in units of the bound."""
    result: list[Row] = []
    for name in NULLS:
        hits = figures[f"null/{name}"] < ticks
        title = f"false rollback in {ticks:,} ticks: {name}"
        measured = share_ci(hits[:, 0])
        result.append(row(title, ALPHA, measured, float(hits[:, 1].mean()), "z-test each tick"))
    for name, (setting, goal) in DELAYS.items():
        first, start = figures[f"delay/{name}"], setting.since
        needed = np.log((HORIZON if start else 1) / ALPHA) / information(setting)
        unit = "log(T/α)/D" if start else "log(1/α)/D"
        waits = [column[column >= start] - start + 1.0 for column in (first[:, 0], first[:, 1])]
        peer = None if start else float(waits[1].mean() / needed)
        title = f"detection delay, .08 v .10 {name}, × {unit}"
        result.append(row(title, goal, mean_ci(waits[0], needed), peer, "z-test each tick"))
    return result
