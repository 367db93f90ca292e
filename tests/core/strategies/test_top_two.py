from __future__ import annotations

from collections.abc import Callable

import pytest

from bandit_operator.core.model import RewardType
from bandit_operator.core.strategies.top_two import TopTwo


@pytest.mark.parametrize(
    ("kind", "golden"),
    [
        (RewardType.BERNOULLI, [0.27287, 0.481698, 0.228355, 0.017077]),
        (RewardType.GAUSSIAN, [0.271663, 0.468351, 0.236038, 0.023947]),
    ],
)
def test_golden_shares(
    golden_shares: Callable[..., list[float]], kind: RewardType, golden: list[float]
) -> None:
    assert golden_shares(TopTwo(), kind) == pytest.approx(golden, abs=1e-5)


def test_a_larger_beta_gives_the_challengers_less(golden_shares: Callable[..., list[float]]) -> None:
    found = golden_shares(TopTwo(beta=0.8))
    assert found == pytest.approx([0.187853, 0.643796, 0.156758, 0.011593], abs=1e-5)
