from __future__ import annotations

from collections.abc import Callable

import pytest

from bandit_operator.core.model import RewardType
from bandit_operator.core.strategies.kl_ucb import KLUCB


@pytest.mark.parametrize(
    ("kind", "ticks", "golden"),
    [
        (RewardType.BERNOULLI, 1, [0.0, 0.813839, 0.175075, 0.011086]),
        (RewardType.BERNOULLI, 2, [0.0, 1.0, 0.0, 0.0]),
        (RewardType.GAUSSIAN, 1, [0.0, 0.741844, 0.210633, 0.047523]),
        (RewardType.GAUSSIAN, 2, [0.0, 0.931571, 0.068429, 0.0]),
    ],
)
def test_golden_shares(
    golden_shares: Callable[..., list[float]], kind: RewardType, ticks: int, golden: list[float]
) -> None:
    assert golden_shares(KLUCB(), kind, ticks=ticks) == pytest.approx(golden, abs=1e-6)
