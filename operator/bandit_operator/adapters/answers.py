"""What Prometheus' answers are read into, and what is said of those that cannot be.

An answer may come from anybody: nothing of what is in it reaches a message, but for Prometheus' own
words about a query that it refuses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from bandit_operator.adapters.access import shown
from bandit_operator.core import reasons
from bandit_operator.core.model import SourceDown
from bandit_operator.sources import Sample
from bandit_operator.sources.resets import Series

MOST_BYTES = 8 * 1024 * 1024
"""Longest answer: about 350,000 samples."""
MOST_VALUES = 1_500_000
"""Most values in an answer, by its brackets and commas: what it becomes in memory depends on these."""
MOST_ELEMENTS = 20_000
"""Most series in an answer: each of them is looked at on the event loop."""

_ABOUT_THE_QUERY = ("PromQL info", "PromQL warning")
"""How warnings begin that do not concern where data are from."""

Value = TypeVar("Value")


@dataclass
class _Vector:
    metric: dict[str, str]
    value: tuple[float, float]


@dataclass
class _Matrix:
    metric: dict[str, str]
    values: list[tuple[float, float]]


class Busy(SourceDown):
    """What the server has no whole answer to for its own sake: it is overloaded, fails, lacks a part of its
    data, or has had too many queries.
    """


class _Reader(Generic[Value]):
    """Reads the elements of one kind of answer."""

    def __init__(self, kind: str, shape: type[Value]) -> None:
        self._kind = kind
        self._elements = TypeAdapter(list[shape])  # type: ignore[valid-type]  # a type that is a value

    def __call__(self, body: bytes, address: str) -> list[Value] | SourceDown:
        """The elements of an answer with status 200, or what is wrong with it."""
        if sum(body.count(mark) for mark in (b"[", b"{", b",")) > MOST_VALUES:
            return SourceDown(reasons.BAD_ANSWER, f"the answer of {shown(address)} has too many values")
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            return SourceDown(
                reasons.BAD_ANSWER,
                f"what answers at {shown(address)} is not Prometheus: its answer is not JSON",
            )
        try:
            if len(answer["data"]["result"]) > MOST_ELEMENTS:
                return SourceDown(
                    reasons.BAD_ANSWER, f"the answer of {shown(address)} has over {MOST_ELEMENTS} series"
                )
            if _is_partial(answer):
                message = f"the answer of {shown(address)} has a part of the data only, by its own words"
                return Busy(reasons.PARTIAL_ANSWER, message)
            if answer["data"]["resultType"] == self._kind:
                return self._elements.validate_python(answer["data"]["result"])
        except (ValidationError, LookupError, TypeError, OverflowError):
            pass
        return SourceDown(
            reasons.BAD_ANSWER, f"the answer of {shown(address)} is not of the kind that was asked for"
        )


def _is_partial(answer: Mapping[str, Any]) -> bool:
    """Whether a server that asks others says that some of them did not answer: what it adds up is too little.

    Thanos and a Prometheus with ``remote_read`` say it among ``warnings``, where remarks about the query are
    too, VictoriaMetrics by ``isPartial``; all with status 200.

    Sources: https://thanos.io/tip/components/query.md/#partial-response,
    https://docs.victoriametrics.com/victoriametrics/cluster-victoriametrics/#cluster-availability,
    https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview.
    """
    warnings = answer.get("warnings") or ()
    return answer.get("isPartial") is True or any(
        not str(one).startswith(_ABOUT_THE_QUERY) for one in warnings
    )


_VECTOR = _Reader("vector", _Vector)
_MATRIX = _Reader("matrix", _Matrix)


def samples_in(body: bytes, address: str) -> list[Sample] | SourceDown:
    """The elements of an instant vector."""
    vector = _VECTOR(body, address)
    return vector if isinstance(vector, SourceDown) else [Sample(one.metric, one.value[1]) for one in vector]


def series_in(body: bytes, address: str) -> list[Series] | SourceDown:
    """The series of a range vector."""
    matrix = _MATRIX(body, address)
    return matrix if isinstance(matrix, SourceDown) else [Series(one.metric, one.values) for one in matrix]


def refused(status: int, body: bytes, address: str) -> SourceDown:
    """An answer with another status than 200: its number and what that means, and what Prometheus said."""
    if 300 <= status < 400:
        why = "sends elsewhere, which is not followed; name the address that answers itself"
    else:
        why = f"refused the query: {_words(body) if 400 <= status < 500 else ''}"
    kind = Busy if status >= 500 or status == HTTPStatus.TOO_MANY_REQUESTS else SourceDown
    return kind(reasons.BAD_ANSWER, f"Prometheus at {shown(address)} {why.rstrip(': ')} ({_status(status)})")


def _status(status: int) -> str:
    known = {one.value: one.phrase for one in HTTPStatus}
    return f"{status} {known[status]}" if status in known else str(status)


def _words(body: bytes) -> str:
    """What Prometheus itself says of a query that it refuses, which has a shape of its own."""
    try:
        answer: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(answer, Mapping) or answer.get("status") != "error":
        return ""
    parts: Sequence[object] = (answer.get("errorType"), answer.get("error"))
    return shown(": ".join(part for part in parts if isinstance(part, str)))
