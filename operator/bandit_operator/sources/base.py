"""What every reward source offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bandit_operator.api.presets.base import ArmLabel
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.model import ArmReading
from bandit_operator.routers import Located

Values = Mapping[str, Mapping[str, float]]
"""Numbers by part of the answer and by arm; what has no number is left out."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One element of an instant vector: its labels and its value, which may be NaN."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Counter:
    """Counters whose exact increase is one part of the answer."""

    part: str
    selector: str
    label: ArmLabel
    field: str = ""
    """Field of the spec that the selector is from, empty where it is the operator's own."""
    shared: bool = False
    """Whether one exporter counts for several namespaces, and the label's values tell them apart."""


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL whose value, as it is, is one part of the answer."""

    part: str
    promql: str
    label: ArmLabel
    field: str = ""
    """Field of the spec that it is from."""
    shared: bool = False
    """Whether it is about an exporter that counts for several namespaces, as with a counter."""
    several: Callable[[Sequence[float]], float] | None = None
    """What several elements of one arm come to, such as one of each Pod; None where there must be one."""


class RewardSource(Protocol):
    """Says what to query, and reads the answer."""

    def counters(self, resource: BanditDeployment, located: Located | None = None) -> tuple[Counter, ...]:
        """Counters to read, none for a source that has queries.

        ``located`` is where the arms stand in the route, or None while the route is not known.
        """
        ...

    def queries(self, resource: BanditDeployment, start: float, end: float) -> tuple[Query, ...]:
        """Queries to evaluate at the end of the window (start, end], seconds since the Unix epoch."""
        ...

    def readings(self, resource: BanditDeployment, values: Values) -> dict[str, ArmReading]:
        """What is read of every arm, ``NoData`` where the answer has no number for it."""
        ...


class WithoutQueries:
    """Base of sources that need nothing but counters."""

    __slots__ = ()

    def queries(
        self,
        resource: BanditDeployment,  # noqa: ARG002 - part of the protocol
        start: float,  # noqa: ARG002 - part of the protocol
        end: float,  # noqa: ARG002 - part of the protocol
    ) -> tuple[Query, ...]:
        """None."""
        return ()
