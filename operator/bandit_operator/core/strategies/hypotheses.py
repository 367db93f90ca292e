"""What the hypotheses of the default's average say of the arms before production (docs/adr/0017).

That nothing is known of them, or that their means differ as their validation scores do, up to each of
two standard deviations; each beside memories of three lengths.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.core.model import RewardType
from bandit_operator.core.strategies.base import Situation
from bandit_operator.core.strategies.validation import Validation

SCORES_TRUST = 0.3
"""Prior weight of the validation scores, in equal parts at each of SCORES_SD."""
SCORES_SD = np.array([0.01, 0.04])
"""Standard deviations with which validation scores may be right about rewards in [0, 1], side by side."""
PRIOR_VARIANCE = 0.16
"""Prior variance of an arm's contrast, in units of one reward's variance (0.04 at its largest, ¼)."""
LOG_PRIOR = np.log(np.array([1.0, 0.15, 0.02]))
"""Log prior weights of the memories, up to a constant: that nothing changed is likeliest."""
HYPOTHESES = 1 + SCORES_SD.size
"""That nothing is known of the arms, and each of SCORES_SD."""


@dataclass(frozen=True, slots=True, eq=False)
class Priors:
    """What each hypothesis says before production: that scores say nothing, or each of SCORES_SD."""

    mean: Floats
    """``[..., H, K]``, contrasts of the scores."""
    variance: Floats
    """``[..., H, K]``."""
    log_weight: Floats
    """Of each hypothesis and memory ``[H, 3]``; −∞ where there are no scores to compare."""


def priors_at(situation: Situation) -> Priors:
    """The hypotheses for a decision, by all rewards so far."""
    kind = situation.reward_type
    shape = situation.totals.shape[:-2]
    variance = mo.pooled_variance(situation.linear) if mo.is_normal(kind) else np.zeros(shape)
    return priors(variance, situation.validation, kind)


def priors(variance: Floats, validation: Validation, reward_type: RewardType) -> Priors:
    """The hypotheses.

    Args:
        variance: of one reward ``[...]``, where it is without bounds; of others only the shape counts.
        validation: the scores.
        reward_type: what one reward is.
    """
    known, flat = validation.known, _unknown(variance, reward_type)
    mean = np.zeros((*flat.shape, HYPOTHESES, known.size))
    spread = np.empty((*flat.shape, HYPOTHESES, known.size))
    spread[...] = flat[..., None, None]
    if known.any():
        # Of rewards in [0, 1] the flat variance is PRIOR_VARIANCE/4; others differ by their own scale.
        scored = validation.contrasts(flat / (PRIOR_VARIANCE / 4.0), SCORES_SD)
        mean[..., 1:, :] = scored[0]
        spread[..., 1:, :] = np.where(known, scored[1], spread[..., 1:, :])
    trust = SCORES_TRUST if validation.comparable(reward_type) else 0.0
    return Priors(mean, spread, _log_weights(trust))


def _unknown(variance: Floats, reward_type: RewardType) -> Floats:
    """Prior variance of a contrast of which nothing is known ``[...]``."""
    if not mo.is_normal(reward_type):
        return np.full(variance.shape, PRIOR_VARIANCE / 4)
    return PRIOR_VARIANCE * np.where(variance > 0, variance, 1.0)


@cache
def _log_weights(trust: float) -> Floats:
    """Log prior weight of each hypothesis and memory ``[H, 3]``, made once; not to be written to."""
    with np.errstate(divide="ignore"):
        weight = np.log(np.r_[1.0 - trust, np.full(SCORES_SD.size, trust / SCORES_SD.size)])
    made = weight[:, None] + LOG_PRIOR
    made.setflags(write=False)
    return np.asarray(made)


def weights(score: Floats, prior: Priors) -> Floats:
    """Weight of each hypothesis and memory ``[..., H, 3]``, summing to 1."""
    log = score.mean(-1) + prior.log_weight
    share = np.exp(log - log.max((-1, -2), keepdims=True))
    return np.asarray(share / share.sum((-1, -2), keepdims=True))
