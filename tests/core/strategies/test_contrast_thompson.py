from __future__ import annotations

import pytest

from bandit_operator.core.model import RewardType
from bandit_operator.core.strategies import STRATEGIES

ContrastThompson = STRATEGIES["ContrastThompson"]


@pytest.mark.parametrize(
    ("kind", "golden"),
    [
        (RewardType.BERNOULLI, [0.136983, 0.757533, 0.097656, 0.007828]),
        (RewardType.GAUSSIAN, [0.177857, 0.6678, 0.138641, 0.015701]),
    ],
)
def test_golden_shares(golden_shares, kind, golden) -> None:
    assert golden_shares(ContrastThompson(), kind) == pytest.approx(golden, abs=2e-3)


def test_a_half_life_of_one_tick_believes_the_newest_comparison_more(golden_shares) -> None:
    found = golden_shares(ContrastThompson(half_life=30.0))
    assert found == pytest.approx([0.175781, 0.703125, 0.101562, 0.019531], abs=2e-3)
