"""A world to play: what each arm earns when, how many requests there are, which guardrails hold."""

from __future__ import annotations

from dataclasses import dataclass, field

from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.core.model import (
    Arm,
    Delay,
    Guardrails,
    Promotion,
    RewardType,
    Rollback,
    Shadow,
    ValidationScale,
)
from bandit_operator.core.strategies import Strategy
from bandit_operator.simulation.spread import Spread

RATES = {
    RewardType.BERNOULLI: (0.0, 1.0),
    RewardType.BOUNDED: (0.0, 1.0),
    RewardType.GAUSSIAN: (-1e12, 1e12),
    RewardType.RATIO: (0.0, 1e12),
}
"""Least and most that an arm can earn in the mean."""


@dataclass(frozen=True, slots=True)
class SupposedShadow:
    """A shadow in a world."""

    share: float
    """Share of the requests that every arm scores, in (0, 1]."""
    alike: float = 0.9
    """Share of the requests whose difficulty is the same to all arms, in [0, 1]."""
    margin: float = Shadow(share=1.0).margin
    """By how much less in the mean than the baseline an arm may earn and still pass for no worse."""


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """What happens to the operator in a simulation, tick by tick."""

    name: str
    names: tuple[str, ...]
    baseline: str
    rates: Floats
    """Mean reward of each arm at each tick ``[T, K]``: in [0, 1] for Bernoulli and Bounded, the ratio for
    Ratio.
    """
    requests: Floats
    """Requests of each tick ``[T]``, whole numbers."""
    interval: float = 30.0
    """Length of a tick in seconds."""
    design_effect: float = 1.0
    """Variance of an arm's mean reward in a tick, relative to that of independent requests."""
    serves_from: tuple[int, ...] = ()
    """Tick from which each arm can serve; empty means all from the first."""
    onboarded: tuple[bool, ...] = ()
    """Which arms serve nobody before the shadow has shown them to be no worse; empty means none."""
    validation_scores: tuple[float | None, ...] = ()
    validation_errors: tuple[float | None, ...] = ()
    """Standard errors of the scores; empty means that none is known."""
    validation_scale: ValidationScale = ValidationScale.REWARD
    delay: Delay | None = None
    """How late labels truly come."""
    assumed_delay: Delay | None = None
    """What the operator is told of that."""
    guardrails: Guardrails = field(default_factory=Guardrails)
    rollback: Rollback = field(default_factory=Rollback)
    promotion: Promotion = field(default_factory=Promotion)
    shadow: SupposedShadow | None = None
    reward_type: RewardType = RewardType.BERNOULLI
    spread: Spread | None = None
    """How much single rewards vary: for Gaussian and Ratio, and None for the others."""

    @property
    def size(self) -> float:
        """What an arm's mean is multiplied by to have the reward of a request: the mean denominator, or 1."""
        return 1.0 if self.spread is None else self.spread.denominator

    @property
    def ticks(self) -> int:
        """Length of the simulation."""
        return len(self.rates)

    def experiment(self, strategy: Strategy) -> Experiment:
        """Return the experiment that the operator would run here."""
        nothing = (None,) * len(self.names)
        scores, errors = self.validation_scores or nothing, self.validation_errors or nothing
        onboarded = self.onboarded or (False,) * len(self.names)
        arms = tuple(
            Arm(name, score, error, onboards_in_shadow=onboards)
            for name, score, error, onboards in zip(self.names, scores, errors, onboarded, strict=True)
        )
        return Experiment(
            uid=self.name,
            arms=arms,
            baseline=self.baseline,
            strategy=strategy,
            interval=self.interval,
            delay=self.assumed_delay,
            guardrails=self.guardrails,
            rollback=self.rollback,
            promotion=self.promotion,
            shadow=None if self.shadow is None else Shadow(self.shadow.share, self.shadow.margin),
            validation_scale=self.validation_scale,
            reward_type=self.reward_type,
        )
