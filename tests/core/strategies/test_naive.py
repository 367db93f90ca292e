from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bandit_operator.core import memory as mem
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import Arm, Window
from bandit_operator.core.strategies.naive import Naive
from tests.support.evaluated import evaluate

SCORES = (0.71, None, 0.78, 0.74)


def test_the_best_first_score_gets_everything(golden_shares: Callable[..., list[float]]) -> None:
    assert golden_shares(Naive(), scores=SCORES) == [0.0, 0.0, 1.0, 0.0]
    assert golden_shares(Naive(), eligible=("a", "b", "d"), scores=SCORES) == [0.0, 0.0, 0.0, 1.0]


def test_without_scores_the_baseline_gets_everything(golden_shares: Callable[..., list[float]]) -> None:
    assert golden_shares(Naive(), scores=(None,) * 4) == [1.0, 0.0, 0.0, 0.0]


def test_a_score_that_changes_later_changes_nothing(
    make_experiment: Callable[..., Experiment], make_window: Callable[..., Window]
) -> None:
    before = replace(make_experiment(2, "Naive"), arms=(Arm("a", 0.8), Arm("b", 0.7)))
    memory = mem.update(before, mem.initial(before), make_window([9, 9], [1, 1]))
    after = replace(make_experiment(2, "Naive"), arms=(Arm("a", 0.8), Arm("b", 0.9)))
    assert evaluate(after, memory, {"a", "b"}).shares == {"a": 1.0, "b": 0.0}
    assert evaluate(after, mem.reset_arm(memory, "b"), {"a", "b"}).shares == {"a": 0.0, "b": 1.0}
