"""Sums that are drawn at once are those of requests that are drawn one by one."""

from __future__ import annotations

import numpy as np
import pytest

from bandit_operator.core.model import Observed, RewardType
from bandit_operator.simulation.spread import Spread, measured

SPREAD = Spread((2.0, 1.0), denominator=3.0, denominator_deviation=1.0)
MEANS = (0.5, 1.2)


def one_by_one(rng: np.random.Generator, arm: int, requests: int, times: int) -> np.ndarray:
    x = 3.0 + rng.standard_normal((times, requests))
    y = MEANS[arm] * x + SPREAD.deviations[arm] * rng.standard_normal(x.shape)
    return np.stack([one.sum(1) for one in (np.ones_like(x), y, y**2, x, x**2, x * y)], axis=1)


@pytest.mark.parametrize("requests", [1, 2, 3, 40])
@pytest.mark.parametrize("arm", [0, 1])
def test_sums_have_the_means_and_covariances_of_single_requests(arm: int, requests: int) -> None:
    rng, times = np.random.default_rng([1, arm, requests]), 40_000
    drawn = SPREAD.sums(rng, np.tile(MEANS, (times, 1)), np.full((times, 2), float(requests)), 6)[:, :, arm]
    single = one_by_one(rng, arm, requests, times)
    assert drawn.mean(0) == pytest.approx(single.mean(0), rel=0.02)
    assert np.cov(drawn[:, 1:].T) == pytest.approx(np.cov(single[:, 1:].T), rel=0.1)


def test_no_request_adds_nothing() -> None:
    assert not SPREAD.sums(np.random.default_rng(2), np.tile(MEANS, (9, 1)), np.zeros((9, 2)), 6).any()


@pytest.mark.parametrize("reward_type", [RewardType.GAUSSIAN, RewardType.RATIO])
def test_what_was_seen_tells_how_much_rewards_vary_even_while_their_means_move(
    reward_type: RewardType,
) -> None:
    rng, ratio = np.random.default_rng(3), reward_type is RewardType.RATIO
    given = SPREAD if ratio else Spread(SPREAD.deviations)
    windows = []
    for tick in range(30):
        means = np.array(MEANS) + (0.0 if ratio else 10.0 * tick)
        sums = given.sums(rng, means, np.array([200.0, 300.0]), 6 if ratio else 3)
        windows.append({name: Observed(*map(float, sums[:, k])) for k, name in enumerate("ab")})
    found = measured(windows, "ab", reward_type)
    assert found is not None
    assert found.deviations == pytest.approx(given.deviations, rel=0.05)
    assert (found.denominator, found.denominator_deviation) == pytest.approx(
        (given.denominator, given.denominator_deviation), rel=0.05
    )


def test_an_arm_that_was_hardly_seen_varies_as_the_others() -> None:
    sums = Spread((2.0,)).sums(np.random.default_rng(4), np.array([5.0]), np.array([400.0]), 3)
    found = measured([{"a": Observed(*map(float, sums[:, 0]))}], "ab", RewardType.GAUSSIAN)
    assert found is not None
    assert found.deviations[1] == pytest.approx(found.deviations[0])


def test_windows_of_single_requests_tell_nothing_of_how_much_they_vary() -> None:
    assert measured([{"a": Observed(1.0, 3.0, 9.0)}], "ab", RewardType.GAUSSIAN) is None
