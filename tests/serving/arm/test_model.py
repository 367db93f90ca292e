"""Loading a model, and the skew that can be asked for."""

from __future__ import annotations

import json
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from bandit_serving.arm.model import load_model
from bandit_serving.errors import BadSetting


def test_a_skewed_feature_reaches_the_model_scaled(model_file: Path) -> None:
    rows = np.array([[60.0, 50, 50]])
    assert load_model(model_file).compute(rows.copy(), ["predict"])["predict"].tolist() == [1]
    skewed = load_model(model_file, skew={"age": 0.1})
    assert skewed.compute(rows.copy(), ["predict"])["predict"].tolist() == [0]


def test_a_regression_has_one_output_of_floats(tmp_path: Path) -> None:
    path = tmp_path / "line.joblib"
    joblib.dump(LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0]), path)
    model = load_model(path)
    assert model.features == ["x0"]
    assert [(output.name, output.datatype) for output in model.outputs.values()] == [("predict", "FP64")]


def test_files_that_are_no_model_are_named_with_the_reason(tmp_path: Path, model_file: Path) -> None:
    text = tmp_path / "text.joblib"
    text.write_text("no model")
    table = tmp_path / "table.joblib"
    joblib.dump({"a": 1}, table)
    card = tmp_path / "card.json"
    card.write_text(json.dumps({"features": ["one"]}))
    empty = tmp_path / "empty.json"
    empty.write_text("{}")
    for path, given, message in [
        (tmp_path / "none.joblib", None, "there is no such file"),
        (text, None, "no model that joblib.dump wrote"),
        (table, None, "holds a dict"),
        (model_file, card, "lists 1 features; the model"),
        (model_file, empty, "needs a JSON object with the list `features`"),
    ]:
        with pytest.raises(BadSetting, match=message):
            load_model(path, given)


def test_a_skew_of_an_unknown_feature_is_refused(model_file: Path) -> None:
    with pytest.raises(BadSetting, match="--skew names the feature 'size'; the model has age, hours, wage"):
        load_model(model_file, skew={"size": 2.0})
