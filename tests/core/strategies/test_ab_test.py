from __future__ import annotations

from collections.abc import Callable

import pytest

from bandit_operator.core.strategies.ab_test import ABTest


def test_without_a_split_all_arms_get_the_same(golden_shares: Callable[..., list[float]]) -> None:
    assert golden_shares(ABTest()) == [0.25, 0.25, 0.25, 0.25]


def test_arms_left_out_of_the_split_divide_what_remains(golden_shares: Callable[..., list[float]]) -> None:
    assert golden_shares(ABTest(split={"a": 0.5, "c": 0.3})) == pytest.approx([0.5, 0.1, 0.3, 0.1])


def test_the_split_is_scaled_to_the_arms_that_may_serve(golden_shares: Callable[..., list[float]]) -> None:
    found = golden_shares(ABTest(split={"a": 0.5, "c": 0.3}), eligible=("a", "c"))
    assert found == pytest.approx([0.625, 0.0, 0.375, 0.0])
