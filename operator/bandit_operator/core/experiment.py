"""The settings of one BanditDeployment, its strategy included."""

from __future__ import annotations

from dataclasses import dataclass, field

from bandit_operator.core.model import (
    Arm,
    Delay,
    Guardrails,
    Mode,
    Promotion,
    RewardType,
    Rollback,
    Shadow,
    ValidationScale,
)
from bandit_operator.core.strategies.base import Strategy

IS_OVER = "spec.maxDuration is over; the weights stay as they are"
"""What is said of an experiment from its deadline on."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A bound on a measurement of each arm, beyond which the arm is unwell."""

    name: str
    bound: float
    above: bool
    """Whether higher values than the bound are bad; otherwise lower ones."""
    windows: int
    """How many windows running it must be so."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """A BanditDeployment as the core sees it, parsed once a generation."""

    uid: str
    """Tells the resource from others of the same name, earlier and later."""
    arms: tuple[Arm, ...]
    baseline: str
    strategy: Strategy
    interval: float = 30.0
    mode: Mode = Mode.ACTIVE
    reward_type: RewardType = RewardType.BERNOULLI
    delay: Delay | None = None
    stale_after: float = 300.0
    max_trials_per_second: float | None = None
    """Most trials that an arm can have in a second; None where the user gives no bound."""
    guardrails: Guardrails = field(default_factory=Guardrails)
    rollback: Rollback = field(default_factory=Rollback)
    promotion: Promotion = field(default_factory=Promotion)
    deadline: float | None = None
    """When the weights stay as they are, verdict or not, seconds since the Unix epoch; None for never."""
    guards: tuple[Guard, ...] = ()
    """Signs that an arm is unwell."""
    shadow: Shadow | None = None
    """How a sample of the requests is scored by every arm; None where only served answers are."""
    pin: str | None = None
    """The arm that is to have all of the traffic while it can serve; None where the strategy decides."""
    validation_scale: ValidationScale = ValidationScale.REWARD
    """What the arms' validation scores measure."""

    @property
    def names(self) -> tuple[str, ...]:
        """The arms' names in the order of the spec, which is the order of every array."""
        return tuple(arm.name for arm in self.arms)

    def is_over(self, now: float) -> bool:
        """Whether the time that the user gives it is over; ``now`` is in seconds since the Unix epoch."""
        return self.deadline is not None and now >= self.deadline

    @property
    def set_out(self) -> frozenset[str]:
        """The arms that the user wants to be out."""
        return frozenset(arm.name for arm in self.arms if arm.out)
