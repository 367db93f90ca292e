"""ε-greedy with a decaying ε."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.named_arrays import Arrays, Floats
from bandit_operator.core.inference.posterior import top_by_mean
from bandit_operator.core.shares import equal_shares
from bandit_operator.core.strategies.base import Situation, setting
from bandit_operator.core.strategies.counting import Counting, counted


@dataclass(frozen=True, slots=True)
class EpsilonGreedy(Counting):
    """Give the best mean everything but a decaying share ε that is split equally.

    ε_t = min(1, c K / t) with t the labels so far (Auer, Cesa-Bianchi & Fischer, "Finite-time
    analysis of the multiarmed bandit problem", 2002, figure 3, with c/d² as one constant).
    Choose it when the rule must be explained in one sentence; Thompson costs less regret.
    Equal best means share the rest equally. Cost: O(K).
    """

    type: ClassVar[str] = "EpsilonGreedy"
    learns: ClassVar[bool] = True

    exploration: float = setting(
        20.0,
        "Constant c of the exploring share ε = min(1, c·K/t) after t labels; larger explores longer.",
        minimum=0.0,
    )

    def shares(self, state: Arrays, situation: Situation) -> Floats:  # noqa: ARG002 - part of the protocol
        """Shares by the formula above; all equal before the first label."""
        eligible = situation.eligible
        arms = eligible.sum(-1, keepdims=True)
        sums = counted(situation)
        labels = np.where(eligible, situation.counts[..., mo.TRIALS, :], 0.0).sum(-1, keepdims=True)
        epsilon = np.minimum(1.0, self.exploration * arms / np.maximum(labels, 1e-9))
        epsilon = np.where(labels > 0, epsilon, 1.0)
        known = eligible & (sums[..., mo.TRIALS, :] > 0)
        best = top_by_mean(np.nan_to_num(mo.means(sums)), known)
        greedy = best / np.maximum(best.sum(-1, keepdims=True), 1)
        return np.where(
            labels > 0, epsilon * equal_shares(eligible) + (1 - epsilon) * greedy, equal_shares(eligible)
        )
