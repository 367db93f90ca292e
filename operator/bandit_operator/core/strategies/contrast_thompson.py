"""Contrast Thompson: arms are compared only with traffic of the same moment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
from scipy import special

from bandit_operator.core import moments as mo
from bandit_operator.core.model import RewardType
from bandit_operator.core.state import Arrays, Axes, Field, Fields, Flags, Floats
from bandit_operator.core.strategies.base import Situation, Stateless, Tick, discount, normalised, setting

PRIOR_VARIANCE = 0.16
"""Prior variance of an arm's contrast, in units of one reward's variance (0.04 at its largest, ¼)."""
DRAWS = 2_048
_LARGEST = 20


@cache
def normal_draws(arms: int) -> Floats:
    """Return fixed standard normal draws ``[DRAWS, arms]`` from a scrambled Sobol sequence with seed 1."""
    from scipy.stats import qmc  # here, because importing it costs every start of the operator half a second

    points = qmc.Sobol(_LARGEST, seed=1).random(DRAWS)[:, :arms]
    return special.ndtri(points * 0.999998 + 1e-6)


@dataclass(frozen=True, slots=True)
class ContrastThompson(Stateless):
    """Thompson sampling on the differences between arms inside each tick.

    Whatever moves all arms together cancels, so a day cycle is no reason to explore again.
    Per tick, with n trials, ȳ the overall mean and v the variance of one reward,
    A ← γA + (diag n − nnᵀ/Σn)/v and b ← γb + n∘(ȳ_k − ȳ)/v; the posterior of the contrasts is
    N((A + I/.04)⁻¹b, (A + I/.04)⁻¹), and the shares are P(best) from 2,048 fixed quasi-random
    draws. A and b are carried as sums over pairs of arms, since A is the Laplacian of the
    weights n_i n_j/(v Σn) and b the sum of the pairs' differences: forgetting an arm is then
    exact. Choose it where the world moves: days, seasons, campaigns. Cost: O(2,048 K²).
    """

    type: ClassVar[str] = "ContrastThompson"
    learns: ClassVar[bool] = True

    half_life: float | None = setting(
        None,
        "Time after which a comparison counts half; none stands for 69 ticks (a discount of 0.99 per tick).",
        "duration",
        exclusive_minimum=0.0,
    )

    @classmethod
    def fields(cls, reward_type: RewardType) -> Fields:  # noqa: ARG003 - part of the protocol
        """Weights and differences of the pairs."""
        return {"weight": Field(Axes.SYMMETRIC), "difference": Field(Axes.ANTISYMMETRIC)}

    def absorb(self, state: Arrays, tick: Tick) -> dict[str, Floats]:
        """Discount, and add the window's comparisons."""
        if self.half_life is None:
            gamma = np.where(tick.observed, 0.99, 1.0)[..., None, None]
        else:
            gamma = discount(self.half_life, tick.seconds, tick.observed)[..., None, None]
        linear = mo.linearise(tick.moments, tick.reward_type, tick.anchor)
        n, y = linear[..., mo.TRIALS, :], linear[..., mo.REWARDS, :]
        count = np.maximum(n.sum(-1), 1e-12)
        variance = _variance(linear, tick.reward_type)
        scale = np.where(variance > 0, 1.0 / (np.where(variance > 0, variance, 1.0) * count), 0.0)[
            ..., None, None
        ]
        weight = n[..., :, None] * n[..., None, :] * scale * ~np.eye(n.shape[-1], dtype=bool)
        difference = (n[..., None, :] * y[..., :, None] - n[..., :, None] * y[..., None, :]) * scale
        return {
            "weight": gamma * state["weight"] + weight,
            "difference": gamma * state["difference"] + difference,
        }

    def shares(self, state: Arrays, situation: Situation) -> Floats:
        """Return the probability of being best."""
        return normalised(self.probability_best(state, situation), situation.eligible)

    def probability_best(self, state: Arrays, situation: Situation) -> Floats:
        """P(best) given the discounted comparisons, to 1/2,048."""
        mean, factor = self._posterior(state, situation)
        return _best_of_draws(mean, factor, situation.eligible)

    def _posterior(self, state: Arrays, situation: Situation) -> tuple[Floats, Floats]:
        """Mean ``[..., K]`` and lower Cholesky factor ``[..., K, K]`` of the contrasts."""
        arms = state["weight"].shape[-1]
        prior = _prior_variance(situation)
        laplacian = state["weight"].sum(-1)[..., None] * np.eye(arms) - state["weight"]
        # A Laplacian is singular: beyond 1e12 times the prior's precision the inverse would be noise.
        ridge = np.maximum(1.0 / prior, 1e-12 * laplacian.max((-1, -2)))
        precision = laplacian + np.eye(arms) * ridge[..., None, None]
        covariance = np.linalg.inv(precision)
        mean = (covariance @ state["difference"].sum(-1)[..., None])[..., 0]
        covariance = (covariance + covariance.swapaxes(-1, -2)) / 2
        jitter = 1e-12 * prior[..., None, None] * np.eye(arms)
        return mean, np.asarray(np.linalg.cholesky(covariance + jitter), dtype=np.float64)


def _variance(linear: Floats, reward_type: RewardType) -> Floats:
    """Variance of one reward in this tick ``[...]``."""
    if mo.is_normal(reward_type):
        return mo.pooled_variance(linear)
    rewards, count = linear[..., mo.REWARDS, :].sum(-1), linear[..., mo.TRIALS, :].sum(-1)
    mean = np.clip((rewards + 0.5) / (count + 1.0), 1e-6, 1 - 1e-6)
    return np.asarray(mean * (1 - mean))


def _prior_variance(situation: Situation) -> Floats:
    if not mo.is_normal(situation.reward_type):
        return np.full(situation.totals.shape[:-2], PRIOR_VARIANCE / 4)
    variance = mo.pooled_variance(situation.linear)
    return PRIOR_VARIANCE * np.where(variance > 0, variance, 1.0)


def _best_of_draws(mean: Floats, factor: Floats, eligible: Flags) -> Floats:
    arms = mean.shape[-1]
    draws = mean[..., None, :] + normal_draws(arms) @ factor.swapaxes(-1, -2)
    draws = np.where(eligible[..., None, :], draws, -np.inf)
    winner = draws.argmax(-1)
    return np.stack([(winner == k).mean(-1) for k in range(arms)], axis=-1) * eligible
