"""UCB1 for a whole tick at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.named_arrays import Arrays, Floats
from bandit_operator.core.shares import equal_shares
from bandit_operator.core.strategies.base import Situation, setting
from bandit_operator.core.strategies.counting import Counting
from bandit_operator.core.strategies.waterfill import tick_counts, water_fill


@dataclass(frozen=True, slots=True)
class UCB1(Counting):
    """Bring the upper confidence bounds of all arms to one level.

    The index μ̂ + c √(2 ln t / n) of Auer, Cesa-Bianchi & Fischer (2002) falls to λ when the arm
    has 2 c² ln(t + B)/(λ − μ̂)² trials; :func:`water_fill` finds the λ for B expected labels.
    For rewards in [0, 1]; for other scales the term is multiplied by 4σ̂², which is 1 for the
    widest reward in [0, 1]. Choose it when optimism is wanted and rewards are far from 0 and
    1; near them KLUCB is sharper. Cost: O(60 K).
    """

    type: ClassVar[str] = "UCB1"
    learns: ClassVar[bool] = True

    confidence: float = setting(
        0.25,
        "Constant c of the bound μ̂ + c·√(2 ln t / n); smaller explores less, 1 is the published bound.",
        exclusive_minimum=0.0,
    )

    def shares(self, state: Arrays, situation: Situation) -> Floats:  # noqa: ARG002 - part of the protocol
        """Shares by water-filling; all equal before the first label."""
        trials, mean, labels, budget = tick_counts(situation)
        scale = np.ones(labels.shape)
        if mo.is_normal(situation.reward_type):
            variance = mo.pooled_variance(situation.linear)[..., None]
            scale = np.where(variance > 0, 4.0 * variance, 1.0)
        factor = 2 * self.confidence**2 * scale * np.log(labels + budget + 1.0)
        top = np.where(situation.eligible, mean, -np.inf).max(-1, keepdims=True)
        top = np.where(np.isfinite(top), top, 0.0)
        # Beyond this level every need is below one trial in K, so the sum is below the budget.
        arms = mean.shape[-1]
        high = top + np.sqrt(factor * arms / np.minimum(budget, 1.0)) + 1e-9
        shares = water_fill(
            lambda level: factor / np.maximum(level - mean, 1e-9 * np.sqrt(scale)) ** 2,
            trials,
            budget,
            top,
            high,
            situation.eligible,
        )
        return np.where(labels > 0, shares, equal_shares(situation.eligible))
