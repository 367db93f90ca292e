"""The operator's decisions, collected from every version of the status that was seen.

The status keeps the last twenty decisions, each with its window of rewards, so a reader who
sees a version at least every twenty ticks misses none. Evidence is not part of a decision's
record: it is taken from the version of the status that was written with it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bandit_operator.api.record import unpacked

Object = Mapping[str, Any]


def parse_time(text: str) -> float:
    """Return an RFC 3339 time as seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()


def number(text: str | None) -> float | None:
    """Return a decimal of the API as a number, None if it is left out."""
    return None if text is None else float(text)


class Records:
    """All decisions so far, however often the evidence was reset in between."""

    def __init__(self) -> None:
        self._windows: dict[str, Object] = {}
        self._others: dict[tuple[str, str], Object] = {}
        self._arms: dict[str, list[Object]] = {}
        self.first_cursor: float | None = None
        """Where the operator began to count, seconds since 1970; None before it did."""

    def add(self, status: Object) -> None:
        """Take in one version of the status; of one that another hand has overwritten nothing can be told."""
        try:
            history = unpacked(status).get("history", [])
        except ValueError:
            return
        if self.first_cursor is None and "cursor" in status:
            self.first_cursor = parse_time(status["cursor"])
        for record in reversed(history):
            window = record.get("window")
            if window is None:
                self._others[record["time"], record["reason"]] = record
            else:  # read again after a crash, a window is recorded again
                self._windows[window["end"]] = record
        if "window" in status and "arms" in status:
            self._arms[status["window"]["end"]] = list(status["arms"])

    @property
    def ticks(self) -> list[Object]:
        """The records that have a window, in the order of the windows."""
        windows = self._windows.copy()  # another thread may add to them
        return [windows[end] for end in sorted(windows, key=parse_time)]

    @property
    def all(self) -> list[Object]:
        """Every record, in the order of their times."""
        records = [*self._windows.copy().values(), *self._others.copy().values()]
        return sorted(records, key=lambda record: parse_time(record["time"]))

    def arms_at(self, window_end: str) -> list[Object]:
        """Return ``status.arms`` as written at the end of a window; [] where that tick was not written."""
        return self._arms.get(window_end, [])

    def trials(self) -> int:
        """Return the rewarded requests of all windows and arms: what the operator has counted.

        Raises:
            ValueError: A count is no whole number, which one trial a reward never gives.
        """
        total = 0.0
        for record in self._windows.copy().values():
            total += sum(float(seen["trials"]) for seen in record.get("observations", {}).values())
        if abs(total - round(total)) > 1e-6:
            raise ValueError(f"the operator counted {total} trials, which is no whole number")
        return round(total)

    def gaps(self) -> list[tuple[str, str]]:
        """Return (end, start) wherever a window does not start at the end of the one before it."""
        windows = [record["window"] for record in self.ticks]
        pairs = itertools.pairwise(windows)
        return [(one["end"], two["start"]) for one, two in pairs if one["end"] != two["start"]]


def ticks_of(records: Records) -> list[dict[str, Any]]:
    """Return one entry a tick: time, window, weights, trials, rewards, evidence, reason, message."""
    entries: list[dict[str, Any]] = []
    weights: Object = {}
    for record in records.ticks:
        weights = record.get("weights", weights)
        seen = record.get("observations", {})
        arms = records.arms_at(record["window"]["end"])
        entries.append(
            {
                "time": record["time"],
                "window": dict(record["window"]),
                "weights": dict(weights),
                "trials": {arm: float(one["trials"]) for arm, one in seen.items()},
                "rewards": {arm: float(one["rewards"]) for arm, one in seen.items()},
                "evidence": {arm["name"]: number(arm.get("evidence")) for arm in arms},
                "probability_best": {arm["name"]: number(arm.get("probabilityBest")) for arm in arms},
                "reason": record["reason"],
                "message": record["message"],
                "actions": list(record.get("actions", [])),
            }
        )
    return entries
