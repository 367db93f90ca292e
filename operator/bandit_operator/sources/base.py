"""What every reward source offers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.model import Outcome
from bandit_operator.routers import Located
from bandit_operator.sources.promql import PART

Values = Mapping[str, Mapping[str, float]]
"""Numbers by part of the answer and by arm; what has no number is left out."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One element of an instant vector: its labels and its value, which may be NaN."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class ArmLabel:
    """The label that tells the arms' series apart.

    ``patterns`` gives for each arm the regular expression that the whole value matches, and
    ``beside`` is a matcher of another label that goes with it, such as the namespace.
    """

    name: str
    patterns: tuple[tuple[str, str], ...]
    beside: str = ""

    def arm_of(self, value: str) -> str | None:
        """The arm that a value of the label belongs to, or None for a stranger's."""
        for arm, pattern in self.patterns:
            if re.fullmatch(pattern, value):
                return arm
        return None

    @property
    def any_arm(self) -> str:
        """A regular expression that the values of all arms match, as the inside of a PromQL string."""
        joined = "|".join(pattern for _, pattern in self.patterns)
        return joined.replace("\\", "\\\\").replace('"', '\\"')

    def values(self, samples: Sequence[Sample], part: str) -> dict[str, float]:
        """Sum by arm of one part of an answer; an arm with no number in it is left out."""
        found: dict[str, float] = {}
        for sample in samples:
            arm = self.arm_of(sample.labels.get(self.name, ""))
            is_number = sample.value == sample.value
            if arm is not None and sample.labels.get(PART) == part and is_number:
                found[arm] = found.get(arm, 0.0) + sample.value
        return found


@dataclass(frozen=True, slots=True)
class Counter:
    """Counters whose exact increase is one part of the answer."""

    part: str
    selector: str
    label: ArmLabel


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL whose value, as it is, is one part of the answer."""

    part: str
    promql: str
    label: ArmLabel


class RewardSource(Protocol):
    """Says what to ask, and reads the answer."""

    def counters(self, resource: BanditDeployment, located: Located | None = None) -> tuple[Counter, ...]:
        """Counters to read, none for a source that has queries.

        ``located`` is where the arms stand in the route, or None while the route is not known.
        """
        ...

    def queries(self, resource: BanditDeployment, start: float, end: float) -> tuple[Query, ...]:
        """Queries to ask at the end of the window (start, end], seconds since the Unix epoch."""
        ...

    def outcomes(self, resource: BanditDeployment, values: Values) -> dict[str, Outcome]:
        """The outcome of every arm, ``NoData`` where the answer has no number for it."""
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
