"""What a decision came to, as typed values.

Events, counters, history, urgency and log lines are folds over these. Nobody compares what was
before with what is after to learn what was decided: the core says it, once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bandit_operator.core.inference.changes import Change
from bandit_operator.core.inference.verdicts import LARGEST_LOG


@dataclass(frozen=True, slots=True)
class BaselineChanged:
    """The user has made another arm the baseline."""

    before: str
    arm: str
    stays: bool
    """Whether the one before is still an arm."""


@dataclass(frozen=True, slots=True)
class Drained:
    """An arm that was rolled back, or set out, carries nothing any more; its Pods are gone, or kept."""

    arm: str
    reason: str


@dataclass(frozen=True, slots=True)
class DrainStep:
    """An arm that is being taken out has come to its next step."""

    arm: str
    reason: str


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something about an arm that must be remembered and changes nothing yet: ``reason`` says what."""

    arm: str
    reason: str


@dataclass(frozen=True, slots=True)
class Graduated:
    """A joining arm has its trials, and follows the strategy from here on."""

    arm: str


@dataclass(frozen=True, slots=True)
class Held:
    """The weights are held until something comes right."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Joined:
    """An arm begins with a small share, because it is new, or something else serves it now."""

    arm: str
    reason: str


@dataclass(frozen=True, slots=True)
class NoMaterialDifference:
    """The best arms are proven to lie within the indifference."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """The user wants one arm to have all of the traffic."""

    arm: str


@dataclass(frozen=True, slots=True)
class Promoted:
    """An arm is proven better than all others, and was not before."""

    arm: str


@dataclass(frozen=True, slots=True)
class Recalled:
    """An arm that was taken out serves again, because no other can."""

    arm: str


@dataclass(frozen=True, slots=True)
class Restored:
    """An arm that was out, by a verdict or a wish, is being brought back."""

    arm: str
    reason: str


@dataclass(frozen=True, slots=True)
class Returned:
    """An arm can serve again."""

    arm: str


@dataclass(frozen=True, slots=True)
class RewardsChanged:
    """The rewards are no longer what they were."""

    change: Change


@dataclass(frozen=True, slots=True)
class RolledBack:
    """A verdict: an arm is worse than the baseline, and is taken out."""

    arm: str
    baseline: str
    log_e_value: float
    """ln of the evidence that the baseline is better."""
    threshold: float
    """e-value from which on an arm is rolled back."""
    by_shadow: bool = False
    """Whether the larger part of the evidence is from the shadow."""

    def __str__(self) -> str:
        e_value = math.exp(min(self.log_e_value, LARGEST_LOG))
        where = ", mostly by the shadow" if self.by_shadow else ""
        crossed = f"e-value {e_value:.3g} crossed {self.threshold:.0f}{where}"
        return f"{self.arm} is worse than {self.baseline}: {crossed}"


@dataclass(frozen=True, slots=True)
class Scaled:
    """Set the replicas of an arm's scale target, provided that it has ``expected`` now."""

    arm: str
    expected: int
    replicas: int

    def __str__(self) -> str:
        return f"scale {self.arm} from {self.expected} to {self.replicas}"


@dataclass(frozen=True, slots=True)
class SetOut:
    """The user wants an arm to be out, and it begins to drain."""

    arm: str


@dataclass(frozen=True, slots=True)
class IdentityChanged:
    """What an arm's evidence is about is something else, or known for the first time, and is kept at once.

    It is its Pod template, backend, scale target and label.
    """

    arm: str


@dataclass(frozen=True, slots=True)
class Unpinned:
    """The strategy has the traffic again that one arm had by the user's wish."""

    arm: str


@dataclass(frozen=True, slots=True)
class WeightsMoved:
    """The route is to carry other weights."""

    before: Mapping[str, int]
    after: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Withheld:
    """An arm can no longer serve, and gets no traffic."""

    arm: str
    reason: str
    message: str


Outcome = (
    BaselineChanged
    | Drained
    | DrainStep
    | Graduated
    | Held
    | Joined
    | NoMaterialDifference
    | Noticed
    | Pinned
    | Promoted
    | Recalled
    | Restored
    | Returned
    | RewardsChanged
    | RolledBack
    | Scaled
    | SetOut
    | IdentityChanged
    | Unpinned
    | WeightsMoved
    | Withheld
)
"""Sorted; what matches one of them handles all, or says that it takes some only."""
