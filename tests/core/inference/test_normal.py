"""The normal distribution, beside scipy's."""

from __future__ import annotations

import numpy as np
from scipy import special

from bandit_operator.core.inference import normal


def test_quantiles_are_those_of_scipy_in_any_shape() -> None:
    probability = np.concatenate([np.geomspace(1e-12, 0.5, 200), 1.0 - np.geomspace(1e-12, 0.5, 200)])
    probability = probability.reshape(4, 100)
    np.testing.assert_allclose(
        normal.quantile(probability), special.ndtri(probability), rtol=1e-13, atol=1e-15
    )


def test_probabilities_are_those_of_scipy_in_any_shape() -> None:
    value = np.linspace(-30.0, 30.0, 601).reshape(1, 601)
    np.testing.assert_allclose(normal.distribution(value), special.ndtr(value), rtol=1e-12)


def test_each_is_the_inverse_of_the_other() -> None:
    value = np.linspace(-6.0, 6.0, 49)
    np.testing.assert_allclose(normal.quantile(normal.distribution(value)), value, rtol=1e-6, atol=1e-12)
