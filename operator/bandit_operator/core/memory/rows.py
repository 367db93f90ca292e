"""Memories of several resources as one, with a leading axis for the resources, and apart again."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence
from functools import cache

from bandit_operator.core import batch
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.memory.value import Memory
from bandit_operator.core.strategies.base import Strategy, settings_of

_ARRAYS = ("totals", "labels", "state", "evidence", "arrivals", "doubt", "shadow")
"""What of a memory has arrays; the rest says what it is about."""


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
        tuple((arm.validation_score, arm.validation_error) for arm in experiment.arms),
        experiment.validation_scale,
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
        first, **{name: batch.stacked([getattr(one, name) for one in memories]) for name in _ARRAYS}
    )


def apart(together: Memory, before: Sequence[Memory]) -> list[Memory]:
    """Each resource's own, what it is about being that of before; the inverse of :func:`stacked`."""
    if len(before) == 1:
        return [together]
    own = {name: batch.rows_of(getattr(together, name), len(before)) for name in _ARRAYS}
    return [
        dataclasses.replace(one, **{name: own[name][at] for name in _ARRAYS}) for at, one in enumerate(before)
    ]
