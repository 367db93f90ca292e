"""What a strategy is: how much traffic each arm should get, from what the arms have earned."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference import posterior
from bandit_operator.core.inference.named_arrays import Arrays, Fields, Flags, Floats
from bandit_operator.core.model import RewardType
from bandit_operator.core.strategies.validation import Validation

Kind = Literal["decimal", "duration", "share-map"]


def setting(
    default: Any,
    doc: str,
    kind: Kind = "decimal",
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    exclusive_minimum: float | None = None,
) -> Any:
    """Dataclass field of a strategy that the user may set; the API's schema is made from it.

    Args:
        default: value where the user gives none; durations are seconds.
        doc: what it means, in one or two sentences that ``kubectl explain`` shows.
        kind: ``decimal``, ``duration`` (seconds, or None where the default is None),
            ``share-map`` (arm name to share of the traffic).
        minimum: smallest allowed value.
        maximum: largest allowed value.
        exclusive_minimum: value that must be exceeded.
    """
    metadata = {
        "doc": doc,
        "kind": kind,
        "minimum": minimum,
        "maximum": maximum,
        "exclusive_minimum": exclusive_minimum,
    }
    if kind == "share-map":
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What one window of the shadow brought, as a strategy sees it."""

    moments: Floats
    """Sums of each arm's rewards ``[..., M, K]``."""
    precision: Floats
    """Requests of each pair over the variance of their difference ``[..., K, K]``, symmetric."""
    difference: Floats
    """Sum of the pair's differences over that variance ``[..., K, K]``, antisymmetric."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What one window brought, as a strategy sees it."""

    moments: Floats
    """Sums of the window ``[..., M, K]``, rows as in :mod:`bandit_operator.core.inference.moments`."""
    seconds: float
    """Length of the window."""
    reward_type: RewardType
    baseline: int
    """Index of the baseline."""
    anchor: Floats
    """The baseline's ratio before the window ``[..., 1]``; 0 unless rewards are ratios."""
    validation: Validation
    """What offline validation says of the arms."""
    shadow: Scored | None = None
    """What the shadow scored in it, where there is one that can be relied on."""

    @property
    def counts(self) -> Floats:
        """Sums of all rewarded answers, served or in the shadow ``[..., M, K]``."""
        return self.moments if self.shadow is None else self.moments + self.shadow.moments

    @property
    def observed(self) -> Flags:
        """Whether any arm has trials in the window ``[...]``."""
        return np.asarray(self.counts[..., mo.TRIALS, :].sum(-1) > 0)


@dataclass(frozen=True, slots=True)
class Situation:
    """What shares are computed from, besides the strategy's own state."""

    names: tuple[str, ...]
    reward_type: RewardType
    baseline: int
    """Index of the baseline."""
    totals: Floats
    """Sums since each arm's last reset ``[..., M, K]``, of served requests."""
    eligible: Flags
    """Arms that may get traffic ``[..., K]``."""
    expected_labels: Floats
    """Labels expected in the next tick ``[...]``; 0 while unknown."""
    validation: Validation
    """What offline validation says of the arms."""
    shadow: Floats | None = None
    """Sums of the arms' rewards in the shadow ``[..., M, K]``, where there is one that can be relied on."""
    scored: Flags | None = None
    """Arms that the shadow has scored lately ``[..., K]``."""
    best: Floats | None = None
    """P(best) of just this state and situation ``[..., K]``, where it is known already."""

    @property
    def counts(self) -> Floats:
        """Sums of all rewarded answers since each arm's last reset, served or in the shadow."""
        return self.totals if self.shadow is None else self.totals + self.shadow

    @property
    def linear(self) -> Floats:
        """Moments whose means are compared: ratios linearised at the baseline's ratio."""
        anchor = mo.ratio_anchor(self.counts, self.baseline)
        return mo.linearise(self.counts, self.reward_type, anchor)

    @property
    def sees_all(self) -> Flags:
        """Whether the shadow scores every eligible arm, so that none need be served to be known ``[...]``."""
        if self.scored is None:
            return np.zeros(self.expected_labels.shape, dtype=bool)
        return np.asarray((self.scored | ~self.eligible).all(-1))


class Strategy(Protocol):
    """One way to split traffic; a frozen dataclass whose fields are its settings.

    State is a mapping of arrays described by :meth:`fields`, with any leading axes. Methods
    are pure and never fail, whatever the counts.
    """

    type: ClassVar[str]
    """Name in the API."""
    learns: ClassVar[bool]
    """Whether shares follow from rewards, so that every arm must first have some."""
    compares_validation_scores: ClassVar[bool]
    """Whether shares follow from offline scores, so that every arm must have one."""

    @classmethod
    def fields(cls, reward_type: RewardType) -> Fields:
        """Arrays it carries from tick to tick; independent of its settings."""
        ...

    def update(self, state: Arrays, tick: Tick) -> dict[str, Floats]:
        """State after one more window."""
        ...

    def shares(self, state: Arrays, situation: Situation) -> Floats:
        """Shares ``[..., K]`` that sum to 1 over the eligible arms and are 0 elsewhere."""
        ...

    def probability_best(self, state: Arrays, situation: Situation) -> Floats:
        """P(arm k is the best of the eligible ones) ``[..., K]`` as this strategy sees it."""
        ...

    def trust(self, state: Arrays, situation: Situation) -> Floats | None:
        """Weight that validation scores have beside rewards ``[...]``, in [0, 1]; None if unused."""
        ...

    def counts(self, state: Arrays, situation: Situation) -> Floats:
        """Moments ``[..., M, K]`` that means and intervals are reported from."""
        ...


def best_of(strategy: Strategy, state: Arrays, situation: Situation) -> Floats:
    """P(best) ``[..., K]``, found once for a situation that knows it."""
    return strategy.probability_best(state, situation) if situation.best is None else situation.best


class Stateless:
    """Base of strategies that need nothing but the totals."""

    __slots__ = ()
    compares_validation_scores: ClassVar[bool] = False

    @classmethod
    def fields(cls, reward_type: RewardType) -> Fields:  # noqa: ARG003 - part of the protocol
        """Carry nothing."""
        return {}

    def update(self, state: Arrays, tick: Tick) -> dict[str, Floats]:  # noqa: ARG002 - part of the protocol
        """Keep nothing."""
        return dict(state)

    def probability_best(self, state: Arrays, situation: Situation) -> Floats:  # noqa: ARG002 - part of the protocol
        """P(best) from the posterior of all rewards since each arm's reset."""
        return posterior.probability_best(situation.linear, situation.reward_type, situation.eligible)

    def trust(self, state: Arrays, situation: Situation) -> Floats | None:  # noqa: ARG002 - part of the protocol
        """None: it does not weigh validation scores against rewards."""
        return None

    def counts(self, state: Arrays, situation: Situation) -> Floats:  # noqa: ARG002 - part of the protocol
        """All rewards since each arm's reset."""
        return situation.totals


def discount(half_life: float | None, seconds: float, observed: Flags) -> Floats:
    """γ = 2^(−seconds/half-life) where something was observed ``[...]``, else 1: silence forgets nothing."""
    if half_life is None:
        return np.ones(observed.shape)
    return np.where(observed, 0.5 ** (seconds / half_life), 1.0)


def settings_of(strategy: type[Strategy]) -> Mapping[str, dataclasses.Field[Any]]:
    """Return the settings of a strategy by name, in the order of its definition."""
    return {
        entry.name: entry
        for entry in dataclasses.fields(strategy)  # type: ignore[arg-type]  # every strategy is a dataclass
    }
