from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bandit_operator.core.inference import evidence as ev
from bandit_operator.core.inference import forecast, mean_bets, restarts, verdicts
from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.core.model import RewardType

BERNOULLI = RewardType.BERNOULLI


def learn(evidence: ev.Evidence, tick: np.ndarray, kind: RewardType = BERNOULLI) -> ev.Evidence:
    """The evidence after one more tick."""
    return ev.update(evidence, tick, np.zeros_like(tick), kind, 0)


def follow(
    rng: np.random.Generator,
    rates: Any,
    ticks: int,
    seeds: Any,
    trials: Any = 100,
    shares: Any = (0.5, 0.5),
    kind: RewardType = BERNOULLI,
) -> Floats:
    """Log e-values (E1, E2, E3) of one arm against the baseline in many runs: ``[ticks, 3, seeds]``."""
    evidence = ev.Evidence.initial(kind, 2, (seeds,))
    path = []
    for _ in range(ticks):
        first = rng.binomial(trials, shares[0], seeds)
        counts = np.stack([first, trials - first], axis=-1)
        tick = np.stack([counts, rng.binomial(counts, rates)], axis=-2).astype(float)
        evidence = learn(evidence, tick, kind)
        path.append([log_e[:, 0, 1] for log_e in ev.log_e_values(evidence)])
    return np.array(path)


def test_restart_weights_are_positive_fall_and_sum_to_one_over_an_unlimited_life() -> None:
    ages = np.arange(0.0, 200_000.0)
    weights = restarts.restart_weight(ages)
    assert (weights > 0).all()
    assert (np.diff(weights) < 0).all()
    assert weights.sum() + restarts.unused_weight(np.array(200_000.0)) == pytest.approx(1.0)
    assert restarts.unused_weight(np.array(1e15)) < 1e-5


def test_one_tick_of_e1_is_the_published_formula() -> None:
    evidence = ev.Evidence.initial(BERNOULLI, 2)
    evidence = learn(evidence, np.array([[40.0, 60.0], [20.0, 6.0]]))
    estimate = forecast.forecast(evidence.forecast, BERNOULLI).mean
    (n_b, y_b), (n_k, y_k) = (30.0, 11.0), (70.0, 9.0)
    null = (n_b * estimate[0] + n_k * estimate[1]) / (n_b + n_k)
    odds = [(m / null, (1 - m) / (1 - null)) for m in estimate]
    factor = odds[0][0] ** y_b * odds[0][1] ** (n_b - y_b) * odds[1][0] ** y_k * odds[1][1] ** (n_k - y_k)
    after = learn(evidence, np.array([[n_b, n_k], [y_b, y_k]])).likelihood
    weight = restarts.restart_weight(np.array(0.0))
    assert np.exp(after["growth"][0, 0, 1]) == pytest.approx(weight * factor)
    assert np.exp(after["growth"][0, 1, 0]) == pytest.approx(weight)


def test_the_mean_e_value_of_equal_arms_never_exceeds_one(rng: np.random.Generator) -> None:
    # The mean of an e-process at any fixed tick is at most 1; few ticks, so that the mean is not
    # dominated by runs too rare to be drawn.
    path = np.exp(follow(rng, [0.1, 0.1], ticks=12, seeds=20_000))
    mean, error = path.mean(-1), path.std(-1) / np.sqrt(20_000)
    assert (mean <= 1 + 4 * error + 1e-9).all()


def test_equal_arms_reach_the_threshold_no_more_often_than_allowed(rng: np.random.Generator) -> None:
    peak = follow(rng, [0.1, 0.1], ticks=600, seeds=600).max(0)
    crossed = (peak >= np.log(1 / 0.05)).mean(-1)
    assert (crossed <= 0.05).all()


def test_a_worse_arm_is_found_by_the_first_two_tests_and_a_dead_one_by_the_third(
    rng: np.random.Generator,
) -> None:
    # The second waits for 60 ticks, until one in twenty that would make the arms equal must have come.
    path = follow(rng, [0.10, 0.05], ticks=100, seeds=200)
    assert ((path[:, :2] >= np.log(1 / 0.05)).any(0).mean(-1) > 0.98).all()
    dead = follow(rng, [0.9, 0.0], ticks=12, seeds=200)
    assert (dead[:, 2] >= np.log(10 / 0.05)).any(0).all()


def test_an_arm_that_breaks_late_is_found_in_spite_of_its_good_past(rng: np.random.Generator) -> None:
    evidence = ev.Evidence.initial(BERNOULLI, 2)
    for tick in range(1_000):
        rate = 0.12 if tick < 900 else 0.04
        counts = np.array([50, 50])
        evidence = learn(evidence, np.array([counts, rng.binomial(counts, [0.1, rate])]) * 1.0)
        if tick == 899:
            assert not verdicts.rolled_back(ev.log_proof(evidence), 0, 0.05).any()
    assert verdicts.rolled_back(ev.log_proof(evidence), 0, 0.05).tolist() == [False, True]


def test_requests_that_are_alike_within_a_tick_temper_the_evidence(rng: np.random.Generator) -> None:
    evidence = ev.Evidence.initial(BERNOULLI, 2, (200,))
    for _ in range(300):
        rates = rng.beta(0.1 * 11.25, 0.9 * 11.25, (200, 2))
        counts = np.full((200, 2), 50)
        tick = np.stack([counts, rng.binomial(counts, rates)], axis=-2) * 1.0
        evidence = learn(evidence, tick)
    assert np.median(ev.over_dispersion(evidence)[:, 0, 1]) == pytest.approx(5.0, rel=0.2)


def test_rare_rewards_are_added_up_until_a_block_is_worth_a_few_of_them(rng: np.random.Generator) -> None:
    evidence = ev.Evidence.initial(BERNOULLI, 2)
    for _ in range(400):
        counts = np.array([50, 50])
        evidence = learn(evidence, np.array([counts, rng.binomial(counts, 0.01)]) * 1.0)
    # With 50 requests of 1 % each, z has a variance of a quarter of a reward a tick.
    ticks_a_block = mean_bets.BLOCK / (25 * 0.01 * 0.99)
    assert evidence.bets["blocks"][0, 1] == pytest.approx(400 / ticks_a_block, rel=0.25)


def test_normal_rewards_of_a_worse_arm_are_found_and_of_an_equal_arm_are_not(
    rng: np.random.Generator,
) -> None:
    evidence = ev.Evidence.initial(RewardType.GAUSSIAN, 3)
    for _ in range(150):
        values = rng.normal([5.0, 4.6, 5.0], 2.0, (40, 3))
        tick = np.stack([np.full(3, 40.0), values.sum(0), (values**2).sum(0)])
        evidence = learn(evidence, tick, RewardType.GAUSSIAN)
    assert verdicts.rolled_back(ev.log_proof(evidence), 0, 0.05).tolist() == [False, True, False]
