"""Paths are compared within rounds, in turn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_rel

from bench.overhead.paired import difference, order


def test_every_path_is_first_middle_and_last_equally_often() -> None:
    rounds = [order(["a", "b", "c"], number) for number in range(6)]
    for position in range(3):
        assert sorted(names[position] for names in rounds) == ["a", "a", "b", "b", "c", "c"]


def test_the_interval_is_that_of_the_paired_t_test() -> None:
    rng = np.random.default_rng(1)
    before = rng.uniform(1, 5, 8)
    after = before + rng.normal(0.3, 0.1, 8)
    mean, (low, high) = difference(after, before)
    expected = ttest_rel(after, before).confidence_interval(0.95)
    assert mean == pytest.approx((after - before).mean())
    assert (low, high) == pytest.approx((expected.low, expected.high))


def test_a_machine_that_drifts_is_no_difference_between_paths() -> None:
    before = np.linspace(1, 100, 10)
    mean, (low, high) = difference(before + 0.5, before)
    assert (mean, low, high) == pytest.approx((0.5, 0.5, 0.5))


@pytest.mark.parametrize(("after", "before"), [([1.0], [2.0]), ([1.0, 2.0], [1.0])])
def test_rounds_that_have_no_partner_are_refused(after: list[float], before: list[float]) -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        difference(after, before)
