from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.core.model import RewardType
from bandit_operator.core.strategies.contrast_posteriors import log_evidence, log_forecast
from bandit_operator.core.strategies.hypotheses import Priors, priors
from bandit_operator.core.strategies.validation import Validation

SCORES = Validation(np.array([0.30, 0.27, 0.25]), np.array([0.0, 0.01, 0.02]))


def _sums(trials: Floats, means: Floats, variance: float) -> dict[str, Floats]:
    """Weights and differences of the pairs, the same in each of three memories."""
    count = trials.sum()
    weight = np.outer(trials, trials) / (variance * count) * ~np.eye(len(trials), dtype=bool)
    difference = weight * (means[:, None] - means[None, :])
    return {"weight": np.tile(weight, (3, 1, 1)), "difference": np.tile(difference, (3, 1, 1))}


@pytest.fixture
def prior() -> Priors:
    return priors(np.zeros(()), SCORES, RewardType.BERNOULLI)


def test_evidence_rises_by_what_each_tick_was_forecast_with(prior: Priors) -> None:
    first = _sums(np.array([50.0, 30.0, 20.0]), np.array([0.31, 0.22, 0.27]), 0.19)
    tick = _sums(np.array([10.0, 80.0, 40.0]), np.array([0.28, 0.29, 0.21]), 0.19)
    both = {name: first[name] + tick[name] for name in first}
    rise = log_evidence(both, prior) - log_evidence(first, prior)
    forecast = log_forecast(first, tick["weight"], tick["difference"].sum(-1), prior)
    assert rise - rise[:1] == pytest.approx(forecast - forecast[:1], abs=1e-9)


def test_evidence_is_the_density_of_the_differences_seen(prior: Priors) -> None:
    trials, means, variance = np.array([50.0, 30.0, 20.0]), np.array([0.31, 0.22, 0.27]), 0.19
    found = log_evidence(_sums(trials, means, variance), prior)[:, 0]
    pairs = np.array([[1.0, -1.0, 0.0], [0.0, 1.0, -1.0]])
    expected = [
        multivariate_normal(pairs @ mean, pairs @ np.diag(spread + variance / trials) @ pairs.T).logpdf(
            pairs @ means
        )
        for mean, spread in zip(prior.mean, prior.variance, strict=True)
    ]
    assert found - found[0] == pytest.approx(np.array(expected) - expected[0], abs=1e-9)


def test_arms_that_differ_as_much_in_any_order_are_expected_to_be_as_far_apart(prior: Priors) -> None:
    exact = priors(np.zeros(()), Validation(SCORES.scores, np.zeros(3)), RewardType.BERNOULLI)
    right = (exact.mean[3:] ** 2).sum(-1) + 2.0 * exact.variance[3:, 0]
    assert 2.0 * exact.variance[1:3, 0] == pytest.approx(right)
    assert (exact.mean[:3] == 0.0).all()
    assert np.exp(prior.log_weight).sum() == pytest.approx(1.0)
