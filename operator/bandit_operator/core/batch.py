"""Arithmetic of many decisions, done together where it is alike.

A decision is mostly a few hundred operations on arrays of a few numbers, each of which costs the same for
thirty decisions as for one. So whatever computes with arrays is *work* that a decision asks for and goes on
with once it is done: it is a generator that yields work and is sent the result. Those of many decisions
are moved on together, and work that is alike is done as one, with a leading axis for the decisions. One
decision is a batch of one. Each element of a result depends on its own row alone, bit for bit, so a decision
that was made among others can be made again by itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Hashable, Sequence
from typing import Any, Generic, Self, TypeAlias, TypeVar

import numpy as np

Result = TypeVar("Result")
Other = TypeVar("Other")
Value = TypeVar("Value")


class Work(ABC, Generic[Result]):
    """Something to compute, of which many may be computed together."""

    __slots__ = ()

    @abstractmethod
    def alike(self) -> Hashable:
        """What must be equal in work of this kind that is done together."""

    @classmethod
    @abstractmethod
    def together(cls, works: Sequence[Self]) -> Sequence[Result]:
        """The results of works that are alike, in their order."""


Steps: TypeAlias = Generator[Work[Any], Any, Result]
"""What asks for work until it has a result."""


def result_of(work: Work[Other]) -> Steps[Other]:
    """The result of work, for a step that goes on with it (``yield from``)."""
    result: Other = yield work
    return result


def run_together(runs: Sequence[Steps[Result]]) -> list[Result]:
    """Move all on to their results, in their order.

    Raises:
        Exception: whatever any of them raises, or its work does; then the others have no result either.
    """
    results: dict[int, Result] = {}
    waiting: dict[int, Work[Any]] = {}

    def go_on(at: int, value: object) -> None:
        try:
            waiting[at] = runs[at].send(value)
        except StopIteration as end:
            results[at] = end.value

    for at in range(len(runs)):
        go_on(at, None)
    while waiting:
        groups: dict[Hashable, list[int]] = {}
        for at, work in waiting.items():
            groups.setdefault((type(work), work.alike()), []).append(at)
        asked, waiting = waiting, {}
        for group in groups.values():
            works = [asked[at] for at in group]
            for at, value in zip(group, type(works[0]).together(works), strict=True):
                go_on(at, value)
    return [results[at] for at in range(len(runs))]


def stacked(values: Sequence[Value]) -> Value:
    """Arrays, or mappings, lists or dataclasses of such, as one whose arrays have an axis in front.

    Just itself where there is one, so that a batch of one has no such axis.
    """
    first: Value = values[0] if len(values) == 1 else _stacked(values)
    return first


def rows_of(together: Value, number: int) -> list[Value]:
    """The inverse of :func:`stacked`."""
    return [together] if number == 1 else [_row(together, at) for at in range(number)]


def _stacked(values: Sequence[Any]) -> Any:
    first = values[0]
    if isinstance(first, (np.ndarray, np.generic)):
        return np.array(values)  # as np.stack, in a third of the time
    if isinstance(first, dict):
        return {name: _stacked([one[name] for one in values]) for name in first}
    if isinstance(first, list):
        return [_stacked(one) for one in zip(*values, strict=True)]
    if first is None:
        return None
    names = first.__dataclass_fields__
    return type(first)(**{name: _stacked([getattr(one, name) for one in values]) for name in names})


def _row(value: Any, at: int) -> Any:
    """One row of everything, copied: else each resource would keep the arrays of all."""
    if isinstance(value, np.ndarray):
        return value[at].copy()
    if isinstance(value, dict):
        return {name: _row(array, at) for name, array in value.items()}
    if isinstance(value, list):
        return [_row(one, at) for one in value]
    if value is None:
        return None
    return type(value)(**{name: _row(getattr(value, name), at) for name in value.__dataclass_fields__})
