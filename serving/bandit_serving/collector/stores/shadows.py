"""What a database offers for shadows: one row for each arm's answer to the copy of a request.

A shadow's row takes the label of its request along when it is joined, so it needs neither the row of the
served answer, which there may be none of, nor that of the label, which may expire first.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bandit_serving.collector.events import RequestKey, Shadow


class ShadowKey(NamedTuple):
    """What the row of a shadow is found by."""

    route: str
    id: str
    arm: str

    @property
    def request(self) -> RequestKey:
        """The request that the arm answered a copy of."""
        return RequestKey(self.route, self.id)


class KnownShadow(NamedTuple):
    """The row of a shadow."""

    key: ShadowKey
    outputs: str
    """JSON object of its outputs by name."""
    label: str | None
    """None while it waits for one, ``EXPIRED`` where it came too late."""
    reward: int | None
    """Reward in millionths; None where there is none, not yet, or one of type Ratio."""


class Settled(NamedTuple):
    """What became of a shadow."""

    key: ShadowKey
    label: str
    """Label that it was joined with, or ``EXPIRED``."""
    held: bool
    """Whether its reward is only counted when the time for labels is over."""
    reward: int | None
    """As in ``KnownShadow``."""


class ShadowTable(abc.ABC):
    """The shadows of a database, all of it called inside a transaction of its store. Times are Unix times."""

    @abc.abstractmethod
    def put(self, shadows: Sequence[Shadow], now: float) -> set[ShadowKey]:
        """Store shadows, of distinct keys, where there is none yet; return the keys of those."""

    @abc.abstractmethod
    def labels(self, keys: Sequence[RequestKey]) -> Mapping[RequestKey, str]:
        """Return the labels of those of these requests that have one."""

    @abc.abstractmethod
    def of(self, keys: Sequence[RequestKey]) -> list[KnownShadow]:
        """Return all shadows of these requests."""

    @abc.abstractmethod
    def settle(self, rows: Sequence[Settled]) -> None:
        """Write what became of shadows into their rows."""

    @abc.abstractmethod
    def overdue(self, before: float, limit: int) -> list[KnownShadow]:
        """Return at most ``limit`` shadows recorded before a time that wait or are held, oldest first."""

    @abc.abstractmethod
    def forget(self, before: float, limit: int) -> int:
        """Delete at most ``limit`` shadows recorded before a time, and return how many there were.

        Those that wait or are held are not done with, and stay.
        """
