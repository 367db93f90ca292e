"""What every reward source offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.model import Outcome


@dataclass(frozen=True, slots=True)
class Sample:
    """One element of an instant vector: its labels and its value, which may be NaN."""

    labels: Mapping[str, str]
    value: float


class RewardSource(Protocol):
    """Asks for rewards and reads the answer."""

    def parts(self, resource: BanditDeployment, start: float, end: float) -> list[str]:
        """Queries for the rewards of all arms in (start, end], seconds since the Unix epoch.

        They are sent as one, joined by ``or``, so their elements must differ in their labels;
        ``promql.part`` sees to that.
        """
        ...

    def outcomes(self, resource: BanditDeployment, samples: Sequence[Sample]) -> dict[str, Outcome]:
        """The outcome of every arm, ``NoData`` where the answer has no number for it."""
        ...
