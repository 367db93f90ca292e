"""Open Inference Protocol v2, JSON over HTTP: requests to arrays and arrays to responses.

Specification: the "Inference Request/Response JSON Object" sections of the Open Inference Protocol
(inference_rest.md, version 2.0). The optional extension for binary tensor data is not offered, and a request
that uses it gets an error that says so.
"""

from __future__ import annotations

import dataclasses
import math
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bandit_serving.arm.model import FloatMatrix, Model
from bandit_serving.collector.events import check_name
from bandit_serving.errors import BadRequest
from bandit_serving.shadow.copies import MOST_ID_CHARACTERS

DEFAULT_OUTPUTS = ("predict",)
MOST_DIMENSIONS, MOST_SIZE = 8, 10**9  # of a tensor: an empty one may state any, which numpy does not take
_FLOATS: dict[str, type[np.floating[Any]]] = {"FP16": np.float16, "FP32": np.float32, "FP64": np.float64}
_INTEGERS: dict[str, type[np.integer[Any]]] = {
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
}
DATATYPES = ("BOOL", *_INTEGERS, *_FLOATS)
_BOUNDS = {
    **{name: (np.iinfo(kind).min, np.iinfo(kind).max) for name, kind in _INTEGERS.items()},
    **{name: (float(np.finfo(kind).min), float(np.finfo(kind).max)) for name, kind in _FLOATS.items()},
    "BOOL": (0, 1),
}


@dataclasses.dataclass(frozen=True)
class InferenceRequest:
    """A checked request: ``rows`` of shape (n, features), the ids and the outputs asked for."""

    id: str
    rows: FloatMatrix
    outputs: list[str]


def parse_request(body: Any, model: Model, max_rows: int) -> InferenceRequest:
    """Check an inference request and gather its inputs into one matrix.

    Inputs are either one 2-D tensor of any name with a column for each feature, or one tensor of shape [n] or
    [n, 1] for each feature, named like it, in any order.

    Raises:
        BadRequest: The text names the field, the value and the fix.
    """
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object with the field `inputs`")
    request_id = _id_of(body)
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not inputs or not all(isinstance(tensor, dict) for tensor in inputs):
        raise BadRequest("inputs: must be a non-empty list of tensors {name, shape, datatype, data}")
    if len(inputs) == 1 and len(model.features) != 1:
        rows = _single_matrix(inputs[0], model.features)
    else:
        rows = _named_columns(inputs, model.features)
    if not 1 <= len(rows) <= max_rows:
        raise BadRequest(
            f"inputs: {len(rows)} rows; send 1 to {max_rows} in a request", 413 if len(rows) else 400
        )
    if len(rows) > 1 and len(request_id) > MOST_ID_CHARACTERS:
        raise BadRequest(
            f"id: {request_id!r:.80} has {len(request_id)} characters; send at most {MOST_ID_CHARACTERS} with"
            " several rows, whose numbers are put behind it"
        )
    return InferenceRequest(request_id, rows, _requested_outputs(body.get("outputs"), model))


def _id_of(body: Mapping[str, Any]) -> str:
    """Return the id of a request, one of its own where it has none, as the collector takes it."""
    try:
        return check_name("id", body.get("id") or uuid.uuid4().hex)
    except ValueError as error:
        raise BadRequest(str(error)) from error


def _single_matrix(tensor: Mapping[str, Any], features: Sequence[str]) -> FloatMatrix:
    values = _values(tensor)
    if values.ndim != 2 or values.shape[1] != len(features):
        name = tensor.get("name")
        hint = f"; the other inputs are missing: {', '.join(features)}" if name in features else ""
        raise BadRequest(
            f"inputs[{name}].shape: {list(values.shape)} does not fit; send [rows, {len(features)}]"
            f" with the columns {', '.join(features)}, or one tensor a feature{hint}"
        )
    return values


def _named_columns(inputs: Sequence[Mapping[str, Any]], features: Sequence[str]) -> FloatMatrix:
    columns: dict[str, FloatMatrix] = {}
    for tensor in inputs:
        name = tensor.get("name")
        if not isinstance(name, str) or name not in features:
            raise BadRequest(
                f"inputs: the model has no input {name!r}; its features are {', '.join(features)}"
            )
        if name in columns:
            raise BadRequest(f"inputs[{name}]: given twice; send each feature once")
        values = _values(tensor)
        if values.ndim not in (1, 2) or values.shape[1:] not in ((), (1,)):
            raise BadRequest(
                f"inputs[{name}].shape: {list(values.shape)} does not fit; send [rows] or [rows, 1]"
            )
        columns[name] = values.reshape(-1)
    missing = [name for name in features if name not in columns]
    if missing:
        raise BadRequest(f"inputs: {', '.join(missing)} missing; send every feature")
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise BadRequest(f"inputs: different numbers of rows {lengths}; send as many of each feature")
    return np.column_stack([columns[name] for name in features])


def _values(tensor: Mapping[str, Any]) -> FloatMatrix:
    """Return the data of a tensor, nested or flat in row-major order, in its stated shape."""
    name = tensor.get("name")
    if not isinstance(name, str) or not name:
        raise BadRequest(f"inputs: a tensor has the name {name!r}; names are non-empty strings")
    shape = tensor.get("shape")
    if not isinstance(shape, list) or not shape or not all(type(n) is int and n >= 0 for n in shape):
        raise BadRequest(f"inputs[{name}].shape: {shape!r} is not a list of sizes, e.g. [1, 17]")
    datatype = tensor.get("datatype")
    if datatype not in DATATYPES:
        raise BadRequest(
            f"inputs[{name}].datatype: {datatype!r} cannot be used; the model takes numbers:"
            f" {', '.join(DATATYPES)}"
        )
    if "data" not in tensor:
        raise BadRequest(
            f"inputs[{name}].data: missing; send the values as JSON (binary tensor data is not offered)"
        )
    values = _numbers(name, tensor["data"])
    _check_range(name, datatype, values)
    if values.size != math.prod(shape) or len(shape) > MOST_DIMENSIONS or max(shape) > MOST_SIZE:
        raise BadRequest(f"inputs[{name}].data: {values.size} values do not fill the shape {shape!r:.80}")
    return values.astype(np.float64, copy=False).reshape(shape)


def _numbers(name: str, data: Any) -> npt.NDArray[Any]:
    try:
        values = np.asarray(data)
    except ValueError as error:
        raise BadRequest(f"inputs[{name}].data: the lists have different lengths; send equal rows") from error
    if values.dtype.kind not in "biuf" and values.size:
        raise BadRequest(
            f"inputs[{name}].data: {data!r:.80} holds something that is not a number; send numbers only"
        )
    return values


def _check_range(name: str, datatype: str, values: npt.NDArray[Any]) -> None:
    if not values.size:
        return
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise BadRequest(f"inputs[{name}].data: holds a number that is not finite; send finite numbers")
        if datatype not in _FLOATS and (values != np.floor(values)).any():
            raise BadRequest(f"inputs[{name}].data: holds fractions, not {datatype}; send them as FP64")
    low, high = _BOUNDS[datatype]
    if values.min() < low or values.max() > high:
        raise BadRequest(f"inputs[{name}].data: holds values outside {datatype} ({low} to {high})")


def _requested_outputs(requested: Any, model: Model) -> list[str]:
    if requested is None or requested == []:
        return list(DEFAULT_OUTPUTS)
    if not isinstance(requested, list) or not all(isinstance(output, dict) for output in requested):
        raise BadRequest('outputs: must be a list of objects like {"name": "predict"}')
    names = [output.get("name") for output in requested]
    for name in names:
        if not isinstance(name, str) or name not in model.outputs:
            raise BadRequest(f"outputs: the model has no output {name!r}; it has {', '.join(model.outputs)}")
    return list(dict.fromkeys(names))


def response(
    request_id: str,
    model_name: str,
    version: str,
    arm: str,
    model: Model,
    values: Mapping[str, npt.NDArray[Any]],
) -> dict[str, Any]:
    """Return the inference response; ``parameters.arm`` says which arm answered."""
    outputs = [
        {
            "name": name,
            "shape": list(value.shape),
            "datatype": model.outputs[name].datatype,
            "data": value.ravel().tolist(),
        }
        for name, value in values.items()
    ]
    return {
        "model_name": model_name,
        "model_version": version,
        "id": request_id,
        "parameters": {"arm": arm},
        "outputs": outputs,
    }


def metadata(model_name: str, version: str, model: Model) -> dict[str, Any]:
    """Return the model metadata: inputs and outputs as tensors, -1 for the number of rows."""
    features = {
        "name": "features",
        "datatype": "FP64",
        "shape": [-1, len(model.features)],
        "parameters": {"columns": model.features},
    }
    outputs = [
        {"name": output.name, "datatype": output.datatype, "shape": list(output.shape)}
        for output in model.outputs.values()
    ]
    return {
        "name": model_name,
        "versions": [version],
        "platform": "sklearn",
        "inputs": [features],
        "outputs": outputs,
    }
