"""Validation scores as pseudo-counts, for the strategies that learn from sums of rewards (docs/adr/0022).

The scores say by how much arms differ, and three hypotheses compete on what the arms have earned: that
scores say nothing, or that they are right up to each of two standard deviations. What they are still
trusted for enters as trials that nobody served, at the level of the rewards seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.core.model import RewardType, ValidationScale
from bandit_operator.core.strategies.validation import Validation

SCORES_SD = np.array([0.02, 0.06])
"""Standard deviations with which validation scores may be right about rewards in [0, 1], side by side."""
FIRST_TRUST = 0.05
"""Weight of the scores before any reward: little, because what they cost when wrong is paid at once."""
UNKNOWING_SD = 0.08
"""Standard deviation of the arms' means where scores say nothing, for rewards in [0, 1]."""
_LOG_PRIOR = np.log(np.r_[1.0 - FIRST_TRUST, np.full(SCORES_SD.size, FIRST_TRUST / SCORES_SD.size)])


@dataclass(frozen=True, slots=True, eq=False)
class PseudoCounts:
    """What validation scores are worth beside rewards."""

    moments: Floats
    """Linearised sums of imagined trials ``[..., M, K]``, 0 where an arm has no score."""
    trust: Floats
    """Weight of the scores ``[...]``, in [0, 1]."""


def pseudo_counts(linear: Floats, reward_type: RewardType, validation: Validation) -> PseudoCounts | None:
    """What the scores are worth, given what the arms have earned; None where they cannot be compared.

    Nothing is remembered: the same sums and scores give the same answer, and an arm that begins
    again takes its part of the trust with it. Cost: O(H K).

    Args:
        linear: linearised sums ``[..., M, K]``, see :mod:`bandit_operator.core.inference.moments`.
        reward_type: what one reward is.
        validation: the arms' scores.
    """
    if not validation.comparable(reward_type):
        return None
    variance, start = _one_reward(linear, reward_type, validation)
    spread = variance if mo.is_normal(reward_type) else np.full(variance.shape, 0.25)
    said, scored = validation.contrasts(4.0 * spread, SCORES_SD)
    flat = np.broadcast_to(
        (4.0 * UNKNOWING_SD**2 * spread)[..., None, None], (*spread.shape, 1, said.shape[-1])
    )
    center = np.concatenate([np.zeros(flat.shape), said], axis=-2)
    prior = np.concatenate([flat, scored], axis=-2)
    trials = np.where(validation.known, linear[..., mo.TRIALS, :], 0.0)[..., None, :]
    noise = variance[..., None, None]
    beyond = np.nan_to_num(mo.means(linear))[..., None, :] - center
    weight = _weights(trials, beyond, prior, noise)
    # The level is that of the rewards seen, one trial at the start of the scores' own included.
    pull = trials / np.maximum(noise + trials * prior, 1e-300)
    first = 1.0 / np.maximum(noise + prior.max(-1, keepdims=True), 1e-300)
    level = ((pull * beyond).sum(-1, keepdims=True) + first * start) / (pull.sum(-1, keepdims=True) + first)
    count = weight[..., None] * np.where(validation.known, noise / np.maximum(prior, 1e-300), 0.0)
    mean = level + center
    if not mo.is_normal(reward_type):
        mean = np.clip(mean, 0.0, 1.0)
    rows = [count, count * mean, count * (mean**2 + noise)][: linear.shape[-2]]
    return PseudoCounts(
        moments=np.stack([row[..., 1:, :].sum(-2) for row in rows], axis=-2),
        trust=np.asarray(weight[..., 1:].sum(-1)),
    )


def _one_reward(linear: Floats, reward_type: RewardType, validation: Validation) -> tuple[Floats, float]:
    """Variance of one reward ``[...]``, and where rewards are taken to lie before there are any."""
    if mo.is_normal(reward_type):
        return mo.pooled_variance(linear), 0.0
    start = 0.5
    if validation.scale is ValidationScale.REWARD:
        start = float(np.clip(validation.scores[validation.known].mean(), 0.0, 1.0))
    total = linear.sum(-1)
    mean = np.clip((total[..., mo.REWARDS] + start) / (total[..., mo.TRIALS] + 1.0), 1e-6, 1.0 - 1e-6)
    return np.asarray(mean * (1.0 - mean)), start


def _weights(trials: Floats, beyond: Floats, prior: Floats, noise: Floats) -> Floats:
    """Weight of each hypothesis given the means ``[..., H]``, the first being that scores say nothing.

    An arm's mean is N(level + center, prior + noise/trials) under a hypothesis, whose level has a flat prior
    and is integrated out. Arms without trials say nothing.
    """
    pull = trials / np.maximum(noise + trials * prior, 1e-300)
    total = pull.sum(-1, keepdims=True)
    level = (pull * beyond).sum(-1, keepdims=True) / np.maximum(total, 1e-300)
    misfit = (pull * (beyond - level) ** 2).sum(-1)
    # Each log density less that of exact rewards, so that nothing is infinite without trials.
    width = np.log1p(trials * prior / np.maximum(noise, 1e-300)).sum(-1)
    reach = np.log(np.maximum(total[..., 0], 1e-300))
    log = _LOG_PRIOR - 0.5 * (misfit + width + reach)
    share = np.exp(log - log.max(-1, keepdims=True))
    return np.asarray(share / share.sum(-1, keepdims=True))
