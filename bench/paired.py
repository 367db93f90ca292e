"""A shadow: how often it finds an equal arm worse, and how much sooner it finds a worse one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bandit_operator.core.inference import evidence as ev
from bandit_operator.core.inference import shadow, verdicts
from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.core.inference.paired import PairTick
from bandit_operator.core.inference.shadow import ShadowEvidence, ShadowTick
from bandit_operator.core.model import Guardrails, RewardType
from bandit_operator.core.strategies import DEFAULT_STRATEGY, STRATEGIES
from bandit_operator.simulation.play import NEVER, play
from bandit_operator.simulation.world import SupposedShadow, World
from bench.task import Row, Task, row, share_ci, spread

ALPHA, HORIZON = 0.05, 10_000
KIND = RewardType.BERNOULLI
Rates = Callable[[int, np.random.Generator, int], Floats]
"""Mean rewards of two arms in a tick ``[S, 2]``, equal in the mean over ticks."""


@dataclass(frozen=True)
class Null:
    """Two arms of which none is worse, on requests that are alike to both in part."""

    rates: Rates
    requests: int = 100
    share: float = 0.5
    """Of the traffic, for the second arm."""
    scored: int = 10
    """Requests of a tick that both arms answer in the shadow."""
    alike: float = 0.9
    flushed: float = 1.0
    """How often the labels of the shadow come; then all at once that have waited."""


def _flat(rate: float) -> Rates:
    return lambda _tick, _rng, seeds: np.full((seeds, 2), rate)


def _cycle(tick: int, _rng: np.random.Generator, seeds: int) -> Floats:
    return np.full((seeds, 2), 0.7 + 0.2 * np.sin(2 * np.pi * tick / 2880))


def _effect(rate: float, low: float, high: float, often: float) -> Rates:
    def rates(_tick: int, rng: np.random.Generator, seeds: int) -> Floats:
        result = np.full((seeds, 2), rate)
        result[:, 1] *= np.where(rng.random(seeds) < often, high, low)
        return result

    return rates


def _own(rate: float, strength: float) -> Rates:
    return lambda _tick, rng, seeds: rng.beta(rate * strength, (1 - rate) * strength, (seeds, 2))


NULLS = {
    "flat, .8": Null(_flat(0.8)),
    "flat, .8, a thousand scored": Null(_flat(0.8), scored=1_000),
    "flat, .02": Null(_flat(0.02), scored=50),
    "two scored a tick": Null(_flat(0.8), scored=2),
    "answers with nothing in common": Null(_flat(0.8), alike=0.0, scored=50),
    "day cycle": Null(_cycle),
    "each arm has good and bad ticks": Null(_own(0.8, 40.0), scored=100),
    "ticks of −30/+270 %": Null(_effect(0.1, 0.7, 3.7, 0.1), scored=50),
    "all or nothing, .1": Null(_effect(0.1, 0.0, 10.0, 0.1), scored=20),
    "ticks of −10/+90 %, 2,000 scored": Null(_effect(0.3, 0.9, 1.9, 0.1), scored=2_000, requests=2_000),
    "labels come once in twenty ticks": Null(_flat(0.8), flushed=0.05),
}


def play_null(name: str, seeds: int, seed: int, ticks: int) -> np.ndarray:
    """Whether the second arm is ever found worse, by both witnesses and by the shadow alone ``[S, 2]``."""
    null, rng = NULLS[name], np.random.default_rng([11, seed])
    served, scored = ev.Evidence.initial(KIND, 2, (seeds,)), ShadowEvidence.initial(KIND, 2, (seeds,))
    totals, waiting = np.zeros((seeds, 2, 2)), np.zeros((seeds, 4))
    ever = np.zeros((seeds, 2), dtype=bool)
    limit = np.log(verdicts.threshold(2, ALPHA))
    for tick in range(ticks):
        rates = np.clip(null.rates(tick, rng, seeds), 0.0, 1.0)
        second = rng.binomial(null.requests, null.share, seeds)
        counts = np.stack([null.requests - second, second], axis=-1)
        moments = np.stack([counts, rng.binomial(counts, rates)], axis=-2).astype(float)
        waiting += _patterns(rng, null, rates)
        now = (rng.random(seeds) < null.flushed)[:, None] * waiting
        waiting = waiting - now
        served = ev.update(served, moments, totals, KIND, 0)
        scored = shadow.update(scored, _as_tick(now), moments, KIND)
        totals += moments
        proof = verdicts.log_proof(served, scored, KIND)
        alone = verdicts.shadow_proof(scored, KIND)[:, 0, 1] - np.log(2.0)
        ever[:, 0] |= verdicts.rolled_back(proof, 0, ALPHA)[:, 1]
        ever[:, 1] |= alone >= limit
    return ever


def _patterns(rng: np.random.Generator, null: Null, rates: Floats) -> Floats:
    """Requests on which both arms are right, only the first, only the second, neither ``[S, 4]``."""
    first, second = rates[:, 0], rates[:, 1]
    both = null.alike * np.minimum(first, second) + (1 - null.alike) * first * second
    chances = np.stack([both, first - both, second - both, 1 - first - second + both], axis=-1)
    chances = np.clip(chances, 0.0, 1.0)
    return rng.multinomial(null.scored, chances / chances.sum(-1, keepdims=True)).astype(float)


def _as_tick(patterns: Floats) -> ShadowTick:
    both, first, second = patterns[:, 0], patterns[:, 1], patterns[:, 2]
    count, between = patterns.sum(-1), ~np.eye(2, dtype=bool)
    difference = np.zeros((len(count), 2, 2))
    difference[:, 0, 1], difference[:, 1, 0] = first - second, second - first
    moments = np.stack([np.stack([count, count], -1), np.stack([both + first, both + second], -1)], axis=-2)
    squares = (first + second)[:, None, None] * between
    return ShadowTick(moments, PairTick(count[:, None, None] * between, difference, squares))


WORSE = {
    ".82 v .80, 90 requests a tick": World(
        "worse", ("a", "b"), "a", np.tile([0.82, 0.80], (6_000, 1)), np.full(6_000, 90.0)
    ),
    ".10 v .08, 100 requests a tick": World(
        "rare", ("a", "b"), "a", np.tile([0.10, 0.08], (6_000, 1)), np.full(6_000, 100.0)
    ),
    ".90 v .85, 1,000 requests a tick": World(
        "many", ("a", "b"), "a", np.tile([0.90, 0.85], (3_000, 1)), np.full(3_000, 1_000.0)
    ),
}
"""The default strategy's own weights; the second arm is worse from the start."""


def play_worse(name: str, share: float, seeds: int, seed: int) -> np.ndarray:
    """First tick at which the worse arm is rolled back ``[S]``; the world's length for never."""
    world = WORSE[name]
    if share > 0:
        world = replace(world, shadow=SupposedShadow(share), guardrails=Guardrails(min_share=0.0))
    played = play(world, STRATEGIES[DEFAULT_STRATEGY](), seeds, np.random.default_rng([12, seed]))
    first = played.rolled_back_at[:, 1]
    return np.where(first == NEVER, world.ticks, first + 1).astype(float)


def tasks(seeds: int, ticks: int = HORIZON) -> list[Task]:
    """All nulls, and the worse arms with a shadow and without."""
    result = []
    for name in NULLS:
        result += spread(f"paired/null/{name}", play_null, seeds, 200, name=name, ticks=ticks)
    for name in WORSE:
        for share in (0.0, 0.1):
            key = f"paired/worse/{name}/{share:g}"
            result += spread(key, play_worse, max(20, seeds // 10), 50, name=name, share=share)
    return result


def rows(figures: dict[str, np.ndarray], ticks: int = HORIZON) -> list[Row]:
    """Return false verdicts of both witnesses, and times to a verdict beside those without a shadow."""
    result: list[Row] = []
    for name in NULLS:
        ever = figures[f"paired/null/{name}"]
        title = f"false rollback in {ticks:,} ticks with a shadow: {name}"
        result.append(row(title, ALPHA, share_ci(ever[:, 0]), float(ever[:, 1].mean()), "the shadow alone"))
    for name in WORSE:
        alone, shadowed = (figures[f"paired/worse/{name}/{share}"] for share in ("0", "0.1"))
        title = f"time to a verdict with a shadow of 10 %, × without: {name}"
        result.append(row(title, 0.25, _ratio(shadowed, alone), float(np.median(alone)), "ticks without"))
    return result


def _ratio(shadowed: np.ndarray, alone: np.ndarray) -> tuple[float, list[float]]:
    """Ratio of the medians, with its 95 % interval from 1,000 resamples of both."""
    rng = np.random.default_rng(13)
    draws = [
        np.median(rng.choice(shadowed, len(shadowed))) / np.median(rng.choice(alone, len(alone)))
        for _ in range(1_000)
    ]
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(np.median(shadowed) / np.median(alone)), [float(low), float(high)]
