from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special

from bandit_operator.core.inference import posterior
from bandit_operator.core.model import RewardType

COUNTS = st.one_of(st.just(0.0), st.just(1.0), st.just(1e9), st.floats(0, 1e6))


def by_adaptive_quadrature(successes: np.ndarray, failures: np.ndarray) -> np.ndarray:
    """P(best) by scipy's adaptive quadrature on the plain scale: slow, and another method."""
    a, b = 1 + successes, 1 + failures
    marks = special.betaincinv(a[:, None], b[:, None], special.ndtr(np.arange(-8.0, 8.5, 1.0)))
    edges = np.unique(np.concatenate([[0.0, 1.0], marks.ravel()]))

    def density(x: float, k: int) -> float:
        f = np.exp(special.xlogy(a[k] - 1, x) + special.xlog1py(b[k] - 1, -x) - special.betaln(a[k], b[k]))
        others = [special.betainc(a[j], b[j], x) for j in range(len(a)) if j != k]
        return float(f * np.prod(others))

    return np.array(
        [
            sum(
                integrate.quad(density, low, high, args=(k,), epsabs=1e-10)[0]
                for low, high in itertools.pairwise(edges)
            )
            for k in range(len(a))
        ]
    )


@pytest.mark.parametrize(
    ("trials", "rates"),
    [
        pytest.param([1e3, 1e3], [0.10, 0.11], id="two close arms"),
        pytest.param([10, 1e5, 300], [0.5, 0.4, 0.45], id="little and much traffic"),
        pytest.param([1e6, 1e6, 20], [0.010, 0.0101, 0.9], id="rare rewards and one wide arm"),
        pytest.param([0, 0, 0, 0], [0.5] * 4, id="no data"),
        pytest.param([5, 50, 500], [1.0, 1.0, 1.0], id="all successes"),
    ],
)
def test_probability_of_being_best_equals_adaptive_quadrature_within_1e_5(
    trials: list[float], rates: list[float]
) -> None:
    n = np.array(trials, dtype=float)
    successes = n * np.array(rates)
    found = posterior.beta_best(successes, n - successes, np.ones(len(n), dtype=bool))
    np.testing.assert_allclose(found, by_adaptive_quadrature(successes, n - successes), atol=1e-5)


def test_probability_of_being_best_equals_a_large_sample_of_draws(rng: np.random.Generator) -> None:
    successes, failures = rng.integers(0, 400, 20).astype(float), rng.integers(0, 400, 20).astype(float)
    draws = rng.beta(1 + successes, 1 + failures, (200_000, 20)).argmax(-1)
    sampled = np.bincount(draws, minlength=20) / 200_000
    found = posterior.beta_best(successes, failures, np.ones(20, dtype=bool))
    np.testing.assert_allclose(found, sampled, atol=5 * np.sqrt(0.25 / 200_000))


def test_normal_posteriors_of_two_arms_give_the_closed_form() -> None:
    found = posterior.normal_best(np.array([1.0, 1.3]), np.array([0.2, 0.5]), np.array([True, True]))
    assert found[1] == pytest.approx(special.ndtr(0.3 / np.hypot(0.2, 0.5)), abs=1e-6)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=2, max_size=8), st.randoms(use_true_random=False))
def test_any_counts_give_probabilities_that_follow_a_permutation_of_the_arms(
    counts: Any, random: Any
) -> None:
    successes, failures = np.array(counts).T
    mask = np.ones(len(counts), dtype=bool)
    found = posterior.beta_best(successes, failures, mask)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    order = list(range(len(counts)))
    random.shuffle(order)
    np.testing.assert_allclose(
        posterior.beta_best(successes[order], failures[order], mask), found[order], atol=1e-9
    )


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 5_000)), min_size=2, max_size=5),
    st.integers(1, 50),
)
def test_more_reward_at_equal_trials_never_lowers_an_arms_probability(counts: Any, more: Any) -> None:
    successes, failures = np.array(counts, dtype=float).T
    mask = np.ones(len(counts), dtype=bool)
    better, worse = successes.copy(), failures.copy()
    moved = min(float(more), worse[0])
    better[0], worse[0] = better[0] + moved, worse[0] - moved
    before, after = (
        posterior.beta_best(successes, failures, mask)[0],
        posterior.beta_best(better, worse, mask)[0],
    )
    assert after >= before - 1e-6


def test_leading_axes_give_what_single_rows_give(rng: np.random.Generator) -> None:
    successes, failures = rng.uniform(0, 90, (3, 200, 5)), rng.uniform(0, 90, (3, 200, 5))
    mask = rng.random((3, 200, 5)) < 0.8
    together = posterior.beta_best(successes, failures, mask)
    one = posterior.beta_best(successes[2, 150], failures[2, 150], mask[2, 150])
    np.testing.assert_array_equal(together[2, 150], one)
    assert (together[~mask] == 0).all()


def test_arms_without_trials_have_no_mean_and_no_interval() -> None:
    moments = np.array([[0.0, 10.0], [0.0, 10.0]])
    mean, low, high = posterior.interval(moments, RewardType.BERNOULLI)
    assert np.isnan([mean[0], low[0], high[0]]).all()
    assert 0.6 < low[1] < mean[1] == high[1] == 1.0


def test_interval_of_a_ratio_covers_it_at_its_nominal_rate(rng: np.random.Generator) -> None:
    x = rng.uniform(0.5, 1.5, (2_000, 300))
    y = 0.4 * x + rng.normal(0, 0.3, x.shape)
    sums = [np.full(2_000, 300.0), y.sum(-1), (y * y).sum(-1), x.sum(-1), (x * x).sum(-1), (x * y).sum(-1)]
    _, low, high = posterior.interval(np.stack(sums), RewardType.RATIO)
    covered = ((low <= 0.4) & (high >= 0.4)).mean()
    assert 0.93 < covered < 0.97
