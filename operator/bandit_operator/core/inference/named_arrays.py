"""Named arrays that are carried from tick to tick, and what adding or resetting an arm does to them.

Every array has the shape ``[..., *inner, K]`` or ``[..., *inner, K, K]``: any leading axes
(none in the operator, one per seed in a simulation), then axes of its own, then one arm
axis or a pair of them. Knowing this much of each array is enough to create it, to reset
one arm in it, to reorder arms and to pack it into bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Arrays = Mapping[str, Floats]


@cache
def identity(arms: int) -> Floats:
    """The unit matrix ``[K, K]``, made once; not to be written to."""
    made = np.eye(arms)
    made.setflags(write=False)
    return made


@cache
def same_arm(arms: int) -> Flags:
    """Where row and column are one arm ``[K, K]``, made once; not to be written to."""
    made = np.eye(arms, dtype=bool)
    made.setflags(write=False)
    return made


@cache
def others(arms: int) -> Flags:
    """Where row and column are two arms ``[K, K]``, made once; not to be written to."""
    made = ~same_arm(arms)
    made.setflags(write=False)
    return made


class Axes(Enum):
    """Which of an array's last axes stand for arms."""

    ARM = "arm"
    """``[..., K]``."""
    PAIR = "pair"
    """``[..., K, K]``, any values."""
    SYMMETRIC = "symmetric"
    """``[..., K, K]`` with x[i, j] = x[j, i] and a zero diagonal."""
    ANTISYMMETRIC = "antisymmetric"
    """``[..., K, K]`` with x[i, j] = −x[j, i]."""


@dataclass(frozen=True, slots=True)
class Field:
    """Shape of one carried array, and the value that stands for "nothing seen yet"."""

    axes: Axes = Axes.ARM
    inner: tuple[int, ...] = ()
    fill: float = 0.0

    def shape(self, arms: int) -> tuple[int, ...]:
        """Shape without leading axes."""
        return (*self.inner, arms) if self.axes is Axes.ARM else (*self.inner, arms, arms)


Fields = Mapping[str, Field]


def initial(fields: Fields, arms: int, leading: tuple[int, ...] = ()) -> dict[str, Floats]:
    """Arrays of an experiment that has seen nothing."""
    return {name: np.full(leading + field.shape(arms), field.fill) for name, field in fields.items()}


def reset(arrays: Arrays, fields: Fields, index: int) -> dict[str, Floats]:
    """Forget one arm: its own numbers and those of every pair it is in."""
    result = {}
    for name, field in fields.items():
        array = arrays[name].copy()
        array[..., index] = field.fill
        if field.axes is not Axes.ARM:
            array[..., index, :] = field.fill
        result[name] = array
    return result


def select(arrays: Arrays, fields: Fields, order: Sequence[int | None]) -> dict[str, Floats]:
    """Arrays for another list of arms; ``order`` gives each one's old index, None where it is new."""
    kept = np.array([new for new, old in enumerate(order) if old is not None], dtype=int)
    source = np.array([old for old in order if old is not None], dtype=int)
    result = {}
    for name, field in fields.items():
        old = arrays[name]
        trailing = field.shape(len(order))
        new = np.full(old.shape[: old.ndim - len(trailing)] + trailing, field.fill)
        if field.axes is Axes.ARM:
            new[..., kept] = old[..., source]
        else:
            new[..., kept[:, None], kept[None, :]] = old[..., source[:, None], source[None, :]]
        result[name] = new
    return result


def pack(arrays: Arrays, fields: Fields) -> bytes:
    """Little-endian float64 of all arrays in the order of their names; no leading axes.

    Of symmetric and antisymmetric arrays only the part above the diagonal is kept.
    """
    return b"".join(
        _independent(arrays[name], fields[name]).astype("<f8").tobytes() for name in sorted(fields)
    )


def unpack(data: bytes, fields: Fields, arms: int) -> dict[str, Floats]:
    """Inverse of :func:`pack`, bit for bit.

    Raises:
        ValueError: ``data`` has another length than these fields need.
    """
    sizes = {name: _size(fields[name], arms) for name in sorted(fields)}
    expected = 8 * sum(sizes.values())
    if len(data) != expected:
        raise ValueError(f"holds {len(data)} bytes, expected {expected}")
    values = np.frombuffer(data, dtype="<f8").astype(np.float64)
    result, start = {}, 0
    for name, size in sizes.items():
        result[name] = _restored(values[start : start + size], fields[name], arms)
        start += size
    return result


@cache
def _above_diagonal(arms: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of the pairs (i, j) with i < j."""
    first, second = np.triu_indices(arms, 1)
    return first, second


def _independent(array: Floats, field: Field) -> Floats:
    if field.axes in (Axes.ARM, Axes.PAIR):
        return array.ravel()
    upper = _above_diagonal(array.shape[-1])
    return array[..., upper[0], upper[1]].ravel()


def _size(field: Field, arms: int) -> int:
    pairs = arms * (arms - 1) // 2
    last = {Axes.ARM: arms, Axes.PAIR: arms * arms}.get(field.axes, pairs)
    return int(np.prod(field.inner, dtype=int)) * last


def _restored(values: Floats, field: Field, arms: int) -> Floats:
    if field.axes in (Axes.ARM, Axes.PAIR):
        return values.reshape(field.shape(arms)).copy()
    upper = _above_diagonal(arms)
    array = np.zeros(field.shape(arms))
    part = values.reshape(*field.inner, -1)
    array[..., upper[0], upper[1]] = part
    array[..., upper[1], upper[0]] = part if field.axes is Axes.SYMMETRIC else -part
    return array
