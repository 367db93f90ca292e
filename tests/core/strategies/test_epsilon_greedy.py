from __future__ import annotations

from collections.abc import Callable

import pytest

from bandit_operator.core.model import RewardType
from bandit_operator.core.strategies.epsilon_greedy import EpsilonGreedy


@pytest.mark.parametrize("kind", [RewardType.BERNOULLI, RewardType.GAUSSIAN])
def test_golden_shares(golden_shares: Callable[..., list[float]], kind: RewardType) -> None:
    # 3,000 labels, 4 arms, c = 20: epsilon is 80/3000, a quarter of it for each arm.
    assert golden_shares(EpsilonGreedy(), kind) == pytest.approx([1 / 150, 0.98, 1 / 150, 1 / 150])


def test_a_smaller_constant_explores_less(golden_shares: Callable[..., list[float]]) -> None:
    found = golden_shares(EpsilonGreedy(exploration=5.0))
    assert found == pytest.approx([1 / 600, 0.995, 1 / 600, 1 / 600])


def test_before_the_first_label_all_arms_get_the_same(golden_shares: Callable[..., list[float]]) -> None:
    assert golden_shares(EpsilonGreedy(), ticks=0) == [0.25, 0.25, 0.25, 0.25]
