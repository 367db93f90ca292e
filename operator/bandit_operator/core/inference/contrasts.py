"""How far each arm's mean is from the baseline's, with an interval that holds at all times.

From within-tick contrasts only: with h = n_k n_b/(n_k + n_b), the difference of means is
estimated by Σ h (ȳ_k − ȳ_b)/Σ h, and the normal-mixture confidence sequence (Robbins, "Statistical
methods related to the law of the iterated logarithm", 1970; Waudby-Smith et al., arXiv
2103.06476, for its use with estimated variances) covers the weighted average difference at
all ticks together: |Z − δH| ≤ √((V + ρ)(2 ln(1/α) + ln((V + ρ)/ρ))).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.named_arrays import Arrays, Field, Floats
from bandit_operator.core.model import RewardType

SHARPEST_AT = 10_000.0
"""Σh at which the interval is sharpest: enough for differences of about a percent point."""


def fields() -> Mapping[str, Field]:
    """Return the fields: contrast with the baseline, its weight, its variance for independent requests."""
    return {"contrast": Field(), "contrast_weight": Field(), "contrast_variance": Field()}


def update(
    arrays: Arrays, tick: Floats, totals: Floats, reward_type: RewardType, baseline: int
) -> dict[str, Floats]:
    """Add one tick of linearised moments ``[..., M, K]``; ``totals`` are the sums before it."""
    here = slice(baseline, baseline + 1)
    trials, rewards = tick[..., mo.TRIALS, :], tick[..., mo.REWARDS, :]
    n_b, y_b = trials[..., here], rewards[..., here]
    count = np.maximum(trials + n_b, 1e-12)
    weight = trials * n_b / count
    weight[..., baseline] = 0.0
    contrast = np.where(weight > 0, (n_b * rewards - trials * y_b) / count, 0.0)
    return {
        "contrast": arrays["contrast"] + contrast,
        "contrast_weight": arrays["contrast_weight"] + weight,
        "contrast_variance": arrays["contrast_variance"]
        + weight * _variance(tick, totals, reward_type, baseline),
    }


def _variance(tick: Floats, totals: Floats, reward_type: RewardType, baseline: int) -> Floats:
    """Variance of one reward, arm and baseline pooled ``[..., K]``."""
    if mo.is_normal(reward_type):
        return mo.pooled_variance(totals + tick)[..., None]
    here = slice(baseline, baseline + 1)
    rewards, trials = tick[..., mo.REWARDS, :], tick[..., mo.TRIALS, :]
    both = trials + trials[..., here]
    mean = np.clip((rewards + rewards[..., here]) / np.maximum(both, 1.0), 0.0, 1.0)
    # The factor makes the variance of few trials unbiased.
    return mean * (1.0 - mean) * both / np.maximum(both - 1.0, 1.0)


def interval(
    arrays: Arrays, dispersion: Floats, error_rate: float, sharpest_at: float = SHARPEST_AT
) -> tuple[Floats, Floats, Floats]:
    """Estimate and ends of (arm's mean − baseline's mean) ``[..., K]``; infinite ends without data.

    Args:
        arrays: as :func:`fields` describes.
        dispersion: over-dispersion φ̂ ≥ 1 by which variances are multiplied ``[..., K]``.
        error_rate: α, bound on the probability that the interval ever fails.
        sharpest_at: Σh at which the interval is sharpest.
    """
    weight = arrays["contrast_weight"]
    variance = arrays["contrast_variance"] * dispersion
    known = (weight > 0) & (variance > 0)
    safe = np.where(known, weight, 1.0)
    prior = sharpest_at * np.where(known, variance, 1.0) / safe
    reach = np.sqrt((variance + prior) * (2 * np.log(1 / error_rate) + np.log1p(variance / prior))) / safe
    center = arrays["contrast"] / safe
    return center, np.where(known, center - reach, -np.inf), np.where(known, center + reach, np.inf)
