"""What the hypotheses of the default's average say of the arms before production (docs/adr/0017).

Hypothesis 0 is that validation scores say nothing, the others that the arms' means differ as their scores
do, up to each of two standard deviations; each beside memories of three lengths. That scores say nothing of
the order need not mean that nothing is known of the distances: hypothesis 0 is a mixture of *components*,
that arms differ by anything, or by as much as each of the other hypotheses would have them differ. Every
other hypothesis is one component. Without scores there is one hypothesis of one component.
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

SCORES_TRUST = 0.5
"""Prior weight of the validation scores, in equal parts at each of SCORES_SD."""
AS_WIDE = 0.25
"""Prior weight of that arms differ by as much as scores would have them, in another order."""
SCORES_SD = np.array([0.01, 0.04])
"""Standard deviations with which validation scores may be right about rewards in [0, 1], side by side."""
PRIOR_VARIANCE = 0.16
"""Prior variance of an arm's contrast, in units of one reward's variance (0.04 at its largest, ¼)."""
LOG_PRIOR = np.log(np.array([1.0, 0.15, 0.02]))
"""Log prior weights of the memories, up to a constant: that nothing changed is likeliest."""
HYPOTHESES = 1 + SCORES_SD.size
"""That scores say nothing, and each of SCORES_SD."""
_SAYING_NOTHING = 1 + SCORES_SD.size
"""Components of hypothesis 0: of any distances, and as wide as each of the other hypotheses."""
_HYPOTHESIS_OF = np.r_[np.zeros(_SAYING_NOTHING, dtype=np.intp), np.arange(1, HYPOTHESES)]
"""Hypothesis of each component."""


@dataclass(frozen=True, slots=True, eq=False)
class Priors:
    """What each of the J components says before production: 1 without scores to compare, else 5."""

    mean: Floats
    """``[..., J, K]``, contrasts of the scores; 0 where these say nothing."""
    variance: Floats
    """``[..., J, K]``."""
    log_weight: Floats
    """``[J, 1]``, for every memory."""

    @property
    def compared(self) -> bool:
        """Whether there are scores to compare."""
        return len(self.log_weight) > 1


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """What rewards have made of the components' weights, as logarithms."""

    score: Floats
    """Log score of each hypothesis and memory ``[..., H, 3]``, as it was."""
    of_memory: Floats
    """Score of each memory ``[..., 3]``, its prior weight left out, up to a constant."""
    within: Floats
    """Weight of each component in its memory ``[..., J, 3]``."""
    in_hypothesis: Floats
    """Weight of each component in its hypothesis and memory ``[..., J, 3]``."""

    def shares(self) -> Floats:
        """Weight of each component and memory ``[..., J, 3]``, summing to 1."""
        log = (self.of_memory + LOG_PRIOR)[..., None, :] + self.within
        share = np.exp(log - log.max((-1, -2), keepdims=True))
        return np.asarray(share / share.sum((-1, -2), keepdims=True))


def priors_at(situation: Situation) -> Priors:
    """The components for a decision, by all rewards so far."""
    kind = situation.reward_type
    shape = situation.totals.shape[:-2]
    variance = mo.pooled_variance(situation.linear) if mo.is_normal(kind) else np.zeros(shape)
    return priors(variance, situation.validation, kind)


def priors(variance: Floats, validation: Validation, reward_type: RewardType) -> Priors:
    """The components.

    A component as wide as a hypothesis N(c, τ²) has the variance τ² + |c|²/(K − 1) for K arms with a score,
    under which contrasts are expected to be as large, in whatever order. So scores earn weight by the order
    and the distances that they foretell, and not by that arms differ by little.

    Args:
        variance: of one reward ``[...]``, where it is without bounds; of others only the shape counts.
        validation: the scores.
        reward_type: what one reward is.
    """
    known, flat = validation.known, _unknown(variance, reward_type)
    compared = validation.comparable(reward_type)
    log_weight = _log_weights(compared=compared)
    mean = np.zeros((*flat.shape, len(log_weight), known.size))
    spread = np.empty(mean.shape)
    spread[...] = flat[..., None, None]
    if compared:
        # Of rewards in [0, 1] the flat variance is PRIOR_VARIANCE/4; others differ by their own scale.
        said, apart = validation.contrasts(flat / (PRIOR_VARIANCE / 4.0), SCORES_SD)
        wide = (said * said).sum(-1, keepdims=True) / (known.sum() - 1.0)
        mean[..., _SAYING_NOTHING:, :] = said
        for part, value in ((slice(1, _SAYING_NOTHING), apart + wide), (slice(_SAYING_NOTHING, None), apart)):
            spread[..., part, :] = np.where(known, value, spread[..., part, :])
    return Priors(mean, spread, log_weight)


def _unknown(variance: Floats, reward_type: RewardType) -> Floats:
    """Prior variance of a contrast of which nothing is known ``[...]``."""
    if not mo.is_normal(reward_type):
        return np.full(variance.shape, PRIOR_VARIANCE / 4)
    return PRIOR_VARIANCE * np.where(variance > 0, variance, 1.0)


@cache
def _log_weights(*, compared: bool) -> Floats:
    """Log prior weight of each component ``[J, 1]``, made once; not to be written to."""
    weight = np.ones(1)
    if compared:
        parts = (1.0 - AS_WIDE - SCORES_TRUST, AS_WIDE / SCORES_SD.size, SCORES_TRUST / SCORES_SD.size)
        weight = np.repeat(parts, (1, SCORES_SD.size, SCORES_SD.size))
    made = np.log(weight)[:, None]
    made.setflags(write=False)
    return np.asarray(made)


def by_hypothesis(log: Floats) -> Floats:
    """Sums of what components have, as logarithms, over those of each hypothesis ``[..., H, 3]``."""
    if log.shape[-2] == 1:
        return log
    nothing = np.logaddexp.reduce(log[..., :_SAYING_NOTHING, :], axis=-2)
    return np.concatenate([nothing[..., None, :], log[..., _SAYING_NOTHING:, :]], axis=-2)


def weights(score: Floats, evidence: Floats, prior: Priors) -> Weights:
    """The weights of components and memories.

    In a shorter memory a hypothesis has the weight that its forecasts of the last ticks have earned. These
    are soon forgotten, and with them that scores were wrong. So in the longest, for which the world does not
    move, scores have the weight that Bayes' rule gives them by all that it holds; where they have forecast
    worse than hypothesis 0 lately, as if the world did move, less by as much. The components of hypothesis 0
    are weighed by Bayes' rule in every memory.

    Args:
        score: log score of hypotheses and memories ``[..., 3, 3]``, see ContrastThompson.
        evidence: log evidence of each component in what each memory holds ``[..., J, 3]``.
        prior: the components.
    """
    posterior = prior.log_weight + evidence
    hypothesis = by_hypothesis(posterior)
    number = hypothesis.shape[-2]
    of = _HYPOTHESIS_OF if prior.compared else np.zeros(1, dtype=np.intp)
    in_hypothesis = posterior - hypothesis[..., of, :]
    score = score[..., :number, :]
    earned = score + by_hypothesis(prior.log_weight)
    of_memory = np.logaddexp.reduce(earned, axis=-2)
    odds = earned - earned[..., :1, :]
    by_rule = hypothesis[..., 0] - hypothesis[..., :1, 0]
    lately = score[..., 0] - score[..., :1, 0]
    odds[..., 0] = by_rule + np.minimum(lately, 0.0)
    trust = odds - np.logaddexp.reduce(odds, axis=-2)[..., None, :]
    return Weights(score, of_memory, in_hypothesis + trust[..., of, :], in_hypothesis)


def trusted(share: Floats) -> Floats:
    """Those of weights ``[..., J, 3]`` that the scores have: ``[..., 2, 3]``, none without scores."""
    return share[..., _SAYING_NOTHING:, :]
