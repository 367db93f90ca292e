"""KL-UCB+ for a whole tick at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.named_arrays import Arrays, Floats
from bandit_operator.core.shares import equal_shares
from bandit_operator.core.strategies.base import Situation
from bandit_operator.core.strategies.counting import Counting
from bandit_operator.core.strategies.waterfill import bernoulli_divergence, tick_counts, water_fill


@dataclass(frozen=True, slots=True)
class KLUCB(Counting):
    """Bring the Kullback–Leibler upper confidence bounds of all arms to one level.

    KL-UCB+ (Garivier & Cappé, "The KL-UCB algorithm for bounded stochastic bandits and beyond",
    2011, section 4): the index of an arm is the λ with n·kl(μ̂, λ) = ln(t/(K n)); here an arm
    needs max(1, ln((t + B)/(K n)))/kl(μ̂, λ) trials, and :func:`water_fill` finds the λ for B
    expected labels. Normal rewards use (λ − μ̂)²/2σ̂² for kl. Choose it for the lowest regret on
    stable arms; it locks into a wrong arm somewhat more often than Thompson. Cost: O(60 K).
    """

    type: ClassVar[str] = "KLUCB"
    learns: ClassVar[bool] = True

    def shares(self, state: Arrays, situation: Situation) -> Floats:  # noqa: ARG002 - part of the protocol
        """Shares by water-filling; all equal before the first label."""
        trials, mean, labels, budget = tick_counts(situation)
        eligible = situation.eligible
        arms = np.maximum(eligible.sum(-1, keepdims=True), 1)
        bonus = np.maximum(np.log((labels + budget) / (arms * np.maximum(trials, 0.5))), 1.0)
        top = np.where(eligible, mean, -np.inf).max(-1, keepdims=True)
        top = np.where(np.isfinite(top), top, 0.0)
        if mo.is_normal(situation.reward_type):
            variance = mo.pooled_variance(situation.linear)[..., None]
            variance = np.where(variance > 0, variance, 1.0)
            high = top + np.sqrt(2 * variance * bonus.max(-1, keepdims=True) * arms / np.minimum(budget, 1.0))

            def divergence(level: Floats) -> Floats:
                return np.maximum(level - mean, 0.0) ** 2 / (2 * variance)
        else:
            mean = np.clip(mean, 0.0, 1.0)
            top = np.minimum(top, 1 - 1e-12)
            high = np.full(top.shape, 1 - 1e-12)

            def divergence(level: Floats) -> Floats:
                return np.where(level > mean, bernoulli_divergence(mean, level), 0.0)

        shares = water_fill(
            lambda level: bonus / np.maximum(divergence(level), 1e-15), trials, budget, top, high, eligible
        )
        return np.where(labels > 0, shares, equal_shares(eligible))
