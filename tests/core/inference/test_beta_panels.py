"""Quantiles of the Beta distribution, beside scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from bandit_operator.core.inference.beta_panels import quantiles

ENDS = np.array([0.025, 0.975])


def test_quantiles_lie_within_a_five_hundredth_of_a_standard_deviation(rng: np.random.Generator) -> None:
    alpha, beta = 1.0 + np.exp(rng.uniform(-9.0, np.log(1e9), (2, 20_000)))
    exact = special.betaincinv(alpha[:, None], beta[:, None], ENDS)
    deviation = np.sqrt(alpha * beta / (alpha + beta + 1.0)) / (alpha + beta)
    assert (np.abs(quantiles(alpha, beta, ENDS) - exact) / deviation[:, None]).max() < 0.002


@pytest.mark.parametrize("counts", [(1.0, 1.0), (1.0, 1e9), (1e9, 1.0), (1e12, 1e12)])
def test_quantiles_rise_and_are_probabilities_at_the_edges_too(counts: tuple[float, float]) -> None:
    alpha, beta = (np.array([one]) for one in counts)
    found = quantiles(alpha, beta, np.array([0.001, 0.025, 0.5, 0.975, 0.999]))[0]
    assert (np.diff(found) > 0).all()
    assert found[0] > 0.0
    assert found[-1] < 1.0


def test_rows_are_independent_of_each_other() -> None:
    alpha, beta = np.array([[3.0, 50.0], [900.0, 1.5]]), np.array([[7.0, 5.0], [20.0, 80.0]])
    together = quantiles(alpha, beta, ENDS)
    alone = np.stack([quantiles(alpha[row], beta[row], ENDS) for row in range(2)])
    np.testing.assert_array_equal(together, alone)
