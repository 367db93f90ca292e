"""Contrast Thompson: arms are compared only with traffic of the same moment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
from scipy import special

from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference import small_systems as ss
from bandit_operator.core.inference.named_arrays import Arrays, Axes, Field, Fields, Flags, Floats
from bandit_operator.core.model import RewardType
from bandit_operator.core.strategies.base import Situation, Stateless, Tick, normalised, setting

PRIOR_VARIANCE = 0.16
"""Prior variance of an arm's contrast, in units of one reward's variance (0.04 at its largest, ¼)."""
HALF_LIVES = np.array([1386.0, 34.3, 6.58])
"""Half-lives of the three memories in ticks: discounts of 0.9995, 0.98 and 0.9."""
LOG_PRIOR = np.log(np.array([1.0, 0.15, 0.02]))
"""Log prior weights of the memories, up to a constant: that nothing changed is likeliest."""
SCORE_DISCOUNT = 0.99
RESTART_BELOW = -3.0
"""Log score behind a shorter memory at which a longer one starts again from it."""
LEVEL_DISCOUNT = 0.95
BLOCK = 30.0
"""Trials of all arms from which on ticks are compared: alone, one request has nothing beside it."""
DRAWS = 512
_LARGEST = 20
_ROWS_AT_ONCE = 128
"""Rows of a batch whose draws are made together: more only spills the processor's cache."""


@cache
def normal_draws(arms: int) -> Floats:
    """Return fixed standard normal draws ``[DRAWS, arms]`` from a scrambled Sobol sequence with seed 1."""
    from scipy.stats import qmc  # here, because importing it costs every start of the operator half a second

    points = qmc.Sobol(_LARGEST, seed=1).random(DRAWS)[:, :arms]
    return special.ndtri(points * 0.999998 + 1e-6)


@dataclass(frozen=True, slots=True)
class ContrastThompson(Stateless):
    """Thompson sampling on the differences between arms inside each tick.

    Whatever moves all arms together cancels, so a day cycle is no reason to explore again,
    and three memories of different length compete, so a break is noticed within minutes while
    stable arms cost little. The default: choose it where the world may move, which is
    nearly everywhere.

    Per tick, with n trials, ȳ the overall mean and v the variance of one reward,
    A ← γA + (diag n − nnᵀ/Σn)/v and b ← γb + n∘(ȳ_k − ȳ)/v; the posterior of the contrasts is
    N((A + I/.04)⁻¹b, (A + I/.04)⁻¹), and P(best) is taken from 512 fixed quasi-random draws. This runs
    for three discounts γ side by side. Each is scored by how well it forecast the tick, and the
    shares mix their P(best) by prior times discounted score (dynamic model averaging, Raftery,
    Kárný & Ettler, "Online prediction under model uncertainty via dynamic model averaging",
    2010). A longer memory that forecasts hopelessly worse than a shorter one has outlived a
    change, and starts again from the shorter one. A and b are carried as sums over pairs of
    arms, since A is the Laplacian of the weights n_i n_j/(v Σn) and b the sum of the pairs'
    differences: forgetting an arm is then exact. Ticks of fewer than 30 trials are added up first.
    Cost: O(1,536 K²), 1 ms at 4 arms.
    """

    type: ClassVar[str] = "ContrastThompson"
    learns: ClassVar[bool] = True

    half_life: float | None = setting(
        None,
        "Time after which a comparison counts half in the longest of the three memories, the others"
        " being 40 and 210 times shorter; none stands for 1,386 ticks.",
        "duration",
        exclusive_minimum=0.0,
    )

    @classmethod
    def fields(cls, reward_type: RewardType) -> Fields:
        """Weights, differences and scores by memory; the level of rewards; the block that fills up."""
        memories = (HALF_LIVES.size,)
        return {
            "weight": Field(Axes.SYMMETRIC, inner=memories),
            "difference": Field(Axes.ANTISYMMETRIC, inner=memories),
            "score": Field(inner=memories),  # the same for every arm, until one is new
            "level": Field(inner=(2,)),  # discounted trials and rewards
            "block": Field(inner=(mo.rows(reward_type),)),
            "block_age": Field(inner=(2,)),  # its ticks and seconds, the same for every arm
        }

    def update(self, state: Arrays, tick: Tick) -> dict[str, Floats]:
        """Add the tick to the block; once that is full, discount, score the forecasts, and compare."""
        age = state["block_age"].mean(-1) + np.where(tick.observed[..., None], [1.0, tick.seconds], 0.0)
        block = state["block"] + tick.moments
        full = block[..., mo.TRIALS, :].sum(-1) >= BLOCK
        after = self._compared(state, block, age, tick)
        result = {}
        for name, value in after.items():
            mask = full.reshape(full.shape + (1,) * (value.ndim - full.ndim))
            result[name] = np.where(mask, value, state[name])
        age = np.broadcast_to(age[..., None], state["block_age"].shape)
        result["block"] = np.where(full[..., None, None], 0.0, block)
        result["block_age"] = np.where(full[..., None, None], 0.0, age)
        return result

    def _compared(self, state: Arrays, block: Floats, age: Floats, tick: Tick) -> dict[str, Floats]:
        """Return what follows from a full block ``[..., M, K]`` of this age ``[..., 2]``."""
        linear = mo.linearise(block, tick.reward_type, tick.anchor)
        n, y = linear[..., mo.TRIALS, :], linear[..., mo.REWARDS, :]
        level = LEVEL_DISCOUNT * state["level"] + linear[..., :2, :]
        variance = _variance(linear, level, tick.reward_type)
        count = np.maximum(n.sum(-1), 1e-12)
        scale = np.where(variance > 0, 1.0 / (np.where(variance > 0, variance, 1.0) * count), 0.0)
        scale = scale[..., None, None, None]
        n_i, n_j = n[..., None, :, None], n[..., None, None, :]
        y_i, y_j = y[..., None, :, None], y[..., None, None, :]
        weight = n_i * n_j * scale * ~np.eye(n.shape[-1], dtype=bool)
        difference = (n_j * y_i - n_i * y_j) * scale
        gamma = self._discounts(age)[..., None, None]
        before = {"weight": gamma * state["weight"], "difference": gamma * state["difference"]}
        after = {"weight": before["weight"] + weight, "difference": before["difference"] + difference}
        prior = _block_prior_variance(variance, tick.reward_type)
        gain = _log_forecast(before, weight, difference.sum(-1), prior)
        score = SCORE_DISCOUNT ** age[..., :1] * state["score"].mean(-1) + gain
        score = score - (score + LOG_PRIOR).max(-1, keepdims=True)
        after, score = _restarted(after, score)
        score = np.broadcast_to(score[..., None], state["score"].shape)
        return {**after, "score": score, "level": level}

    def _discounts(self, age: Floats) -> Floats:
        """Discount of each memory ``[..., 3]`` after this many ticks and seconds ``[..., 2]``."""
        if self.half_life is None:
            return np.asarray(0.5 ** (age[..., :1] / HALF_LIVES))
        return np.asarray(0.5 ** (age[..., 1:] / (self.half_life * HALF_LIVES / HALF_LIVES[0])))

    def shares(self, state: Arrays, situation: Situation) -> Floats:
        """Return the probability of being best."""
        return normalised(self.probability_best(state, situation), situation.eligible)

    def probability_best(self, state: Arrays, situation: Situation) -> Floats:
        """P(best) given the comparisons, to about 1/512."""
        mean, factor = _posterior(state, _prior_variance(situation))
        share = np.exp(state["score"].mean(-1) + LOG_PRIOR)
        share = share / share.sum(-1, keepdims=True)
        best = _best_of_draws(mean, factor, situation.eligible)
        return np.asarray((share[..., None] * best).sum(-2))


def _laplacian(weight: Floats) -> Floats:
    return np.asarray(weight.sum(-1)[..., None] * np.eye(weight.shape[-1]) - weight)


def _precision(laplacian: Floats, prior: Floats, largest: Floats) -> Floats:
    """Posterior precision ``[..., 3, K, K]`` for a Laplacian and a prior variance ``[...]``.

    A Laplacian is singular: beyond 1e12 times the prior's precision the inverse would be noise, so
    the prior counts for no less than that beside the ``largest`` element ``[..., 3]``.
    """
    ridge = np.maximum(1.0 / prior[..., None], 1e-12 * largest)
    return np.asarray(laplacian + np.eye(laplacian.shape[-1]) * ridge[..., None, None])


def _log_forecast(before: Arrays, weight: Floats, difference: Floats, prior: Floats) -> Floats:
    """Log density of a tick under the posterior before it ``[..., 3]``, up to a constant of the tick.

    That is the rise of ½ bᵀP⁻¹b − ½ ln det P with the tick. Both of its terms grow without end, and
    little would be left of their difference: with m the mean before the tick, and r = d − Wm what the
    tick says otherwise, it is ½ (2 mᵀd − mᵀWm + rᵀP⁻¹r) − ½ Δ ln det P, whose terms are the tick's own.

    Args:
        before: discounted weights and differences of the pairs.
        weight: the tick's weights W of the pairs ``[..., 3, K, K]``.
        difference: the tick's d, summed over pairs ``[..., 3, K]``.
        prior: prior variance ``[...]``.
    """
    old, new = _laplacian(before["weight"]), _laplacian(weight)
    largest = (old + new).max((-1, -2))
    factor = ss.cholesky(_precision(old, prior, largest))
    mean = ss.solve(factor, before["difference"].sum(-1)[..., None])[..., 0]
    expected = (new * mean[..., None, :]).sum(-1)
    after = ss.cholesky(_precision(old + new, prior, largest))
    surprise = difference - expected
    step = ss.solve(after, surprise[..., None])[..., 0]
    quadratic = (mean * (2.0 * difference - expected)).sum(-1) + (surprise * step).sum(-1)
    return np.asarray(0.5 * (quadratic + ss.log_determinant(factor) - ss.log_determinant(after)))


def _restarted(arrays: Arrays, score: Floats) -> tuple[dict[str, Floats], Floats]:
    """Longer memories that forecast hopelessly worse than a shorter one, started again from it."""
    weight, difference, score = arrays["weight"].copy(), arrays["difference"].copy(), score.copy()
    for longer in range(HALF_LIVES.size - 2, -1, -1):
        rivals = score[..., longer + 1 :] + LOG_PRIOR[longer + 1 :]
        for shorter in range(longer + 1, HALF_LIVES.size):
            value = score[..., shorter] + LOG_PRIOR[shorter]
            behind = score[..., longer] + LOG_PRIOR[longer] - value < RESTART_BELOW
            behind &= value >= rivals.max(-1)
            for array in (weight, difference):
                array[..., longer, :, :] = np.where(
                    behind[..., None, None], array[..., shorter, :, :], array[..., longer, :, :]
                )
            score[..., longer] = np.where(behind, value - LOG_PRIOR[longer], score[..., longer])
    return {"weight": weight, "difference": difference}, score


def _posterior(state: Arrays, prior: Floats) -> tuple[Floats, Floats]:
    """Mean ``[..., 3, K]`` and lower Cholesky factor ``[..., 3, K, K]`` of the contrasts."""
    laplacian = _laplacian(state["weight"])
    factor = ss.cholesky(_precision(laplacian, prior, laplacian.max((-1, -2))))
    mean = ss.solve(factor, state["difference"].sum(-1)[..., None])[..., 0]
    jitter = 1e-12 * prior[..., None, None, None] * np.eye(mean.shape[-1])
    return mean, ss.cholesky(ss.inverse(factor) + jitter)


def _variance(linear: Floats, level: Floats, reward_type: RewardType) -> Floats:
    """Variance of one reward at this time ``[...]``.

    From the recent level, not the block alone: one with few rewards by chance would otherwise
    seem the surest.
    """
    if mo.is_normal(reward_type):
        return mo.pooled_variance(linear)
    total = level.sum(-1)
    mean = np.clip((total[..., 1] + 0.5) / (total[..., 0] + 1.0), 1e-6, 1 - 1e-6)
    return np.asarray(mean * (1 - mean))


def _block_prior_variance(variance: Floats, reward_type: RewardType) -> Floats:
    if not mo.is_normal(reward_type):
        return np.full(variance.shape, PRIOR_VARIANCE / 4)
    return PRIOR_VARIANCE * np.where(variance > 0, variance, 1.0)


def _prior_variance(situation: Situation) -> Floats:
    if not mo.is_normal(situation.reward_type):
        return np.full(situation.totals.shape[:-2], PRIOR_VARIANCE / 4)
    variance = mo.pooled_variance(situation.linear)
    return PRIOR_VARIANCE * np.where(variance > 0, variance, 1.0)


def _best_of_draws(mean: Floats, factor: Floats, eligible: Flags) -> Floats:
    """Share of the draws in which each eligible arm is the largest ``[..., 3, K]``."""
    arms = mean.shape[-1]
    eligible = np.broadcast_to(eligible[..., None, :], mean.shape)
    rows = (mean.reshape(-1, arms), factor.reshape(-1, arms, arms), eligible.reshape(-1, arms))
    result = np.empty(rows[0].shape)
    for start in range(0, len(result), _ROWS_AT_ONCE):
        center, root, mask = (array[start : start + _ROWS_AT_ONCE] for array in rows)
        # Arms come before draws: the largest of a few rows is found faster than of a few columns.
        draws = root @ normal_draws(arms).T + np.where(mask, center, -np.inf)[..., None]
        top = draws.max(-2, keepdims=True)
        result[start : start + _ROWS_AT_ONCE] = (draws == top).mean(-1)
    return np.asarray(result.reshape(mean.shape) * eligible)
