"""Contrast Thompson: arms are compared only with traffic of the same moment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference import normal
from bandit_operator.core.inference.named_arrays import (
    Arrays,
    Axes,
    Field,
    Fields,
    Flags,
    Floats,
    others,
)
from bandit_operator.core.inference.quasi_random import MOST_DIMENSIONS, sobol
from bandit_operator.core.model import RewardType
from bandit_operator.core.shares import normalised
from bandit_operator.core.strategies.base import Situation, Stateless, Tick, best_of, setting
from bandit_operator.core.strategies.contrast_posteriors import log_evidence, log_forecast, posterior
from bandit_operator.core.strategies.hypotheses import (
    HYPOTHESES,
    LOG_PRIOR,
    Priors,
    Weights,
    by_hypothesis,
    priors,
    priors_at,
    trusted,
    weights,
)

HALF_LIVES = np.array([1386.0, 34.3, 6.58])
"""Half-lives of the three memories in ticks: discounts of 0.9995, 0.98 and 0.9."""
SCORE_DISCOUNT = 0.99
RESTART_BELOW = -3.0
"""Log score behind a shorter memory at which a longer one starts again from it."""
LEVEL_DISCOUNT = 0.95
BLOCK = 30.0
"""Trials of all arms from which on ticks are compared: alone, one request has nothing beside it."""
_LOG_DRAWS = 9
DRAWS = 2**_LOG_DRAWS
_NEGLIGIBLE = 1e-3
"""Weight of a hypothesis below which its draws are not made."""
_ROWS_AT_ONCE = 128
"""Rows of a batch whose draws are made together: more only spills the processor's cache."""


@cache
def normal_draws(arms: int) -> Floats:
    """Return fixed standard normal draws ``[DRAWS, arms]`` from a scrambled Sobol sequence with seed 1."""
    points = sobol(_LOG_DRAWS, MOST_DIMENSIONS, seed=1)[:, :arms]
    return normal.quantile(points * 0.999998 + 1e-6)


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
    Cost: O(1,536 K²), 1 ms at 4 arms; up to five times that with validation scores.

    What a shadow scores adds to both: n requests that two of K arms have both answered, whose rewards differ
    by D in all and vary by V request by request, are a weight of 2n/KV and a difference of 2D/KV (exact
    where every pair varies alike). Where the shadow scores every eligible arm none needs traffic to be
    known, and shares follow P(best) to the fourth power: nearly all of it goes to the best. Elsewhere they
    follow P(best)^1.5: a tick has many requests, and an arm that is hardly ever the best needs few of them.

    Validation scores, where at least two arms have one, are further hypotheses of the same average: that
    the arms' means differ as the scores do, up to .01 or .04 and the score's standard error. They begin
    with half of the weight beside the hypothesis that they say nothing, under which arms may differ by
    anything or by just as much in another order, so that only what scores foretell earns them weight:
    right ones shorten the beginning, wrong ones are soon refuted, and stay so for as long as the longest
    memory holds what refuted them. Once they have more than half of the weight in a world that does not
    move, shares go over to the fourth power as their weight goes to 1.
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
            "score": Field(inner=(HYPOTHESES, *memories)),  # the same for every arm, until one is new
            "level": Field(inner=(2,)),  # discounted trials and rewards
            "block": Field(inner=(mo.rows(reward_type),)),
            "block_age": Field(inner=(2,)),  # its ticks and seconds, the same for every arm
            "block_precision": Field(Axes.SYMMETRIC),  # of the pairs that the shadow has scored in it
            "block_difference": Field(Axes.ANTISYMMETRIC),
        }

    def update(self, state: Arrays, tick: Tick) -> dict[str, Floats]:
        """Add the tick to the block; once that is full, discount, score the forecasts, and compare."""
        age = state["block_age"].mean(-1) + np.where(tick.observed[..., None], [1.0, tick.seconds], 0.0)
        block = state["block"] + tick.moments
        scored = _scored(state, tick)
        full = block[..., mo.TRIALS, :].sum(-1) >= BLOCK
        result = {name: state[name] for name in ("weight", "difference", "score", "level")}
        after = self._compared(state, block, scored, age, tick) if full.any() else {}
        for name, value in after.items():
            mask = full.reshape(full.shape + (1,) * (value.ndim - full.ndim))
            result[name] = np.where(mask, value, state[name])
        age = np.broadcast_to(age[..., None], state["block_age"].shape)
        result["block"] = np.where(full[..., None, None], 0.0, block)
        result["block_age"] = np.where(full[..., None, None], 0.0, age)
        for name, value in scored.items():
            result[name] = np.where(full[..., None, None], 0.0, value)
        return result

    def _compared(
        self, state: Arrays, block: Floats, scored: Arrays, age: Floats, tick: Tick
    ) -> dict[str, Floats]:
        """Return what follows from a full block ``[..., M, K]`` of this age ``[..., 2]``, and its shadow."""
        linear = mo.linearise(block, tick.reward_type, tick.anchor)
        n, y = linear[..., mo.TRIALS, :], linear[..., mo.REWARDS, :]
        level = LEVEL_DISCOUNT * state["level"] + linear[..., :2, :]
        variance = _variance(linear, level, tick.reward_type)
        count = np.maximum(n.sum(-1), 1e-12)
        scale = np.where(variance > 0, 1.0 / (np.where(variance > 0, variance, 1.0) * count), 0.0)
        scale = scale[..., None, None, None]
        n_i, n_j = n[..., None, :, None], n[..., None, None, :]
        y_i, y_j = y[..., None, :, None], y[..., None, None, :]
        weight = n_i * n_j * scale * others(n.shape[-1])
        difference = (n_j * y_i - n_i * y_j) * scale
        if tick.shadow is not None:
            weight = weight + scored["block_precision"][..., None, :, :]
            difference = difference + scored["block_difference"][..., None, :, :]
        gamma = self._discounts(age)[..., None, None]
        before = {"weight": gamma * state["weight"], "difference": gamma * state["difference"]}
        after = {"weight": before["weight"] + weight, "difference": before["difference"] + difference}
        prior = priors(variance, tick.validation, tick.reward_type)
        known = _weights({**before, "score": state["score"]}, prior)
        gain = by_hypothesis(known.in_hypothesis + log_forecast(before, weight, difference.sum(-1), prior))
        log_weight = by_hypothesis(prior.log_weight) + LOG_PRIOR
        score = SCORE_DISCOUNT ** age[..., :1, None] * known.score + gain
        score = score - (score + log_weight).max((-1, -2), keepdims=True)
        after, score = _restarted(after, score, log_weight)
        score = np.broadcast_to(score[..., None], state["score"].shape)
        return {**after, "score": score, "level": level}

    def _discounts(self, age: Floats) -> Floats:
        """Discount of each memory ``[..., 3]`` after this many ticks and seconds ``[..., 2]``."""
        if self.half_life is None:
            return np.asarray(0.5 ** (age[..., :1] / HALF_LIVES))
        return np.asarray(0.5 ** (age[..., 1:] / (self.half_life * HALF_LIVES / HALF_LIVES[0])))

    def shares(self, state: Arrays, situation: Situation) -> Floats:
        """Return P(best)^1.5, and its fourth power as far as every arm is known without traffic.

        Arms are known so where the shadow scores all that are eligible, and as far as validation scores
        have proven themselves. The best gets more than its chance of being it. Both powers are products
        and a root, which are the same to the last bit on any processor.
        """
        best = best_of(self, state, situation)
        square = best * best
        careful = normalised(best * np.sqrt(best), situation.eligible)
        sure = normalised(square * square, situation.eligible)
        known = np.where(situation.sees_all, 1.0, self._proven(state, situation))[..., None]
        return np.asarray(known * sure + (1.0 - known) * careful)

    def probability_best(self, state: Arrays, situation: Situation) -> Floats:
        """P(best) given the comparisons, to about 1/512."""
        prior = priors_at(situation)
        mean, factor = posterior(state, prior)
        share = _weights(state, prior).shares()
        share = np.where(share < _NEGLIGIBLE, 0.0, share)
        share = share / share.sum((-1, -2), keepdims=True)
        best = _best_of_draws(mean, factor, situation.eligible, share > 0.0)
        return np.asarray((share[..., None] * best).sum((-2, -3)))

    def _proven(self, state: Arrays, situation: Situation) -> Floats:
        """How far validation scores have proven themselves ``[...]``: 0 up to half of the weight, then to 1.

        Only their weight in the longest memory counts: where the world moves, what was right may not stay so.
        """
        if not situation.validation.comparable(situation.reward_type):
            return np.zeros(situation.totals.shape[:-2])
        stable = trusted(_weights(state, priors_at(situation)).shares())[..., 0].sum(-1)
        return np.asarray(np.maximum(2.0 * stable - 1.0, 0.0))

    def trust(self, state: Arrays, situation: Situation) -> Floats | None:
        """Weight of the validation scores in the average ``[...]``; None where they are not compared."""
        if not situation.validation.comparable(situation.reward_type):
            return None
        return np.asarray(trusted(_weights(state, priors_at(situation)).shares()).sum((-1, -2)))


def _weights(state: Arrays, prior: Priors) -> Weights:
    """What the state makes of the components' weights; without scores to compare no evidence is needed."""
    score = state["score"].mean(-1)
    evidence = (
        log_evidence(state, prior) if prior.compared else np.zeros((*score.shape[:-2], 1, HALF_LIVES.size))
    )
    return weights(score, evidence, prior)


def _scored(state: Arrays, tick: Tick) -> dict[str, Floats]:
    """The block's pairs in the shadow with those of a tick, as weights and differences ``[..., K, K]``."""
    before = {name: state[name] for name in ("block_precision", "block_difference")}
    if tick.shadow is None:
        return before
    seen = (tick.shadow.precision > 0).any(-1).sum(-1)
    part = 2.0 / np.maximum(seen, 1.0)[..., None, None]
    return {
        "block_precision": before["block_precision"] + part * tick.shadow.precision,
        "block_difference": before["block_difference"] + part * tick.shadow.difference,
    }


def _restarted(arrays: Arrays, score: Floats, log_weight: Floats) -> tuple[dict[str, Floats], Floats]:
    """Longer memories that forecast hopelessly worse than a shorter one, started again from it.

    Args:
        arrays: weights and differences by memory.
        score: log scores of hypotheses and memories ``[..., H, 3]``.
        log_weight: their log prior weights ``[H, 3]``.
    """

    def values() -> Floats:
        return np.asarray(np.logaddexp.reduce(score + log_weight, axis=-2))

    value = values()
    best_shorter = np.maximum.accumulate(value[..., :0:-1], axis=-1)[..., ::-1]
    if not (value[..., :-1] - best_shorter < RESTART_BELOW).any():
        return dict(arrays), score
    weight, difference, score = arrays["weight"].copy(), arrays["difference"].copy(), score.copy()
    for longer in range(HALF_LIVES.size - 2, -1, -1):
        rivals = values()[..., longer + 1 :]
        for shorter in range(longer + 1, HALF_LIVES.size):
            value = values()
            behind = value[..., longer] - value[..., shorter] < RESTART_BELOW
            behind &= value[..., shorter] >= rivals.max(-1)
            for array in (weight, difference):
                array[..., longer, :, :] = np.where(
                    behind[..., None, None], array[..., shorter, :, :], array[..., longer, :, :]
                )
            as_shorter = score[..., shorter] + LOG_PRIOR[shorter] - LOG_PRIOR[longer]
            score[..., longer] = np.where(behind[..., None], as_shorter, score[..., longer])
    return {"weight": weight, "difference": difference}, score


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


def _best_of_draws(mean: Floats, factor: Floats, eligible: Flags, wanted: Flags) -> Floats:
    """Share of the draws in which each eligible arm is the largest ``[..., J, 3, K]``; 0 where not wanted."""
    arms = mean.shape[-1]
    eligible = np.broadcast_to(eligible[..., None, None, :], mean.shape)
    rows = np.flatnonzero(wanted.ravel())
    result = np.zeros((wanted.size, arms))
    center, root, mask = (
        array.reshape(wanted.size, *array.shape[wanted.ndim :])[rows] for array in (mean, factor, eligible)
    )
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        # Arms come before draws: the largest of a few rows is found faster than of a few columns.
        draws = root[part] @ normal_draws(arms).T + np.where(mask[part], center[part], -np.inf)[..., None]
        top = draws.max(-2, keepdims=True)
        result[rows[part]] = (draws == top).mean(-1)
    return np.asarray(result.reshape(mean.shape) * eligible)
