from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bandit_operator.core.model import RewardType
from bandit_operator.core.strategies.thompson import Thompson


@pytest.mark.parametrize(
    ("kind", "golden"),
    [
        (RewardType.BERNOULLI, [0.131176, 0.751861, 0.109026, 0.007937]),
        (RewardType.GAUSSIAN, [0.163372, 0.682362, 0.14061, 0.013656]),
    ],
)
def test_golden_shares(
    golden_shares: Callable[..., list[float]], kind: RewardType, golden: list[float]
) -> None:
    assert golden_shares(Thompson(), kind) == pytest.approx(golden, abs=1e-5)


def test_a_half_life_of_one_tick_forgets_the_first_windows(golden_shares: Callable[..., list[float]]) -> None:
    found = golden_shares(Thompson(half_life=30.0))
    assert found == pytest.approx([0.181315, 0.693472, 0.103994, 0.02122], abs=1e-5)


def test_shares_are_the_frequencies_of_drawing_each_arm_as_the_best(
    golden_shares: Callable[..., list[float]], rng: np.random.Generator
) -> None:
    rewards, trials = np.array([79, 127, 78, 37]), np.array([750, 1050, 750, 450])
    draws = rng.beta(1 + rewards, 1 + trials - rewards, (400_000, 4)).argmax(-1)
    assert golden_shares(Thompson()) == pytest.approx(np.bincount(draws) / 400_000, abs=4e-3)
