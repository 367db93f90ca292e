"""Requests of the Open Inference Protocol v2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandit_serving.arm.model import Model, load_model
from bandit_serving.arm.protocol import metadata, parse_request, response
from bandit_serving.errors import BadRequest


@pytest.fixture(scope="module")
def model(model_file: Path) -> Model:
    return load_model(model_file)


def tensor(**changes: Any) -> dict[str, Any]:
    return {"name": "x", "shape": [2, 3], "datatype": "FP64", "data": [1, 2, 3, 4, 5, 6], **changes}


def column(name: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "shape": [2], "datatype": "FP32", "data": [1.5, 2.5], **changes}


@pytest.mark.parametrize(
    "data", [[1, 2, 3, 4, 5, 6], [[1, 2, 3], [4, 5, 6]]], ids=["flat in row-major order", "nested"]
)
def test_one_matrix_has_a_column_for_each_feature(model: Model, data: list[Any]) -> None:
    request = parse_request({"id": "a", "inputs": [tensor(data=data)]}, model, 10)
    assert request.id == "a"
    assert request.rows.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert request.outputs == ["predict"]


def test_named_inputs_may_come_in_any_order_and_in_different_types(model: Model) -> None:
    inputs = [
        column("wage", data=[5.5, 6.5]),
        column("age", datatype="UINT8", data=[1, 2]),
        column("hours", shape=[2, 1], data=[[3], [4]]),
    ]
    assert parse_request({"inputs": inputs}, model, 10).rows.tolist() == [[1, 3, 5.5], [2, 4, 6.5]]


def test_a_request_without_id_gets_one_of_its_own(model: Model) -> None:
    first, second = (parse_request({"inputs": [tensor()]}, model, 10).id for _ in range(2))
    assert first
    assert first != second


def test_outputs_are_those_asked_for_once_each(model: Model) -> None:
    asked = [{"name": "predict_proba"}, {"name": "predict_proba"}]
    assert parse_request({"inputs": [tensor()], "outputs": asked}, model, 10).outputs == ["predict_proba"]


BAD = {
    "no object": ([], "must be a JSON object"),
    "id is a number": ({"id": 7, "inputs": [tensor()]}, "id: 7 is not a string"),
    "id has a character that no database takes": (
        {"id": "a\0b", "inputs": [tensor()]},
        "id: 'a\\x00b' has characters that no database takes",
    ),
    "id is half a character": (
        {"id": "\ud800", "inputs": [tensor()]},
        "has characters that no database takes",
    ),
    "id is too long": ({"id": "x" * 257, "inputs": [tensor()]}, "is not a string of 1 to 256 characters"),
    "id leaves no room for the numbers of rows": (
        {"id": "x" * 250, "inputs": [tensor()]},
        "has 250 characters; send at most 240 with several rows",
    ),
    "no inputs": ({}, "inputs: must be a non-empty list"),
    "inputs is no list of objects": ({"inputs": [1]}, "inputs: must be a non-empty list of tensors"),
    "tensor without name": ({"inputs": [tensor(name=None)]}, "name None; names are non-empty strings"),
    "shape is missing": ({"inputs": [tensor(shape=None)]}, "inputs[x].shape: None is not a list"),
    "shape is negative": ({"inputs": [tensor(shape=[-1, 3])]}, "inputs[x].shape: [-1, 3] is not a list"),
    "shape has a boolean": ({"inputs": [tensor(shape=[True, 3])]}, "is not a list of sizes"),
    "shape does not fit the data": (
        {"inputs": [tensor(shape=[3, 3])]},
        "6 values do not fill the shape [3, 3]",
    ),
    "a shape beyond all integers": (
        {"inputs": [tensor(shape=[10**30, 3])]},
        "6 values do not fill the shape",
    ),
    "a shape that is nothing and huge": (
        {"inputs": [tensor(shape=[0, 2**62], data=[])]},
        "0 values do not fill the shape [0, 46116",
    ),
    "a shape whose sizes wrap to nothing": (
        {"inputs": [tensor(shape=[2**32, 2**32], data=[])]},
        "0 values do not fill the shape",
    ),
    "a shape of many dimensions": (
        {"inputs": [tensor(shape=[1] * 70 + [6])]},
        "6 values do not fill the shape",
    ),
    "too few columns": (
        {"inputs": [tensor(shape=[3, 2])]},
        "send [rows, 3] with the columns age, hours, wage",
    ),
    "one feature only": (
        {"inputs": [column("age")]},
        "the other inputs are missing: age, hours, wage",
    ),
    "text": (
        {"inputs": [tensor(datatype="BYTES")]},
        "datatype: 'BYTES' cannot be used; the model takes numbers",
    ),
    "unknown type": ({"inputs": [tensor(datatype="FP128")]}, "datatype: 'FP128' cannot be used"),
    "no data": (
        {"inputs": [{k: v for k, v in tensor().items() if k != "data"}]},
        "inputs[x].data: missing; send the values as JSON",
    ),
    "ragged data": ({"inputs": [tensor(data=[[1, 2], [3]])]}, "the lists have different lengths"),
    "a string among numbers": ({"inputs": [tensor(data=["1", 2, 3, 4, 5, 6])]}, "is not a number"),
    "null among numbers": ({"inputs": [tensor(data=[None, 2, 3, 4, 5, 6])]}, "is not a number"),
    "an infinite number": ({"inputs": [tensor(data=[1e999, 2, 3, 4, 5, 6])]}, "not finite"),
    "a fraction as integer": ({"inputs": [tensor(datatype="INT32", data=[1.5] * 6)]}, "fractions, not INT32"),
    "out of range": ({"inputs": [tensor(datatype="UINT8", data=[256] * 6)]}, "outside UINT8 (0 to 255)"),
    "unknown feature": (
        {"inputs": [column("age"), column("size")]},
        "no input 'size'; its features are age,",
    ),
    "a feature twice": ({"inputs": [column("age"), column("age")]}, "inputs[age]: given twice"),
    "a feature missing": ({"inputs": [column("age"), column("wage")]}, "hours missing; send every feature"),
    "a column in three dimensions": (
        {"inputs": [column("age", shape=[1, 1, 2]), column("hours"), column("wage")]},
        "inputs[age].shape: [1, 1, 2] does not fit; send [rows] or [rows, 1]",
    ),
    "different numbers of rows": (
        {"inputs": [column("age", shape=[1], data=[1]), column("hours"), column("wage")]},
        "different numbers of rows {'age': 1, 'hours': 2, 'wage': 2}",
    ),
    "no rows": ({"inputs": [tensor(shape=[0, 3], data=[])]}, "0 rows; send 1 to 10"),
    "too many rows": ({"inputs": [tensor(shape=[11, 3], data=[0] * 33)]}, "11 rows; send 1 to 10"),
    "unknown output": (
        {"inputs": [tensor()], "outputs": [{"name": "size"}]},
        "no output 'size'; it has predict",
    ),
    "an output whose name is none": (
        {"inputs": [tensor()], "outputs": [{"name": ["predict"]}]},
        "no output ['predict']; it has predict",
    ),
    "outputs are names": (
        {"inputs": [tensor()], "outputs": ["predict"]},
        "outputs: must be a list of objects",
    ),
}


@pytest.mark.parametrize(("body", "message"), BAD.values(), ids=BAD.keys())
def test_a_bad_request_is_told_what_to_mend(model: Model, body: Any, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_request(body, model, 10)
    assert message in str(caught.value)
    assert 400 <= caught.value.status < 500


def test_the_response_has_names_shapes_and_types_of_the_protocol(model: Model) -> None:
    rows = np.array([[60.0, 50, 50], [40, 50, 50]])
    answer = response(
        "a", "income", "1", "logistic", model, model.compute(rows, ["predict", "predict_proba"])
    )
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("income", "1", "a")
    assert answer["parameters"] == {"arm": "logistic"}
    assert answer["outputs"][0] == {"name": "predict", "shape": [2], "datatype": "INT64", "data": [1, 0]}
    probabilities = answer["outputs"][1]
    assert (probabilities["shape"], probabilities["datatype"]) == ([2, 2], "FP64")
    assert sum(probabilities["data"]) == pytest.approx(2)


def test_the_metadata_tell_inputs_and_outputs(model: Model) -> None:
    found = metadata("income", "1", model)
    assert found["inputs"][0]["shape"] == [-1, 3]
    assert found["inputs"][0]["parameters"]["columns"] == ["age", "hours", "wage"]
    assert [(output["name"], output["shape"]) for output in found["outputs"]] == [
        ("predict", [-1]),
        ("predict_proba", [-1, 2]),
    ]
