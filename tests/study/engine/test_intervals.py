"""Intervals are those of Student, and pairs are compared as pairs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bandit_study.engine.intervals import mean_interval, paired


def test_the_interval_is_that_of_the_t_distribution() -> None:
    values = np.random.default_rng(0).normal(size=30)
    expected = stats.t.interval(0.95, 29, values.mean(), stats.sem(values))
    found = mean_interval(values)
    assert found is not None
    assert found[1:] == pytest.approx(expected)


def test_what_seeds_have_in_common_does_not_widen_the_interval_of_a_difference() -> None:
    common = np.random.default_rng(1).normal(scale=100, size=30)
    found = paired(common + 1.0, common)
    assert found == pytest.approx((1.0, 1.0, 1.0))


def test_seeds_without_a_value_are_left_out_and_none_at_all_is_told() -> None:
    found = mean_interval(np.array([1.0, np.nan, 3.0]))
    assert found is not None
    assert found[0] == 2.0
    assert mean_interval(np.array([np.nan])) is None
    assert paired(np.array([np.nan]), np.array([1.0])) is None
