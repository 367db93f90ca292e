"""Numbers that change over a simulation: constants, steps, ramps, cycles, files, and sums of these."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.core.quantities import parse_decimal, parse_duration

LONGEST_VALUE = 80
"""Characters of a value that are shown."""


class WorldError(ValueError):
    """A world that cannot be played: names the file, the field, its value and the fix."""

    def __init__(self, file: str, field: str, value: object, fix: str) -> None:
        what = "is missing" if value is None else f"is {_shown(value)}"
        super().__init__(f"{file}: {field or 'the world'} {what}; {fix}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which file a value stands, for messages."""

    file: str
    folder: Path
    field: str

    def at(self, name: str) -> Place:
        """Return the place of a part."""
        return Place(self.file, self.folder, f"{self.field}.{name}" if self.field else name)

    def error(self, value: object, fix: str) -> WorldError:
        """Return the error about this place."""
        return WorldError(self.file, self.field, value, fix)


def number(
    place: Place, value: object, low: float | None = None, high: float | None = None, *, whole: bool = False
) -> float:
    """Return a number within bounds, ends included; as in the resource it may stand in quotes, or be 5%.

    Raises:
        WorldError: it is none, or out of bounds.
    """
    bounds = f"between {low:g} and {high:g}" if low is not None and high is not None else ""
    bounds = bounds or (f"of at least {low:g}" if low is not None else "")
    kind = "whole number" if whole else "number"
    fix = f"write a {kind} {bounds}".rstrip()
    found = _read(value, parse_decimal)
    if found is None or not np.isfinite(found):
        raise place.error(value, fix)
    if (low is not None and found < low) or (high is not None and found > high):
        raise place.error(value, fix)
    if whole and found != int(found):
        raise place.error(value, fix)
    return found


def seconds(place: Place, value: object, low: float) -> float:
    """Return a length of time of at least ``low`` seconds, written in seconds or as the resource has it.

    Raises:
        WorldError: it is none, or shorter.
    """
    found = _read(value, parse_duration)
    if found is None or not np.isfinite(found) or found < low:
        raise place.error(value, f"write a number of at least {low:g}, in seconds, or such as 1h30m")
    return found


def _read(value: object, parse: Callable[[str], float]) -> float | None:
    """The number that a value is, or that its text stands for; None where it is neither."""
    if isinstance(value, str):
        try:
            return parse(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def mapping(place: Place, value: object, allowed: Mapping[str, bool]) -> dict[str, Any]:
    """Return a mapping that has all required fields (True in ``allowed``) and no unknown ones.

    Raises:
        WorldError: it is none, or its fields are others.
    """
    names = ", ".join(allowed)
    if not isinstance(value, dict):
        raise place.error(value, f"write a mapping with {names}")
    for name in value:
        if name not in allowed:
            near = difflib.get_close_matches(str(name), allowed, n=1)
            fix = f"write {near[0]}, or remove it" if near else "remove it"
            raise place.at(str(name)).error(value[name], f"{fix}; known here are {names}")
    for name, required in allowed.items():
        if required and name not in value:
            raise place.at(name).error(None, "add it")
    return dict(value)


def schedule(place: Place, value: object, ticks: int, low: float, high: float) -> Floats:
    """Return the value at every tick ``[ticks]``.

    Args:
        place: where it stands.
        value: a number or one of ``{steps: …}``, ``{ramp: …}``, ``{cycle: …}``, ``{csv: …, column: …}``,
            ``{sum: […]}``.
        ticks: how many are wanted.
        low: smallest allowed value.
        high: largest allowed value.

    Raises:
        WorldError: it is none of these, or leaves the bounds.
    """
    result = _values(place, value, ticks)
    outside = np.flatnonzero(~((result >= low) & (result <= high)))
    if outside.size:
        raise place.error(
            float(result[outside[0]]),
            f"it must stay between {low:g} and {high:g}, and does not at tick {outside[0]}",
        )
    return result


def whole(amounts: Floats) -> Floats:
    """Whole amounts of every tick ``[ticks]`` that come to what was asked for, however little that is a tick.

    What is left of a tick is kept until it makes a whole one: 0.3 a tick is one in the 4th, the 7th, the
    10th. Up to each tick they come to what was asked for, rounded down.

    Args:
        amounts: of every tick, at least 0.
    """
    certain = np.floor(amounts)
    kept = np.floor(np.cumsum(amounts - certain) + _ROUNDING)
    return np.asarray(certain + np.diff(kept, prepend=0.0))


_ROUNDING = 1e-6
"""Of a whole one, what may be lost in adding up a million parts."""


def _values(place: Place, value: object, ticks: int) -> Floats:
    if not isinstance(value, dict):
        return np.full(ticks, number(place, value))
    kinds = [kind for kind in _KINDS if kind in value]
    if len(kinds) != 1:
        raise place.error(value, f"write a number, or a mapping with exactly one of {', '.join(_KINDS)}")
    return _KINDS[kinds[0]](place, value, ticks)


def _steps(place: Place, value: Mapping[str, Any], ticks: int) -> Floats:
    steps = mapping(place, value, {"steps": True})["steps"]
    here = place.at("steps")
    if not isinstance(steps, list) or not steps:
        raise here.error(steps, "write a list of {at: tick, value: number}, the first at tick 0")
    result, before = np.zeros(ticks), -1.0
    for index, entry in enumerate(steps):
        spot = here.at(str(index))
        fields = mapping(spot, entry, {"at": True, "value": True})
        at = number(spot.at("at"), fields["at"], 0, whole=True)
        if index == 0 and at != 0:
            raise spot.at("at").error(fields["at"], "let the first step begin at tick 0")
        if at <= before:
            raise spot.at("at").error(fields["at"], "let every step begin after the one before it")
        result[int(at) :] = number(spot.at("value"), fields["value"])
        before = at
    return result


def _ramp(place: Place, value: Mapping[str, Any], ticks: int) -> Floats:
    here = place.at("ramp")
    needed = {"from": True, "to": True, "start": False, "end": False}
    fields = mapping(here, mapping(place, value, {"ramp": True})["ramp"], needed)
    start = number(here.at("start"), fields.get("start", 0), 0)
    end = number(here.at("end"), fields.get("end", ticks), 0)
    if end <= start:
        raise here.at("end").error(end, f"let it end after its start at tick {start:g}")
    ends = [number(here.at(name), fields[name]) for name in ("from", "to")]
    return np.interp(np.arange(ticks), [start, end], ends)


def _cycle(place: Place, value: Mapping[str, Any], ticks: int) -> Floats:
    here = place.at("cycle")
    needed = {"mean": False, "amplitude": True, "period": True, "phase": False}
    fields = mapping(here, mapping(place, value, {"cycle": True})["cycle"], needed)
    period = number(here.at("period"), fields["period"], 1)
    mean, phase = (number(here.at(name), fields.get(name, 0.0)) for name in ("mean", "phase"))
    amplitude = number(here.at("amplitude"), fields["amplitude"])
    return np.asarray(mean + amplitude * np.sin(2 * np.pi * (np.arange(ticks) + phase) / period))


def _file(place: Place, value: Mapping[str, Any], ticks: int) -> Floats:
    fields = mapping(place, value, {"csv": True, "column": True})
    path = place.folder / str(fields["csv"])
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets put a mark first
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise place.at("csv").error(fields["csv"], f"it cannot be read: {error.strerror}") from error
    except (ValueError, csv.Error) as error:
        raise place.at("csv").error(fields["csv"], f"it must be a table in UTF-8: {error}") from error
    column = str(fields["column"])
    if not rows or column not in rows[0]:
        known = ", ".join(rows[0]) if rows else "none"
        raise place.at("column").error(column, f"the file's columns are {known}")
    if len(rows) < ticks:
        raise place.at("csv").error(fields["csv"], f"it has {len(rows)} rows; the world has {ticks} ticks")
    try:
        return np.array([float(row[column]) for row in rows[:ticks]])
    except (TypeError, ValueError) as error:  # TypeError where a row is too short
        raise place.at("column").error(column, f"the column must hold numbers: {error}") from error


def _sum(place: Place, value: Mapping[str, Any], ticks: int) -> Floats:
    parts = mapping(place, value, {"sum": True})["sum"]
    here = place.at("sum")
    if not isinstance(parts, list) or not parts:
        raise here.error(parts, "write a list of numbers or schedules")
    values = [_values(here.at(str(index)), part, ticks) for index, part in enumerate(parts)]
    return np.asarray(np.sum(values, axis=0))


_KINDS: dict[str, Callable[[Place, Mapping[str, Any], int], Floats]] = {
    "steps": _steps,
    "ramp": _ramp,
    "cycle": _cycle,
    "csv": _file,
    "sum": _sum,
}
