"""What several resources know as one, with a leading axis for the resources, and apart again."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence
from functools import cache
from typing import Any, TypeVar

import numpy as np

from bandit_operator.core.experiment import Experiment
from bandit_operator.core.memory.value import Memory
from bandit_operator.core.strategies.base import Strategy, settings_of

_ARRAYS = ("totals", "labels", "state", "evidence", "arrivals", "shadow")
"""What of a memory has arrays; the rest says what it is about."""

Value = TypeVar("Value")


def alike(experiment: Experiment, memory: Memory) -> Hashable:
    """What must be equal of resources whose memories are computed with as one: shapes and settings."""
    strategy = experiment.strategy
    return (
        len(memory.arms),
        memory.index(memory.baseline),
        memory.reward_type,
        memory.delay,
        memory.shadow is None,
        experiment.interval,
        tuple(arm.validation_score for arm in experiment.arms),
        repr(strategy),
        experiment.names if _is_about_names(type(strategy)) else (),
    )


@cache
def _is_about_names(strategy: type[Strategy]) -> bool:
    return any(field.metadata["kind"] == "share-map" for field in settings_of(strategy).values())


def stacked(memories: Sequence[Memory]) -> Memory:
    """One memory for all; what it is about, and the number of ticks, are those of the first."""
    first = memories[0]
    if len(memories) == 1:
        return first
    return dataclasses.replace(
        first, **{name: _joined([getattr(one, name) for one in memories]) for name in _ARRAYS}
    )


def apart(together: Memory, before: Sequence[Memory]) -> list[Memory]:
    """Each resource's own, what it is about being that of before; the inverse of :func:`stacked`."""
    if len(before) == 1:
        return [together]
    return [
        dataclasses.replace(one, **{name: _row(getattr(together, name), at) for name in _ARRAYS})
        for at, one in enumerate(before)
    ]


def joined(values: Sequence[Value]) -> Value:
    """Arrays, or mappings, lists or dataclasses of such, as one whose arrays have an axis in front.

    Just itself where there is one, so that a batch of one has no such axis.
    """
    first: Value = values[0] if len(values) == 1 else _joined(values)
    return first


def each(together: Value, number: int) -> list[Value]:
    """The inverse of :func:`joined`."""
    return [together] if number == 1 else [_row(together, at) for at in range(number)]


def _joined(values: Sequence[Any]) -> Any:
    first = values[0]
    if isinstance(first, (np.ndarray, np.generic)):
        return np.array(values)  # as np.stack, in a third of the time
    if isinstance(first, dict):
        return {name: _joined([one[name] for one in values]) for name in first}
    if isinstance(first, list):
        return [_joined(one) for one in zip(*values, strict=True)]
    if first is None:
        return None
    names = first.__dataclass_fields__
    return type(first)(**{name: _joined([getattr(one, name) for one in values]) for name in names})


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
