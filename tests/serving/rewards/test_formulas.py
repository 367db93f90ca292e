"""The formulas of the reward functions beyond accuracy."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score

from bandit_serving.errors import BadSetting
from bandit_serving.rewards import Ratio, RewardFunction, make_reward

COSTS = {"costs": {"good": {"good": 0, "bad": 1}, "bad": {"good": 5, "bad": -1}}}


def test_costs_are_scaled_from_the_dearest_to_the_cheapest() -> None:
    reward = make_reward("cost-matrix", COSTS)
    found = {(y, p): reward.reward({"predict": p}, y) for y in ("good", "bad") for p in ("good", "bad")}
    assert found == {
        ("good", "good"): pytest.approx(5 / 6),
        ("good", "bad"): pytest.approx(4 / 6),
        ("bad", "good"): 0,
        ("bad", "bad"): 1,
    }


def value(reward: RewardFunction, outputs: dict[str, Any], label: Any) -> float:
    """A reward that is a number."""
    found = reward.reward(outputs, label)
    assert isinstance(found, float)
    return found


def test_the_mean_ranks_models_by_mean_cost() -> None:
    rng = np.random.default_rng(3)
    reward = make_reward("cost-matrix", COSTS)
    truth = rng.choice(["good", "bad"], 500).tolist()
    costs, means = [], []
    for share in rng.random(20):
        predicted = np.where(rng.random(500) < share, truth, "bad").tolist()
        pairs = list(zip(truth, predicted, strict=True))
        costs.append(sum(COSTS["costs"][y][p] for y, p in pairs))
        means.append(sum(value(reward, {"predict": p}, y) for y, p in pairs))
    assert np.allclose(np.array(means), 500 - (np.array(costs) + 500) / 6)


@pytest.mark.parametrize(
    ("power", "error", "expected"),
    [(1, 0, 1), (1, 5, 0.5), (1, -5, 0.5), (2, 5, 0.75), (1, 10, 0), (2, 99, 0)],
)
def test_an_error_is_a_share_of_the_bound(power: int, error: float, expected: float) -> None:
    reward = make_reward("regression-error", {"bound": 10, "power": power})
    assert reward.reward({"predict": 3.0 + error}, 3) == pytest.approx(expected)


def test_a_conversion_is_worth_its_share_of_the_most() -> None:
    reward = make_reward("conversion", {"most": 50})
    assert [reward.reward({}, label) for label in (True, 0, 25, 50, 80)] == [1, 0, 0.5, 1, 1]
    assert reward.expired == 0


def test_revenue_is_the_amount_and_nothing_reported_is_none() -> None:
    reward = make_reward("revenue", {})
    assert [reward.reward({}, label) for label in (0, 12.5, -3, 1e12)] == [0, 12.5, -3, 1e12]
    assert reward.expired == 0


def test_revenue_and_items_stay_apart_so_that_their_sums_can_be_divided() -> None:
    reward = make_reward("revenue-per-item", {"denominator": "pieces"})
    assert reward.reward({}, {"revenue": 42.5, "pieces": 3, "currency": "EUR"}) == Ratio(42.5, 3)


def proba(score: float) -> dict[str, Any]:
    return {"predict_proba": [1 - score, score]}


def test_a_caught_positive_is_worth_more_the_surer_and_a_false_alarm_costs_more_the_surer() -> None:
    reward = make_reward("rare-positives", {"thresholds": [0.2, 0.5]})  # weights 0.25 and 1
    scores = (0.1, 0.3, 0.6)
    assert [reward.reward(proba(s), 1) for s in scores] == pytest.approx([1.25 / 3.25, 2.25 / 3.25, 1])
    assert [reward.reward(proba(s), 0) for s in scores] == pytest.approx([1.25 / 3.25, 1 / 3.25, 0])


@given(true=st.floats(0.02, 0.98), stated=st.floats(0.02, 0.98))
def test_no_stated_probability_is_worth_more_than_the_true_one(true: float, stated: float) -> None:
    reward = make_reward("rare-positives", {})

    def expected(score: float) -> float:
        good, bad = (value(reward, proba(score), label) for label in (1, 0))
        return true * good + (1 - true) * bad

    assert expected(stated) <= expected(true) + 1e-12


def calibrated_scores(seen: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return for each row the share of positives among those of about the same value."""
    order = np.argsort(seen)
    shares = [np.full(len(rows), truth[rows].mean()) for rows in np.array_split(order, 40)]
    scores = np.empty(len(seen))
    scores[order] = np.concatenate(shares)
    return scores


def test_calibrated_models_are_ranked_as_by_the_area_under_the_precision_recall_curve() -> None:
    rng = np.random.default_rng(4)
    risk = rng.normal(size=20_000)
    truth = (rng.random(len(risk)) < 1 / (1 + np.exp(5 - 2.5 * risk))).astype(int)
    assert 0.03 < truth.mean() < 0.1
    reward = make_reward("rare-positives", {})
    areas, means = [], []
    for share in np.linspace(0.1, 1, 10):  # of the risk that the model sees, the rest is noise
        scores = calibrated_scores(share * risk + (1 - share) * rng.normal(size=len(risk)), truth)
        areas.append(average_precision_score(truth, scores))
        pairs = zip(scores.tolist(), truth.tolist(), strict=True)
        means.append(float(np.mean([value(reward, proba(score), label) for score, label in pairs])))
    assert spearmanr(areas, means).statistic > 0.95


@pytest.mark.parametrize(
    ("formula", "outputs", "label", "expected"),
    [
        ("predict == label", {"predict": "yes"}, "yes", 1),
        ("1 if predict == label else 0.25 * (label == 0)", {"predict": 1}, 0, 0.25),
        ("predict_proba[1] if label == 1 else 1 - predict_proba[1]", {"predict_proba": [0.2, 0.8]}, 0, 0.2),
        ("max(0, 1 - abs(predict - label) / 10)", {"predict": 7.0}, 4, 0.7),
        ("label and not predict", {"predict": False}, True, 1),
        ("predict > 3 or label >= 2", {"predict": 3}, 1, 0),
        ("exp(-sqrt(label))", {}, 4, np.exp(-2)),
        ("7", {}, 0, 1),
        ("-label", {}, 3, 0),
        ("1 / label", {}, 0, None),
        ("log(label)", {}, -1, None),
        ("exp(label)", {}, 1e6, None),
        ("label + 1", {}, "text", None),
        ("label < 1", {}, "text", None),
        ("predict[3]", {"predict": [1]}, 0, None),
        ("predict[0]", {"predict": 1}, 0, None),
        ("sqrt(1, 2)", {}, 0, None),
        ("1e308 * label * 10 - 1e308 * label * 10", {}, 1, None),
    ],
)
def test_a_formula_is_computed(formula: str, outputs: Any, label: Any, expected: float | None) -> None:
    reward = make_reward("expression", {"formula": formula})
    reward.check_outputs(outputs)
    reward.check_label(label)
    found = reward.reward(outputs, label)
    assert found == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    "formula",
    [
        "",
        "1 +",
        "__import__('os')",
        "label.__class__",
        "(lambda: 1)()",
        "[1][0]",
        "9 ** 9",
        "label[label]",
        "label[:1]",
        "0 < label < 1",
        "label in predict",
        "open(label)",
        "max()",
        "max(*predict)",
        "f'{label}'",
        "1j",
        "None",
        "(label := 1)",
        "[x for x in predict]",
        "1" * 501,
    ],
)
def test_a_formula_that_could_do_anything_else_is_refused(formula: str) -> None:
    with pytest.raises(BadSetting, match="--reward-settings of expression: "):
        make_reward("expression", {"formula": formula})


BAD = {
    "a row is missing a class": (
        "cost-matrix",
        {"costs": {"a": {"a": 0}, "b": {"a": 1, "b": 0}}},
        "the row of 'a' must have the classes a, b, it has a",
    ),
    "all costs are equal": (
        "cost-matrix",
        {"costs": {"a": {"a": 1, "b": 1}, "b": {"a": 1, "b": 1}}},
        "all costs are equal",
    ),
    "one class twice": (
        "cost-matrix",
        {"costs": {"1": {"1": 0, "1.0": 1}, "1.0": {"1": 1, "1.0": 0}}},
        "two of the classes 1, 1.0 are the same; leave one out",
    ),
    "no bound": ("regression-error", {"bound": 0}, "bound: 0: should be greater than 0"),
    "another power": ("regression-error", {"bound": 1, "power": 3}, "power: 3: should be 1 or 2"),
    "a threshold of one": (
        "rare-positives",
        {"thresholds": [1.0]},
        "thresholds.0: 1.0: should be less than 1",
    ),
}


@pytest.mark.parametrize(("name", "settings", "message"), BAD.values(), ids=BAD.keys())
def test_settings_that_do_not_fit_are_refused(name: str, settings: Any, message: str) -> None:
    with pytest.raises(BadSetting) as caught:
        make_reward(name, settings)
    assert message in str(caught.value)


def check(reward: RewardFunction, outputs: Any, label: Any) -> None:
    """Check an event's outputs and label as the collector does when they come."""
    reward.check_outputs(outputs)
    reward.check_label(label)


UNFIT = {
    "a class without costs": ("cost-matrix", COSTS, {"predict": "ugly"}, "good", "'ugly' has no costs"),
    "a label without costs": ("cost-matrix", COSTS, {"predict": "good"}, "ugly", "'ugly' has no costs"),
    "no number": ("regression-error", {"bound": 1}, {"predict": "1"}, 1, "'1' is no finite number"),
    "a label that is no number": (
        "regression-error",
        {"bound": 1},
        {"predict": 1},
        True,
        "True is no finite",
    ),
    "a negative conversion": ("conversion", {}, {}, -1, "-1 is negative; send true or the value"),
    "a negative part": (
        "revenue-per-item",
        {},
        {},
        {"revenue": -0.5, "items": 1},
        "-0.5 is negative, which a counter cannot add; shift it by a constant",
    ),
    "a revenue beyond all measure": ("revenue", {}, {}, 2e12, "is beyond 1e+12; send it in a larger unit"),
    "a revenue without items": (
        "revenue-per-item",
        {},
        {},
        {"revenue": 1},
        "`revenue` and `items`; send both",
    ),
    "a label that is never positive": (
        "rare-positives",
        {},
        {"predict_proba": [0.1, 0.9]},
        True,
        "it can never be the class `positive`, 1: true and 1 are a boolean and none",
    ),
    "a probability for a class": (
        "balanced-accuracy",
        {"priors": {"0": 0.9, "1": 0.1}},
        {"predict": 0.7},
        1,
        "`predict` can be no class of --reward-settings: 0.7 is no class beside 0",
    ),
    "no probabilities": ("rare-positives", {}, {"predict": 1}, 1, "let the arm send it: --event-outputs"),
    "an output that the formula needs": ("expression", {"formula": "predict"}, {}, 1, "predict missing"),
    "a label that is a list": ("expression", {"formula": "label"}, {}, [1], "[1] is no finite number"),
}


@pytest.mark.parametrize(
    ("name", "settings", "outputs", "label", "message"), UNFIT.values(), ids=UNFIT.keys()
)
def test_an_event_without_a_reward_is_refused_when_it_comes(
    name: str, settings: Any, outputs: Any, label: Any, message: str
) -> None:
    reward = make_reward(name, settings)
    with pytest.raises(ValueError, match=re.escape(message)):
        check(reward, outputs, label)
