"""Base of strategies that learn from the arms' sums, with validation scores as pseudo-counts."""

from __future__ import annotations

from bandit_operator.core.inference import posterior
from bandit_operator.core.inference.named_arrays import Arrays, Floats
from bandit_operator.core.model import RewardType
from bandit_operator.core.strategies.base import Situation, Stateless
from bandit_operator.core.strategies.pseudo_counts import pseudo_counts
from bandit_operator.core.strategies.validation import Validation


def believed(linear: Floats, reward_type: RewardType, validation: Validation) -> Floats:
    """Linearised sums ``[..., M, K]`` with what the scores are still worth as trials beside them."""
    scores = pseudo_counts(linear, reward_type, validation)
    return linear if scores is None else linear + scores.moments


def trusted(linear: Floats, reward_type: RewardType, validation: Validation) -> Floats | None:
    """Weight of the scores beside linearised sums ``[...]``; None where they are not compared."""
    scores = pseudo_counts(linear, reward_type, validation)
    return None if scores is None else scores.trust


class Counting(Stateless):
    """Base of strategies that need the totals, and what validation scores add to them."""

    __slots__ = ()

    def probability_best(self, state: Arrays, situation: Situation) -> Floats:  # noqa: ARG002 - part of the protocol
        """P(best) from the posterior of all rewards since each arm's reset, and of the scores."""
        return posterior.probability_best(counted(situation), situation.reward_type, situation.eligible)

    def trust(self, state: Arrays, situation: Situation) -> Floats | None:  # noqa: ARG002 - part of the protocol
        """Weight of the validation scores ``[...]``; None where they are not compared."""
        return trusted(situation.linear, situation.reward_type, situation.validation)


def counted(situation: Situation) -> Floats:
    """Linearised sums of all rewarded answers ``[..., M, K]``, with the validation scores' pseudo-counts."""
    return believed(situation.linear, situation.reward_type, situation.validation)
