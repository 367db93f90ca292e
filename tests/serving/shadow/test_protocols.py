"""Ids in requests and predictions in answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bandit_serving.errors import BadSetting
from bandit_serving.shadow.protocols import MOST_ROW_BYTES, OpenInference, PlainJSON, Protocol, Question


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def tensor(name: str, shape: list[Any], data: list[Any]) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": "FP64", "data": data}


def test_v2_takes_the_id_of_the_body_and_leaves_the_request_as_it_came() -> None:
    body = b'{"id": "7f3a",  "inputs": []}'
    assert OpenInference().read(body, {}) == Question("7f3a", body)


@pytest.mark.parametrize("body", [b"{}", b"[1]", b"no JSON", b"\xff", b'{"id": 7}', b'{"id": ""}'])
def test_v2_finds_no_id_where_there_is_none(body: bytes) -> None:
    assert OpenInference().read(body, {}) == Question(None, body)


def test_v2_asks_for_the_outputs_that_the_reward_needs_whatever_the_client_asked_for() -> None:
    asked = OpenInference(["predict_proba"]).read(b'{"id": "1", "outputs": [{"name": "predict"}]}', {})
    assert json.loads(asked.body) == {"id": "1", "outputs": [{"name": "predict_proba"}]}


def test_v2_reads_the_id_before_binary_tensor_data_and_leaves_them_alone() -> None:
    head = b'{"id": "7f3a"}'
    body = head + b"\0\1\2"
    headers = {"Inference-Header-Content-Length": str(len(head))}
    assert OpenInference(["predict"]).read(body, headers) == Question("7f3a", body)


def test_v2_gives_the_outputs_of_each_row_nested_or_flat() -> None:
    flat = tensor("predict_proba", [2, 2], [0.1, 0.9, 0.4, 0.6])
    nested = tensor("predict", [2], ["no", "yes"])
    wanted = [
        {"predict_proba": [0.1, 0.9], "predict": "no"},
        {"predict_proba": [0.4, 0.6], "predict": "yes"},
    ]
    assert OpenInference().rows(encoded({"outputs": [flat, nested]}), {}) == wanted
    flat["data"] = [[0.1, 0.9], [0.4, 0.6]]
    assert OpenInference().rows(encoded({"outputs": [flat, nested]}), {}) == wanted
    assert OpenInference(["predict"]).rows(encoded({"outputs": [flat, nested]}), {}) == [
        {"predict": "no"},
        {"predict": "yes"},
    ]


NONSENSE = {
    "no JSON": (b"<html>", "not JSON"),
    "not finite": (b'{"outputs": [{"name": "p", "shape": [1], "data": [NaN]}]}', "NaN"),
    "beyond floats": (b'{"outputs": [{"name": "p", "shape": [1], "data": [1e999]}]}', "Out of range float"),
    "no outputs": (encoded({"error": "no"}), "it has no list `outputs` of tensors"),
    "no tensors": (encoded({"outputs": [1]}), "it has no list `outputs` of tensors"),
    "empty": (encoded({"outputs": []}), "different numbers of rows, or there is none"),
    "no row": (encoded({"outputs": [tensor("p", [0], [])]}), "0 rows"),
    "no data": (encoded({"outputs": [{"name": "p", "shape": [1]}]}), "lacks name, shape or data"),
    "no size": (encoded({"outputs": [tensor("p", [-1], [1])]}), "is no list of sizes"),
    "rows of nothing": (
        encoded({"outputs": [tensor("p", [200_000, 0], [])]}),
        "more rows than values",
    ),
    "does not fit": (encoded({"outputs": [tensor("p", [3], [1])]}), "cannot reshape"),
    "uneven": (encoded({"outputs": [tensor("p", [1], [1]), tensor("q", [2], [1, 2])]}), "different numbers"),
    "too many": (encoded({"outputs": [tensor("p", [1001], [0] * 1001)]}), "1001 rows"),
    "too large": (encoded({"outputs": [tensor("p", [1], ["x" * MOST_ROW_BYTES])]}), "are not taken"),
}


@pytest.mark.parametrize(("body", "message"), NONSENSE.values(), ids=NONSENSE.keys())
def test_an_answer_of_v2_without_predictions_is_told(body: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OpenInference().rows(body, {})


def test_an_answer_that_lacks_a_set_output_or_is_binary_is_told() -> None:
    answer = encoded({"outputs": [tensor("predict", [1], [1])]})
    with pytest.raises(ValueError, match="it lacks the outputs predict_proba"):
        OpenInference(["predict", "predict_proba"]).rows(answer, {})
    with pytest.raises(ValueError, match="its tensors are binary"):
        OpenInference().rows(answer, {"Inference-Header-Content-Length": "10"})


def test_plain_json_has_one_prediction_at_each_path() -> None:
    protocol: Protocol = PlainJSON({"predict": "predictions.0.label", "score": "predictions.0.scores.1"})
    answer = {"predictions": [{"label": "yes", "scores": [0.2, 0.8]}]}
    assert protocol.rows(encoded(answer), {}) == [{"predict": "yes", "score": 0.8}]
    assert protocol.read(b'{"id": "1"}', {}) == Question(None, b'{"id": "1"}')


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"predictions": []}, "it has nothing at predictions.0"),
        ({"predictions": [7]}, "it has nothing at predictions.0.label"),
        ({"predictions": [{"label": None}]}, "it has null at predictions.0.label"),
        ([], "it has nothing at predictions"),
    ],
)
def test_an_answer_of_plain_json_without_the_prediction_is_told(answer: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PlainJSON({"predict": "predictions.0.label"}).rows(encoded(answer), {})


def test_a_path_with_a_gap_is_refused() -> None:
    with pytest.raises(BadSetting, match=r"--prediction predict=a\.\.b: a part of the path is empty"):
        PlainJSON({"predict": "a..b"})
