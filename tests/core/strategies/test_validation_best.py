from __future__ import annotations

from collections.abc import Callable

from bandit_operator.core.strategies.validation_best import ValidationBest

SCORES = (0.71, None, 0.78, 0.74)


def test_the_best_score_gets_everything(golden_shares: Callable[..., list[float]]) -> None:
    assert golden_shares(ValidationBest(), scores=SCORES) == [0.0, 0.0, 1.0, 0.0]
    assert golden_shares(ValidationBest(), eligible=("a", "b", "d"), scores=SCORES) == [0.0, 0.0, 0.0, 1.0]


def test_a_score_that_changes_moves_everything(golden_shares: Callable[..., list[float]]) -> None:
    assert golden_shares(ValidationBest(), scores=(0.71, 0.9, 0.78, 0.74)) == [0.0, 1.0, 0.0, 0.0]
