"""Verdicts in worlds in which requests of one tick are alike, few, or broken all at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bandit_operator.core.inference import breaks, verdicts
from bandit_operator.core.inference import evidence as ev
from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.core.model import RewardType

Rates = Callable[[int, np.random.Generator, int], Floats]
NEVER = 10_000_000


def first_rollback(
    rng: np.random.Generator, rates: Rates, *, seeds: int, ticks: int, requests: int, share: float = 0.5
) -> Floats:
    """The tick at which arm 1 is rolled back ``[seeds]``; ``share`` is its part of the traffic."""
    evidence = ev.Evidence.initial(RewardType.BERNOULLI, 2, (seeds,))
    first = np.full(seeds, NEVER)
    for tick in range(ticks):
        candidate = rng.binomial(requests, share, seeds)
        counts = np.stack([requests - candidate, candidate], axis=-1)
        rewards = rng.binomial(counts, np.clip(rates(tick, rng, seeds), 0.0, 1.0))
        moments = np.stack([counts, rewards], axis=-2).astype(float)
        evidence = ev.update(evidence, moments, np.zeros_like(moments), RewardType.BERNOULLI, 0)
        out = verdicts.rolled_back(ev.log_proof(evidence), 0, 0.05)[:, 1]
        first = np.where(out & (first == NEVER), tick, first)
    return first


def two_sided(low: float, high: float, often: float, who: int = 1, rate: float = 0.1) -> Rates:
    """One arm's rate varies from tick to tick between two values, of the same mean as the other's."""

    def rates(_: int, rng: np.random.Generator, seeds: int) -> Floats:
        result = np.full((seeds, 2), rate)
        result[:, who] *= np.where(rng.random(seeds) < often, high, low)
        return result

    return rates


EQUAL = {
    "ticks of -30 % and +270 %": (two_sided(0.7, 3.7, 0.1), 100, 0.5),
    "ticks of -10 % and +90 %, 2,000 requests": (two_sided(0.9, 1.9, 0.1), 2_000, 0.5),
    "ticks of -10 % and +90 %, a million requests": (two_sided(0.9, 1.9, 0.1), 1_000_000, 0.1),
    "the baseline's ticks of -10 % and +90 %": (two_sided(0.9, 1.9, 0.1, who=0), 2_000, 0.5),
    "ticks of -5 % and +95 %": (two_sided(0.95, 1.95, 0.05), 20_000, 0.3),
    "all or nothing": (two_sided(0.0, 10.0, 0.1), 100, 0.5),
    "all or nothing, one in twenty": (two_sided(0.0, 20.0, 0.05, rate=0.05), 100, 0.5),
    "ticks of -20 % and +380 %, one in twenty": (two_sided(0.8, 4.8, 0.05), 300, 0.5),
    "all or nothing at one half": (two_sided(0.0, 2.0, 0.5, rate=0.5), 1_000, 0.2),
    "five requests": (lambda _tick, _rng, seeds: np.full((seeds, 2), 0.9), 5, 0.5),
}


@pytest.mark.slow
@pytest.mark.parametrize("world", EQUAL)
def test_an_equal_arm_is_rolled_back_no_more_often_than_promised(
    rng: np.random.Generator, world: str
) -> None:
    rates, requests, share = EQUAL[world]
    first = first_rollback(rng, rates, seeds=400, ticks=2_000, requests=requests, share=share)
    # .05 is promised: more than 33 of 400 would be seen in less than one of 200 tests if it held.
    assert (first < NEVER).sum() <= 33


@pytest.mark.parametrize(("age", "within"), [(12, 3), (1_000, 2)])
def test_an_arm_that_breaks_at_once_is_out_within_two_ticks_or_three_if_it_is_young(
    rng: np.random.Generator, age: int, within: int
) -> None:
    def rates(tick: int, _: np.random.Generator, seeds: int) -> Floats:
        return np.tile([0.99, 0.99 if tick < age else 0.0], (seeds, 1))

    first = first_rollback(rng, rates, seeds=40, ticks=age + 8, requests=1_000, share=0.2)
    assert np.median(first) == age + within - 1
    assert (first < age + within + 3).all()


def test_two_bad_ticks_of_an_arm_that_has_had_such_ticks_are_no_break(rng: np.random.Generator) -> None:
    evidence = ev.Evidence.initial(RewardType.BERNOULLI, 2)
    for tick in range(60):
        rate = 0.0 if tick in (10, 40, 41) else 0.9
        rewards = rng.binomial([50, 50], [0.9, rate])
        moments = np.array([[50.0, 50.0], rewards])
        evidence = ev.update(evidence, moments, np.zeros_like(moments), RewardType.BERNOULLI, 0)
        assert not breaks.broken(evidence.breaks)[0, 1]


def test_a_dead_arm_at_one_request_a_tick_is_out_within_sixty_of_its_own_requests(
    rng: np.random.Generator,
) -> None:
    def rates(_: int, __: np.random.Generator, seeds: int) -> Floats:
        return np.tile([0.9, 0.0], (seeds, 1))

    first = first_rollback(rng, rates, seeds=40, ticks=600, requests=1, share=0.1)
    assert (first < 600).all()  # 60 requests of its own


def test_at_one_request_a_tick_an_equal_arm_stays(rng: np.random.Generator) -> None:
    def rates(_: int, __: np.random.Generator, seeds: int) -> Floats:
        return np.full((seeds, 2), 0.5)

    first = first_rollback(rng, rates, seeds=100, ticks=800, requests=1, share=0.3)
    assert (first < NEVER).sum() <= 5
