"""Posteriors of the mean rewards and the probability of being the best arm.

Bernoulli and bounded rewards have independent Beta(1 + successes, 1 + failures) posteriors.
Gaussian and linearised ratio rewards have normal posteriors with two priors: on the mean one imagined
trial at the pooled mean, on the variance of a reward :data:`PRIOR_TRIALS` trials with the pooled variance.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.beta_panels import EDGES, log_density, panel_edges, quantiles, rule
from bandit_operator.core.inference.named_arrays import Flags, Floats
from bandit_operator.core.model import RewardType

COVERAGE = 0.95
"""Probability that a mean lies in its interval."""
PRIOR_TRIALS = 5.0
"""Imagined trials with the pooled variance: with few of its own an arm's variance is near 0 by chance, and
its mean would look sure."""
_ENDS = np.array([(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
_REACH = NormalDist().inv_cdf(0.5 + COVERAGE / 2)
"""Standard deviations to either end of a normal interval."""
_ROWS_AT_ONCE = 256
"""Rows of a batch that are integrated together: more only spills the processor's cache."""


def beta_best(successes: Floats, failures: Floats, eligible: Flags) -> Floats:
    """P(arm k has the largest mean) under independent Beta(1 + s, 1 + f) posteriors.

    w_k = ∫ f_k(x) ∏_{j≠k} F_j(x) dx (Scott, "A modern Bayesian look at the multi-armed bandit",
    2010, equation 5), by Gauss–Legendre panels between the quantiles of every arm on the
    logit scale, where the densities are smooth and close to normal. Absolute error ≤ 1e-5 for
    counts from 0 to 1e9; deterministic; about 1 ms for one row of 10 arms.

    Args:
        successes: ``[..., K]``, ≥ 0, not necessarily integers.
        failures: ``[..., K]``, ≥ 0.
        eligible: ``[..., K]``; arms outside get 0 and take no part.

    Returns:
        ``[..., K]``, summing to 1 where at least one arm is eligible, else zeros.
    """
    successes, failures, eligible = np.broadcast_arrays(successes, failures, eligible)
    alpha, beta = 1.0 + successes, 1.0 + failures
    center = np.log(alpha) - np.log(beta)
    scale = np.sqrt(1.0 / alpha + 1.0 / beta)
    return _best(center, scale, center[..., None] + panel_edges(alpha, beta), eligible, (alpha, beta))


def normal_best(mean: Floats, deviation: Floats, eligible: Flags) -> Floats:
    """P(arm k has the largest mean) under independent normal posteriors; as :func:`beta_best`."""
    mean, deviation, eligible = np.broadcast_arrays(mean, deviation, eligible)
    deviation = np.maximum(deviation, 1e-12 * (1.0 + np.abs(mean)))
    # On a common scale of order one, so that the width of a panel never underflows.
    shift = mean.mean(-1, keepdims=True)
    mean = mean - shift
    edges = mean[..., None] + deviation[..., None] * EDGES
    return _best(mean, deviation, edges, eligible, None)


def _best(
    center: Floats, scale: Floats, edges: Floats, eligible: Flags, counts: tuple[Floats, Floats] | None
) -> Floats:
    arms = center.shape[-1]
    leading = center.shape[:-1]
    centers, scales, mask = center.reshape(-1, arms), scale.reshape(-1, arms), eligible.reshape(-1, arms)
    edges = np.sort(edges.reshape(-1, arms * EDGES.size), axis=-1)
    flat_counts = None if counts is None else tuple(array.reshape(-1, arms) for array in counts)
    result = np.empty((edges.shape[0], arms))
    for start in range(0, edges.shape[0], _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        result[part] = _best_rows(
            centers[part],
            scales[part],
            edges[part],
            mask[part],
            None if flat_counts is None else (flat_counts[0][part], flat_counts[1][part]),
        )
    return result.reshape(*leading, arms)


def _best_rows(
    center: Floats, scale: Floats, edges: Floats, eligible: Flags, counts: tuple[Floats, Floats] | None
) -> Floats:
    """Return the integral for rows ``[R, K]``; inner arrays are ``[R, K, panels, nodes]``."""
    nodes, weights, matrix = rule()
    half = (edges[:, 1:] - edges[:, :-1]) / 2
    at = edges[:, None, :-1, None] + half[:, None, :, None] * (nodes + 1)
    offset = at - center[:, :, None, None]
    if counts is None:
        density = np.exp(-0.5 * (offset / scale[:, :, None, None]) ** 2)
    else:
        density = np.exp(log_density(offset, counts[0][:, :, None, None], counts[1][:, :, None, None]))
    density *= half[:, None, :, None]
    mass = density @ weights
    total = mass.sum(-1)
    before = np.cumsum(mass, axis=-1) - mass
    distribution = np.clip((before[..., None] + density @ matrix.T) / total[:, :, None, None], 0.0, 1.0)
    distribution = np.where(eligible[:, :, None, None], distribution, 1.0)
    density *= weights
    density /= total[:, :, None, None]
    others = _product_of_others(distribution)
    best = np.where(eligible, (density * others).sum((-1, -2)), 0.0)
    norm = best.sum(-1, keepdims=True)
    return np.where(norm > 0, best / np.where(norm > 0, norm, 1.0), 0.0)


def _product_of_others(factors: Floats) -> Floats:
    """∏_{j≠k} along axis 1 without division, which fails where a factor is 0."""
    result = np.ones_like(factors)
    arms = factors.shape[1]
    for k in range(1, arms):
        result[:, k] = result[:, k - 1] * factors[:, k - 1]
    after = np.ones_like(factors[:, 0])
    for k in range(arms - 2, -1, -1):
        after = after * factors[:, k + 1]
        result[:, k] *= after
    return result


def top_by_mean(center: Floats, eligible: Flags) -> Flags:
    """Eligible arms whose mean is the largest; several where there is a tie ``[..., K]``."""
    value = np.where(eligible, center, -np.inf)
    return np.asarray(eligible & (value == value.max(-1, keepdims=True)))


def normal_parameters(moments: Floats) -> tuple[Floats, Floats]:
    """Posterior mean and standard deviation ``[..., K]`` from linearised moments with squares."""
    trials, rewards, squares = (moments[..., row, :] for row in (mo.TRIALS, mo.REWARDS, mo.SQUARES))
    count = trials.sum(-1, keepdims=True)
    pooled_mean = np.where(count > 0, rewards.sum(-1, keepdims=True) / np.where(count > 0, count, 1.0), 0.0)
    pooled = mo.pooled_variance(moments)[..., None]
    pooled = np.where(pooled > 0, pooled, 1.0)
    within = np.maximum(squares - rewards**2 / np.maximum(trials, 1e-12), 0.0)
    variance = (within + PRIOR_TRIALS * pooled) / (trials + PRIOR_TRIALS)
    return (rewards + pooled_mean) / (trials + 1.0), np.sqrt(variance / (trials + 1.0))


def beta_counts(moments: Floats) -> tuple[Floats, Floats]:
    """Successes and failures ``[..., K]``; where rewards exceed trials there are no failures."""
    rewards = moments[..., mo.REWARDS, :]
    return rewards, np.maximum(moments[..., mo.TRIALS, :] - rewards, 0.0)


def probability_best(linear: Floats, reward_type: RewardType, eligible: Flags) -> Floats:
    """P(arm k has the largest mean) ``[..., K]`` given linearised moments ``[..., M, K]`` of any type."""
    if mo.is_normal(reward_type):
        return normal_best(*normal_parameters(linear), eligible)
    return beta_best(*beta_counts(linear), eligible)


def interval(moments: Floats, reward_type: RewardType) -> tuple[Floats, Floats, Floats]:
    """Mean reward and the ends of its central credible interval, each ``[..., K]``.

    The mean is Σy/n, or Σy/Σx for a ratio, whose interval is by the delta method. NaN where an
    arm has no trials (or a ratio no denominator).
    """
    trials = moments[..., mo.TRIALS, :]
    if not mo.is_normal(reward_type):
        successes, failures = beta_counts(moments)
        ends = quantiles(1 + successes, 1 + failures, _ENDS)
        low, high = ends[..., 0], ends[..., 1]
        # A mean at 0 or 1 lies outside a central interval, which would look like a mistake.
        mean = np.clip(mo.means(moments), 0.0, 1.0)
        return mean, _known(np.minimum(low, mean), trials), _known(np.maximum(high, mean), trials)
    if reward_type is RewardType.GAUSSIAN:
        _, deviation = normal_parameters(moments)
        mean = mo.means(moments)
        return mean, mean - _REACH * deviation, mean + _REACH * deviation
    denominators = moments[..., mo.DENOMINATORS, :]
    usable = (denominators != 0) & (trials > 0)
    ratio = np.where(usable, moments[..., mo.REWARDS, :] / np.where(usable, denominators, 1.0), np.nan)
    # Each arm is linearised at its own ratio here: this interval is about it alone.
    own = mo.linearise(moments, reward_type, np.nan_to_num(ratio))
    spread = _REACH * np.sqrt(own[..., mo.SQUARES, :]) / np.where(usable, np.abs(denominators), 1.0)
    return ratio, ratio - spread, ratio + spread


def _known(value: Floats, trials: Floats) -> Floats:
    return np.where(trials > 0, value, np.nan)
