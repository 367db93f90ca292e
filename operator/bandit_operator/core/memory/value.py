"""The memory as a value, and what it is at the beginning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandit_operator.core import doubts
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference import evidence as ev
from bandit_operator.core.inference import exposure, named_arrays
from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.named_arrays import Arrays, Field, Fields, Floats
from bandit_operator.core.inference.shadow import ShadowEvidence, worth
from bandit_operator.core.model import Delay, RewardType
from bandit_operator.core.strategies import STRATEGIES, Validation


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """What the core knows after the windows learned from so far."""

    arms: tuple[str, ...]
    """Names in the order of every array's last axis."""
    baseline: str
    strategy: str
    """Type of the strategy that ``state`` belongs to."""
    reward_type: RewardType
    ticks: int
    """Windows learned from since the memory began, empty ones included."""
    totals: Floats
    """Sums of each arm since its last reset ``[..., M, K]``, rows as in ``core.inference.moments``."""
    labels: Floats
    """Running mean of labels per tick ``[...]``; 0 before the first label."""
    state: Arrays
    """The strategy's arrays."""
    evidence: ev.Evidence
    """What verdicts are made from."""
    delay: Delay | None
    """How late labels come, which decides what a trial is; None where they do not."""
    arrivals: Arrays
    """The arrays of ``core.inference.exposure``; none where labels do not come late."""
    doubt: Arrays
    """The arrays of ``core.doubts``: of arms whose numbers could not be."""
    shadow: ShadowEvidence | None = None
    """What the shadow has shown; None where there is none."""

    @property
    def trials(self) -> Floats:
        """Labelled requests of each arm since its last reset ``[..., K]``.

        Where labels come late they are expected exposures, see ``core.inference.exposure``.
        """
        return self.totals[..., mo.TRIALS, :]

    @property
    def trials_with_shadow(self) -> Floats:
        """Trials of each arm since its last reset, and what the shadow is worth beside them ``[..., K]``.

        One that is contradicted is worth nothing.
        """
        if self.shadow is None:
            return self.trials
        scored = worth(self.shadow, self.index(self.baseline), self.reward_type)
        return np.asarray(self.trials + np.where(self.shadow.lies[..., None], 0.0, scored))

    @property
    def rewards(self) -> Floats:
        """Sum of rewards of each arm since its last reset ``[..., K]``."""
        return self.totals[..., mo.REWARDS, :]

    def index(self, arm: str) -> int:
        """Position of an arm in the arrays.

        Raises:
            ValueError: there is no such arm.
        """
        return self.arms.index(arm)

    def __eq__(self, other: object) -> bool:
        """Equal in every bit of every array."""
        if not isinstance(other, Memory):
            return NotImplemented
        return self.identity() == other.identity() and all(
            np.array_equal(mine, theirs, equal_nan=True)
            for mine, theirs in zip(self.arrays(), other.arrays(), strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays cannot be hashed

    def identity(self) -> tuple[object, ...]:
        """What it is about: everything but its arrays."""
        shadowed = self.shadow is not None
        return self.arms, self.baseline, self.strategy, self.reward_type, self.ticks, self.delay, shadowed

    def arrays(self) -> list[Floats]:
        """All arrays, in an order that does not depend on their contents."""
        scored = {} if self.shadow is None else self.shadow.joined()
        groups = (self.state, self.evidence.joined(), self.arrivals, self.doubt, scored)
        return [self.totals, self.labels, *(group[name] for group in groups for name in sorted(group))]


def arrival_fields(delay: Delay | None) -> Fields:
    """All arrays about labels that come late; none where they do not."""
    return {} if delay is None else exposure.fields()


def totals_fields(reward_type: RewardType) -> Fields:
    """Return the one array of sums, in the form that resets and storage work on."""
    return {"totals": Field(inner=(mo.rows(reward_type),))}


def initial(experiment: Experiment, leading: tuple[int, ...] = ()) -> Memory:
    """Memory of an experiment that has seen nothing; ``leading`` axes are for simulations."""
    arms, kind = len(experiment.arms), experiment.reward_type
    delay = late_labels(experiment)
    return Memory(
        arms=experiment.names,
        baseline=experiment.baseline,
        strategy=experiment.strategy.type,
        reward_type=kind,
        ticks=0,
        totals=named_arrays.initial(totals_fields(kind), arms, leading)["totals"],
        labels=np.zeros(leading),
        state=named_arrays.initial(STRATEGIES[experiment.strategy.type].fields(kind), arms, leading),
        evidence=ev.Evidence.initial(kind, arms, leading),
        delay=delay,
        arrivals=named_arrays.initial(arrival_fields(delay), arms, leading),
        doubt=named_arrays.initial(doubts.fields(), arms, leading),
        shadow=None if experiment.shadow is None else ShadowEvidence.initial(kind, arms, leading),
    )


def late_labels(experiment: Experiment) -> Delay | None:
    """Return the profile of late labels, for the rewards that can be counted against exposures.

    A Gaussian or ratio reward is missing while its label is, and not zero: its trials are
    the labels that have come, and no profile is needed.
    """
    return None if mo.is_normal(experiment.reward_type) else experiment.delay


def validation(experiment: Experiment) -> Validation:
    """What offline validation says of the arms."""
    scores = [np.nan if arm.validation_score is None else arm.validation_score for arm in experiment.arms]
    errors = [arm.validation_error or 0.0 for arm in experiment.arms]
    return Validation(np.array(scores), np.array(errors), experiment.validation_scale)
