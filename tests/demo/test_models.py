"""Training the arms of the demo."""

from __future__ import annotations

import json

import joblib
import numpy as np
import pytest

from bandit_serving.arm.model import load_model
from bandit_serving.replay import load_rows
from demo import data, models, shipped


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> models.Prepared:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shipped, "ROWS", 3000)
        patch.setattr(data, "_read_census", lambda _progress, _folder: None)
        cache = tmp_path_factory.mktemp("cache")
        first = models.prepare(lambda _line: None, cache, cache)
        lines: list[str] = []
        assert models.prepare(lines.append, cache, cache) == first
        assert any("models: unchanged" in line for line in lines)
        return first


def test_there_are_four_kinds_of_models_with_their_cards(prepared: models.Prepared) -> None:
    assert list(prepared.arms) == ["boosting", "extra-trees", "logistic", "naive-bayes"]
    for arm in prepared.arms.values():
        card = json.loads(arm.card.read_text())
        assert card["features"] == prepared.features
        assert card["balanced_accuracy"]["validation"] == arm.validation
        assert 0.5 < arm.validation <= 1


def test_the_best_arm_is_the_one_that_validates_best_and_the_skew_costs_it_a_tenth(
    prepared: models.Prepared,
) -> None:
    best = prepared.arms[prepared.best]
    assert best.validation == max(arm.validation for arm in prepared.arms.values())
    assert best.skewed < best.production - 0.1


def test_what_is_served_with_the_skew_is_what_was_measured(prepared: models.Prepared) -> None:
    arm = prepared.arms[prepared.best]
    rows = load_rows(prepared.stream)
    served = load_model(arm.model, skew={prepared.skew_feature: prepared.skew_factor})
    predicted = served.compute(rows.values.copy(), ["predict"])["predict"]
    truth = np.array(rows.labels)
    recalls = [float(np.mean(predicted[truth == label] == label)) for label in (0, 1)]
    assert np.mean(recalls) == pytest.approx(arm.skewed)


def test_the_stream_carries_the_stated_shares(prepared: models.Prepared) -> None:
    rows = load_rows(prepared.stream)
    assert rows.features == prepared.features
    assert np.mean(np.array(rows.labels) == 1) == pytest.approx(prepared.priors["1"])


def test_an_arm_needs_nothing_of_the_demo_to_load(prepared: models.Prepared) -> None:
    for arm in prepared.arms.values():
        assert type(joblib.load(arm.model)).__module__.startswith("sklearn.")
