"""The sample arm as a public client of the Open Inference Protocol v2 sees it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

ROWS = np.array([[60.0, 50, 50], [40.0, 50, 50]])


@pytest.fixture
def client(arm: Any) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(f"127.0.0.1:{arm.port}") as one:
        yield one


def tensor(name: str, values: np.ndarray, datatype: str, *, binary: bool = False) -> triton.InferInput:
    given = triton.InferInput(name, list(values.shape), datatype)
    given.set_data_from_numpy(values, binary_data=binary)
    return given


def outputs(*names: str) -> list[triton.InferRequestedOutput]:
    return [triton.InferRequestedOutput(name, binary_data=False) for name in names]


def test_the_client_finds_server_and_model_live_and_ready(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("income")
    assert client.is_model_ready("income", "1")
    assert not client.is_model_ready("outcome")
    assert not client.is_model_ready("income", "2")


def test_the_client_can_build_its_request_from_the_metadata(client: triton.InferenceServerClient) -> None:
    assert client.get_server_metadata()["name"] == "bandit-serving"
    model = client.get_model_metadata("income")
    (features,) = model["inputs"]
    assert features["shape"] == [-1, ROWS.shape[1]]
    given = tensor(features["name"], ROWS, features["datatype"])
    names = [output["name"] for output in model["outputs"]]
    answer = client.infer(model["name"], [given], outputs=outputs(*names), request_id="mine")
    assert answer.get_response()["id"] == "mine"
    for output in model["outputs"]:
        found = answer.as_numpy(output["name"])
        assert len(found) == len(ROWS)
        assert answer.get_output(output["name"])["datatype"] == output["datatype"]
    assert answer.as_numpy("predict").tolist() == [1, 0]
    assert answer.as_numpy("predict_proba").sum(axis=1) == pytest.approx([1, 1])


def test_one_input_a_feature_in_any_order_and_type_is_the_same_as_one_matrix(
    client: triton.InferenceServerClient,
) -> None:
    columns = [
        tensor("wage", ROWS[:, 2].astype(np.int32), "INT32"),
        tensor("age", ROWS[:, 0].astype(np.float32), "FP32"),
        tensor("hours", ROWS[:, [1]].astype(np.uint8), "UINT8"),
    ]
    matrix = [tensor("features", ROWS, "FP64")]
    found = [
        client.infer("income", given, outputs=outputs("predict_proba")).as_numpy("predict_proba")
        for given in (columns, matrix)
    ]
    assert found[0] == pytest.approx(found[1])


BAD = {
    "another model": ("outcome", [tensor("features", ROWS, "FP64")], ["predict"], "no model 'outcome' here"),
    "a column too few": ("income", [tensor("features", ROWS[:, :2], "FP64")], ["predict"], "send [rows, 3]"),
    "a feature it has not": (
        "income",
        [tensor("age", ROWS[:, 0], "FP64"), tensor("size", ROWS[:, 0], "FP64")],
        ["predict"],
        "the model has no input 'size'; its features are age, hours, wage",
    ),
    "features missing": (
        "income",
        [tensor("age", ROWS[:, 0], "FP64"), tensor("wage", ROWS[:, 0], "FP64")],
        ["predict"],
        "inputs: hours missing",
    ),
    "an output it has not": (
        "income",
        [tensor("features", ROWS, "FP64")],
        ["score"],
        "the model has no output 'score'; it has predict",
    ),
    "binary tensors": (
        "income",
        [tensor("features", ROWS, "FP64", binary=True)],
        ["predict"],
        "send `data` as JSON (binary_data=False)",
    ),
}


@pytest.mark.parametrize(("model", "given", "names", "message"), BAD.values(), ids=BAD.keys())
def test_the_client_is_told_what_is_wrong(
    client: triton.InferenceServerClient,
    model: str,
    given: list[triton.InferInput],
    names: list[str],
    message: str,
) -> None:
    with pytest.raises(InferenceServerException) as caught:
        client.infer(model, given, outputs=outputs(*names))
    assert message in str(caught.value.message())
