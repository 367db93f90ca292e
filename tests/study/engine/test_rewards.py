"""Answers are rewarded exactly as the collector rewards them."""

from __future__ import annotations

import numpy as np
import pytest

from bandit_serving.rewards import make_reward
from bandit_study.data.table import Task
from bandit_study.engine.rewards import choose

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("share", "name"), [(0.5, "accuracy"), (0.2, "balanced-accuracy"), (0.8, "balanced-accuracy")]
)
def test_the_share_of_positives_chooses_the_reward(share: float, name: str) -> None:
    assert choose(Task.CLASSIFICATION, (RNG.random(4000) < share).astype(float)).name == name


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5])
def test_each_reward_is_that_of_the_reward_function_called_for_the_single_answer(share: float) -> None:
    target = (RNG.random(300) < share).astype(float)
    scores = RNG.random(300)
    reward = choose(Task.CLASSIFICATION, target)
    function = make_reward(reward.name, reward.settings)
    expected = [
        function.reward(
            {"predict": str(int(score >= reward.threshold)), "predict_proba": [1 - score, score]},
            str(int(label)),
        )
        for score, label in zip(scores.tolist(), target.tolist(), strict=True)
    ]
    assert reward.of(scores, target).tolist() == pytest.approx(expected)


def test_rare_positives_are_rewarded_by_the_net_benefit() -> None:
    assert choose(Task.CLASSIFICATION, (np.arange(1000) < 20).astype(float)).name == "rare-positives"


def test_a_number_is_rewarded_by_its_error_within_the_bound_of_the_training_part() -> None:
    target = np.arange(101.0)
    reward = choose(Task.REGRESSION, target)
    assert reward.settings["bound"] == pytest.approx(45.0)
    found = reward.of(np.array([10.0, 55.0, 100.0]), np.array([10.0, 10.0, 0.0]))
    assert found.tolist() == pytest.approx([1.0, 0.0, 0.0])


def test_a_training_part_without_positives_gives_a_reward_all_the_same() -> None:
    reward = choose(Task.CLASSIFICATION, np.zeros(100))
    assert np.isfinite(reward.of(np.array([0.2, 0.9]), np.array([0.0, 1.0]))).all()
