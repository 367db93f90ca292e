"""What a database offers to the collector: rows of events, counters, and transactions around both.

One row a request holds the prediction, the label, or both; shadows have a table of their own. A store knows
nothing of rewards: ``Joiner`` decides what is counted, and does so inside the transaction that changes the
row. So whatever was committed is consistent, and an event that comes again finds its row.
"""

from __future__ import annotations

import abc
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from bandit_serving.collector.counters import Counters
from bandit_serving.collector.events import Label, Prediction, RequestKey
from bandit_serving.collector.stores.shadows import ShadowTable

SCHEMA_VERSION = 2  # 1 had no shadows
EXPIRED = ""  # stands in the label column of an expired prediction; no JSON value is the empty text


class KnownLabel(NamedTuple):
    """The label part of a row when a prediction came; the first two None where it had no label."""

    label: str | None
    labelled_at: float | None
    held: bool
    """Whether its row is held, by the reward function that the route had when the label came."""


class KnownPrediction(NamedTuple):
    """The prediction part of a row when a label came; all None where it had no prediction."""

    arm: str | None
    outputs: str | None
    predicted_at: float | None


class Overdue(NamedTuple):
    """A row whose time is over while it lacks a half or is held."""

    key: RequestKey
    arm: str | None
    outputs: str | None
    label: str | None


class Store(abc.ABC):
    """One database, open for one process at a time and used by one thread.

    Everything but ``read_counters`` and ``close`` is called inside ``transaction``. Times are Unix times in
    seconds.
    """

    shadows: ShadowTable
    """The shadows in the same database, inside the same transactions."""

    @abc.abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """Commit what is done inside, durably, or nothing of it where it raises."""

    @abc.abstractmethod
    def put_predictions(
        self, predictions: Sequence[Prediction], now: float
    ) -> Mapping[RequestKey, KnownLabel]:
        """Store predictions, of distinct requests, where there is none yet.

        Returns:
            For each that was new, what was known of its label.
        """

    @abc.abstractmethod
    def put_labels(
        self, labels: Sequence[tuple[Label, bool]], now: float
    ) -> Mapping[RequestKey, KnownPrediction]:
        """Store labels, of distinct requests, where there is none yet, each with whether to hold its row.

        Returns:
            For each that was new, what was known of its prediction.
        """

    @abc.abstractmethod
    def expired(self, keys: Sequence[RequestKey]) -> set[RequestKey]:
        """Return which of these requests have an expired prediction."""

    @abc.abstractmethod
    def overdue(self, before: float, limit: int) -> list[Overdue]:
        """Return at most ``limit`` rows recorded before a time that lack a half or are held, oldest first."""

    @abc.abstractmethod
    def drop(self, keys: Sequence[RequestKey]) -> None:
        """Delete rows."""

    @abc.abstractmethod
    def mark_expired(self, keys: Sequence[RequestKey], now: float) -> None:
        """Put ``EXPIRED`` in place of the labels of rows."""

    @abc.abstractmethod
    def release(self, keys: Sequence[RequestKey]) -> None:
        """Let held rows go."""

    @abc.abstractmethod
    def forget(self, before: float, limit: int) -> int:
        """Delete at most ``limit`` rows recorded before a time, and return how many there were.

        Those that lack a half or are held are not done with, and stay.
        """

    @abc.abstractmethod
    def add(self, changes: Counters) -> None:
        """Add to counters; one that is not there begins at 0."""

    @abc.abstractmethod
    def read_counters(self) -> Counters:
        """Return all counters."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of the database."""


def keys_of(rows: Iterable[Overdue]) -> list[RequestKey]:
    """Return the keys of rows."""
    return [row.key for row in rows]
