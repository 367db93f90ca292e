from __future__ import annotations

import pytest

from bandit_operator.core.model import RewardType
from bandit_operator.core.strategies import STRATEGIES

ContrastThompson = STRATEGIES["ContrastThompson"]


@pytest.mark.parametrize(
    ("kind", "golden"),
    [
        (RewardType.BERNOULLI, [0.136719, 0.755371, 0.099609, 0.008301]),
        (RewardType.GAUSSIAN, [0.174805, 0.668945, 0.135254, 0.020996]),
    ],
)
def test_golden_shares(golden_shares, kind, golden) -> None:
    assert golden_shares(ContrastThompson(), kind) == pytest.approx(golden, abs=5e-4)


def test_a_half_life_of_one_tick_believes_the_newest_comparison_more(golden_shares) -> None:
    found = golden_shares(ContrastThompson(half_life=30.0))
    assert found == pytest.approx([0.173828, 0.705078, 0.101074, 0.02002], abs=5e-4)
