"""What one tick comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bandit_operator.core.inference.changes import Change
from bandit_operator.core.memory import Memory
from bandit_operator.core.model import ArmStanding, Scale


@dataclass(frozen=True, slots=True)
class ArmReport:
    """One arm's line in the status."""

    trials: float
    rewards: float
    mean: float | None
    interval: tuple[float, float] | None
    """Central 95 % interval of the mean reward."""
    probability_best: float | None
    evidence: float | None
    """e-value that the baseline is better; None for the baseline itself."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one tick comes to, doing nothing included."""

    weights: Mapping[str, int]
    """Intended weight of every arm; equal to the route's where nothing shall change."""
    scales: tuple[Scale, ...]
    standings: Mapping[str, ArmStanding]
    reports: Mapping[str, ArmReport]
    memory: Memory
    reason: str
    """One of ``bandit_operator.core.reasons``."""
    message: str
    threshold: float
    """e-value at which an arm is rolled back."""
    promoted: str | None = None
    """The arm proven better than all others, if one is."""
    no_material_difference: bool = False
    """Whether the arms are proven to lie within the indifference."""
    delay_profile_suspect: bool = False
    """Whether the rewards contradict the delay of labels that the user gave."""
    change: Change | None = None
    """What changed lately in the rewards, if anything did."""
