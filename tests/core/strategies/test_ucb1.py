from __future__ import annotations

from collections.abc import Callable

import pytest

from bandit_operator.core.model import RewardType
from bandit_operator.core.strategies.ucb1 import UCB1


@pytest.mark.parametrize(
    ("kind", "ticks", "golden"),
    [
        (RewardType.BERNOULLI, 1, [0.0, 0.595417, 0.324188, 0.080395]),
        (RewardType.BERNOULLI, 2, [0.0878, 0.663836, 0.248364, 0.0]),
        (RewardType.GAUSSIAN, 1, [0.0, 0.675983, 0.286594, 0.037422]),
        (RewardType.GAUSSIAN, 2, [0.030105, 0.784525, 0.185369, 0.0]),
    ],
)
def test_golden_shares(
    golden_shares: Callable[..., list[float]], kind: RewardType, ticks: int, golden: list[float]
) -> None:
    assert golden_shares(UCB1(), kind, ticks=ticks) == pytest.approx(golden, abs=1e-6)


def test_a_wider_bound_explores_more(golden_shares: Callable[..., list[float]]) -> None:
    found = golden_shares(UCB1(confidence=0.5), ticks=1)
    assert found == pytest.approx([0.03904, 0.412387, 0.351145, 0.197428], abs=1e-6)
