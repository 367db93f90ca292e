"""Where the protocols have the id of a request, and the predictions of an answer."""

from __future__ import annotations

import abc
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bandit_serving import web
from bandit_serving.errors import BadRequest, BadSetting

BINARY_HEADER = "Inference-Header-Content-Length"  # says where JSON ends and binary tensor data begin
MOST_ROWS = 1000  # of one answer
MOST_ROW_BYTES = (
    12_000  # of the outputs of a row as JSON, so that a batch of them fits a body of the collector
)


class Question(NamedTuple):
    """What is asked, and the id in it if there is one."""

    id: str | None
    body: bytes


class Protocol(abc.ABC):
    """One way of asking a model over HTTP."""

    id_places = "the header {header}"
    """Where ids are looked for, with the name of the header left open."""

    @abc.abstractmethod
    def read(self, body: bytes, headers: Mapping[str, str]) -> Question:
        """Return what to ask the arms, from the body and the headers of a copy."""

    @abc.abstractmethod
    def predictions(self, answer: Any, headers: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the outputs of each row by output name, from an arm's answer and its headers.

        Raises:
            ValueError: There are none; the text says why.
        """

    def rows(self, body: bytes, headers: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the outputs of each row by name, as the collector takes them.

        Raises:
            ValueError: The answer is no JSON, has no predictions, or too much.
        """
        try:
            rows = self.predictions(web.parse_json(body), headers)
            sizes = [len(json.dumps(row, allow_nan=False)) for row in rows]
        except BadRequest as error:
            raise ValueError(str(error)) from error
        except (ArithmeticError, RecursionError) as error:  # sizes beyond all integers, lists nested too deep
            raise ValueError(f"its outputs cannot be read: {error}") from error
        if not 1 <= len(rows) <= MOST_ROWS or max(sizes) > MOST_ROW_BYTES:
            raise ValueError(f"{len(rows)} rows of at most {max(sizes, default=0)} bytes are not taken")
        return rows


class OpenInference(Protocol):
    """Open Inference Protocol v2, JSON over HTTP; binary tensor data are passed on, but not read."""

    id_places = "the field `id` of the body, or in the header {header}"

    def __init__(self, outputs: Sequence[str] = ()) -> None:
        """Keep which outputs to ask for and to report; none leaves requests as they are and takes all."""
        self._outputs = list(dict.fromkeys(outputs))

    def read(self, body: bytes, headers: Mapping[str, str]) -> Question:
        """Find the id in the body, and ask for the set outputs."""
        length = headers.get(BINARY_HEADER, "")
        binary = length.isdecimal()
        try:
            question = web.parse_json(body[: int(length)] if binary else body)
        except BadRequest:  # no arm will understand it either: that is theirs to say
            return Question(None, body)
        if not isinstance(question, dict):
            return Question(None, body)
        if self._outputs and not binary:
            question["outputs"] = [{"name": name} for name in self._outputs]
            body = json.dumps(question, separators=(",", ":")).encode()
        request_id = question.get("id")
        return Question(request_id if isinstance(request_id, str) and request_id else None, body)

    def predictions(self, answer: Any, headers: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the rows of the output tensors, in each the values that it has of every tensor."""
        if BINARY_HEADER in headers:
            raise ValueError("its tensors are binary; let it answer in JSON")
        tensors = answer.get("outputs") if isinstance(answer, dict) else None
        if not isinstance(tensors, list) or not all(isinstance(tensor, dict) for tensor in tensors):
            raise ValueError("it has no list `outputs` of tensors")
        columns = {tensor.get("name"): _by_row(tensor) for tensor in tensors}
        names = self._outputs or list(columns)
        if missing := [name for name in names if name not in columns]:
            raise ValueError(f"it lacks the outputs {', '.join(missing)}")
        if not names or len({len(columns[name]) for name in names}) > 1:
            raise ValueError("its outputs have different numbers of rows, or there is none")
        return [dict(zip(names, row, strict=True)) for row in zip(*(columns[n] for n in names), strict=True)]


def _by_row(tensor: Mapping[str, Any]) -> list[Any]:
    """Return the values of a tensor, nested or flat in row-major order, one entry a row."""
    name, shape, data = (tensor.get(key) for key in ("name", "shape", "data"))
    if not isinstance(name, str) or not isinstance(shape, list) or not isinstance(data, list):
        raise ValueError("a tensor of it lacks name, shape or data")
    if not shape or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(f"the shape {shape!r:.80} of {name} is no list of sizes")
    array = np.asarray(data, dtype=object)
    if math.prod(size or 1 for size in shape) > max(array.size, MOST_ROWS):  # nothing takes memory, too
        raise ValueError(f"the shape {shape!r:.80} of {name} is not taken: it has more rows than values")
    values: list[Any] = array.reshape(shape).tolist()
    return values


class PlainJSON(Protocol):
    """Any JSON over HTTP; one prediction an answer, found by a path."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        """Keep the path of each output, such as predictions.0.label: keys and, in lists, indexes from 0.

        Raises:
            BadSetting: A path is empty somewhere.
        """
        self._paths = {name: path.split(".") for name, path in paths.items()}
        for name, steps in self._paths.items():
            if not all(steps):
                raise BadSetting(
                    f"--prediction {name}={'.'.join(steps)}: a part of the path is empty; write keys and"
                    " indexes with dots between, e.g. predictions.0.label"
                )

    def read(self, body: bytes, headers: Mapping[str, str]) -> Question:  # noqa: ARG002 # part of the interface
        """Leave the body as it is; the id is in a header."""
        return Question(None, body)

    def predictions(self, answer: Any, headers: Mapping[str, str]) -> list[dict[str, Any]]:  # noqa: ARG002 # part of the interface
        """Return one row, with what each path leads to."""
        return [{name: _at(answer, steps) for name, steps in self._paths.items()}]


def _at(value: Any, steps: Sequence[str]) -> Any:
    for i, step in enumerate(steps):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (LookupError, TypeError, ValueError) as error:
            raise ValueError(f"it has nothing at {'.'.join(steps[: i + 1])}") from error
    if value is None:
        raise ValueError(f"it has null at {'.'.join(steps)}")
    return value
