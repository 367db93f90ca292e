"""Reward functions and their settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from bandit_serving.errors import BadSetting
from bandit_serving.rewards import REWARDS, RewardFunction, load_routes, make_reward
from bandit_serving.rewards.base import NeverEqual, class_name


def mean(reward: RewardFunction, predicted: np.ndarray, truth: np.ndarray) -> float:
    pairs = zip(predicted.tolist(), truth.tolist(), strict=True)
    rewards = []
    for p, y in pairs:
        found = reward.reward({"predict": p}, y)
        assert isinstance(found, float)
        assert 0 <= found <= 1
        rewards.append(found)
    return float(np.mean(rewards))


def models(rng: np.random.Generator, truth: np.ndarray, classes: int) -> list[np.ndarray]:
    """Return predictions of 30 models, some good at the common class and some at the rare ones."""
    predictions = []
    for _ in range(30):
        recall = rng.uniform(0.1, 1.0, classes)
        wrong = (truth + rng.integers(1, classes, len(truth))) % classes
        predictions.append(np.where(rng.random(len(truth)) < recall[truth], truth, wrong))
    return predictions


def test_the_mean_of_accuracy_is_the_accuracy() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 500)
    for predicted in models(rng, truth, 3):
        assert mean(make_reward("accuracy", {}), predicted, truth) == pytest.approx(
            accuracy_score(truth, predicted)
        )


@pytest.mark.parametrize("shares", [(0.94, 0.06), (0.5, 0.5), (0.6, 0.3, 0.1)], ids=str)
def test_the_mean_of_balanced_accuracy_ranks_models_as_balanced_accuracy_does(
    shares: tuple[float, ...],
) -> None:
    rng = np.random.default_rng(2)
    truth = rng.choice(len(shares), 4000, p=shares)
    priors = {str(label): float(np.mean(truth == label)) for label in range(len(shares))}
    reward = make_reward("balanced-accuracy", {"priors": priors})
    predictions = models(rng, truth, len(shares))
    means = [mean(reward, predicted, truth) for predicted in predictions]
    scores = [balanced_accuracy_score(truth, predicted) for predicted in predictions]
    assert np.argsort(means).tolist() == np.argsort(scores).tolist()
    assert np.allclose(means, np.array(scores) * len(shares) * min(priors.values()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *((1, 1.0), (1, "1"), (1.0, "1"), (True, "true"), ("yes", "yes"), (0.5, "0.5"), (1, "1.0")),
        *((1, "+1"), ("+1.0", 1.0), (-1, "-1"), (0, -0.0), (0, "-0"), ("-0.0", "0")),
    ],
)
def test_a_class_may_be_written_in_several_ways(one: object, other: object) -> None:
    assert class_name(one) == class_name(other)


@pytest.mark.parametrize(
    ("predicted", "truth"),
    [(True, 1), (1, True), ("yes", False), (0.7, 1), (1, 0.7), (0.7, "1"), (1.0, "true")],
)
def test_types_that_leave_a_prediction_no_chance_are_no_wrong_answer(predicted: Any, truth: Any) -> None:
    with pytest.raises(NeverEqual, match=r"can never be equal: .*; send"):
        make_reward("accuracy", {}).reward({"predict": predicted}, truth)


@pytest.mark.parametrize(
    ("predicted", "truth"),
    [
        *((1, 2), ("a", "b"), (0.5, 0.25), ("true", "unknown"), ("1", "cat"), (1, "cat")),
        *((1, "-1"), ("007", "7"), ("+", 1)),
    ],
)
def test_classes_that_differ_and_need_not_are_a_wrong_answer(predicted: Any, truth: Any) -> None:
    assert make_reward("accuracy", {}).reward({"predict": predicted}, truth) == 0


@pytest.mark.parametrize(
    "number", [10**400, -(10**400), float("inf"), float("nan")], ids=["much", "little", "inf", "nan"]
)
@pytest.mark.parametrize("name", REWARDS)
def test_no_reward_function_takes_a_number_beyond_floats_as_label(name: str, number: float) -> None:
    needed: dict[str, dict[str, Any]] = {
        "balanced-accuracy": {"priors": {"0": 0.5, "1": 0.5}},
        "cost-matrix": {"costs": {"0": {"0": 0, "1": 1}, "1": {"0": 1, "1": 0}}},
        "expression": {"formula": "label"},
        "regression-error": {"bound": 1},
    }
    with pytest.raises(ValueError, match=r"no finite number|no class|no object"):
        make_reward(name, needed.get(name, {})).check_label(number)


def test_true_is_not_the_class_one() -> None:
    assert class_name(True) != class_name(1)


BAD = {
    "unknown function": ("speed", "{}", "--reward speed: there is none of this name; take one of accuracy,"),
    "no JSON": ("accuracy", "{", "not a JSON object"),
    "no object": ("accuracy", "[]", "accuracy: []: write a map, {NAME: …}"),
    "unknown setting": ("accuracy", '{"size": 1}', "size: there is no such setting; take it out"),
    "no priors": ("balanced-accuracy", "{}", "priors: is missing; add it"),
    "one class": (
        "balanced-accuracy",
        '{"priors": {"1": 1}}',
        'priors: {"1": 1}: Dictionary should have at least 2',
    ),
    "shares too small": ("balanced-accuracy", '{"priors": {"0": 0.5, "1": 0.4}}', "the shares add up to 0.9"),
    "a share of zero": (
        "balanced-accuracy",
        '{"priors": {"0": 1, "1": 0}}',
        "priors.1: 0: should be greater than 0",
    ),
}


@pytest.mark.parametrize(("name", "settings", "message"), BAD.values(), ids=BAD.keys())
def test_settings_that_do_not_fit_are_refused_by_name(name: str, settings: str, message: str) -> None:
    with pytest.raises(BadSetting) as caught:
        make_reward(name, settings)
    assert message in str(caught.value)


def test_a_label_without_a_share_is_refused() -> None:
    reward = make_reward("balanced-accuracy", {"priors": {"0": 0.5, "1": 0.5}})
    reward.check_label(1)
    with pytest.raises(ValueError, match="2 has no share; the classes of --reward-settings are 0, 1"):
        reward.check_label(2)


def test_the_registry_is_sorted_and_every_function_has_its_formula() -> None:
    assert list(REWARDS) == sorted(REWARDS)
    for kind in REWARDS.values():
        assert f"Reward type {kind.type}" in " ".join((kind.__doc__ or "").split())
        assert "r = " in (kind.__doc__ or "")


BAD_ROUTES = {
    "no mapping": ("[1]", "the file: [1]: write a map, {NAME: …}"),
    "no reward": ("income: {settings: {}}", "income.reward: is missing; add it"),
    "an unknown field": ("income: {reward: accuracy, size: 1}", "income.size: there is no such setting"),
    "a word for a map": ("income: accuracy", 'income: "accuracy": write a map, {NAME: …}'),
    "a number for a route": ("5: {reward: accuracy}", "5: 5: should be a valid string"),
    "an unknown function": ("income: {reward: speed}", "route income: --reward speed: there is none"),
    "no YAML": ("{", "cannot be read"),
}


@pytest.mark.parametrize(("text", "message"), BAD_ROUTES.values(), ids=BAD_ROUTES.keys())
def test_a_file_of_routes_that_does_not_fit_is_refused_by_route(
    text: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "routes.yaml"
    path.write_text(text)
    with pytest.raises(BadSetting) as caught:
        load_routes(path)
    assert message in str(caught.value)
