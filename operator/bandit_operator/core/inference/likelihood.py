"""E1: the likelihood of what two arms earned in a tick, had one of them been better.

The growth-rate-optimal two-sample e-value (Turner, Ly & Grünwald, "Generic E-variables
for exact sequential k-sample tests", arXiv 2106.02693). With estimates θ̂ from past ticks only,
and θ₀ = (n_i θ̂_i + n_j θ̂_j)/(n_i + n_j), the evidence of one tick that i is better than j is

    ln e = y_i ln(θ̂_i/θ₀) + (n_i − y_i) ln((1−θ̂_i)/(1−θ₀)) + the same for j   if θ̂_i > θ̂_j, else 0,

divided by the over-dispersion φ̂ ≥ 1 seen so far, since requests of one tick may be alike. Two
choices of θ̂ run side by side, and their products are averaged: the forecasts, which are best once
they are good, and the pooled forecast plus a fixed effect of ¼ standard deviations a tick,
which loses nothing to estimation while little is known. For normal rewards it is
ln e = (δ z − δ² h/2)/σ², with h, z as in :mod:`.mean_bets` and δ = θ̂_i − θ̂_j > 0.
The test restarts at every tick
with a small weight (:mod:`.restarts`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bandit_operator.core.inference.named_arrays import Arrays, Axes, Field, Floats
from bandit_operator.core.inference.pairs import Pairs, swapped
from bandit_operator.core.inference.restarts import restart_weight, unused_weight

FIXED_EFFECT = 0.25
"""Effect of the second choice of θ̂, in standard deviations of a tick's difference."""


def fields() -> Mapping[str, Field]:
    """Return the arrays that the test carries from tick to tick."""
    return {"growth": Field(Axes.PAIR, inner=(2,), fill=-np.inf)}  # ln M: row better than column


def update(
    arrays: Arrays,
    pairs: Pairs,
    dispersion: Floats,
    *,
    normal: bool,
    late: bool,
) -> dict[str, Floats]:
    """The arrays after one more tick.

    Args:
        arrays: as :func:`fields` describes, with any leading axes.
        pairs: what is compared.
        dispersion: over-dispersion φ̂ ≥ 1 of every pair before the tick ``[..., K, K]``.
        normal: whether means are compared by the normal formulas.
        late: rewards come late, so trials are expected exposures that rewards may exceed.
    """
    growth = _growth(pairs, normal, late) / dispersion[..., None, :, :]
    started = np.logaddexp(arrays["growth"], np.log(restart_weight(pairs.number))[..., None, :, :])
    return {"growth": np.where(pairs.ready[..., None, :, :], started + growth, arrays["growth"])}


def _growth(pairs: Pairs, normal: bool, late: bool) -> Floats:
    """Ln e of E1 for both choices and every ordered pair ``[..., 2, K, K]``, before tempering.

    Of what the trials may have been, those count by which the row's arm is least better.
    """
    known, mean_i, mean_j = pairs.ready, pairs.mean, swapped(pairs.mean)
    n_i, n_j = pairs.most, swapped(pairs.least)
    y_i, y_j = pairs.rewards, swapped(pairs.rewards)
    count = np.maximum(n_i + n_j, 1e-12)
    weight = np.where(known, np.maximum(n_i * n_j / count, 1e-12), 1.0)
    pooled = (n_i * mean_i + n_j * mean_j) / count
    if normal:
        variance = np.where(known, pairs.variance, 1.0)
        z = (n_j * y_i - n_i * y_j) / count
        gaps = (mean_i - mean_j, FIXED_EFFECT * np.sqrt(variance / weight))
        values = [(gap * z - 0.5 * gap**2 * weight) / variance for gap in gaps]
        return np.stack(
            [np.where(known & (gap > 0), x, 0.0) for gap, x in zip(gaps, values, strict=True)], -3
        )
    null = np.clip(np.where(known, pooled, 0.5), 1e-9, 1.0 - 1e-9)
    effect = FIXED_EFFECT * np.sqrt(null * (1.0 - null) / weight)
    # Of the two means one lies above the pooled one and one below, at distances that keep it in between.
    effect = np.minimum(
        effect,
        0.9
        * np.minimum((1.0 - null) * count / np.maximum(n_j, 1e-12), null * count / np.maximum(n_i, 1e-12)),
    )
    choices = [(mean_i, mean_j), (null + effect * n_j / count, null - effect * n_i / count)]
    result = []
    for high, low in choices:
        high, low = np.where(known, high, 0.5), np.where(known, low, 0.5)
        value = y_i * np.log(high / null) + y_j * np.log(low / null)
        if not late:
            # Late rewards are counted against expected exposure, where this Poisson form is exact
            # and the failures' terms, which need whole trials, are absent.
            value = value + (n_i - y_i) * np.log((1 - high) / (1 - null))
            value = value + (n_j - y_j) * np.log((1 - low) / (1 - null))
        result.append(np.where(known & (high > low), value, 0.0))
    return np.stack(result, -3)


def log_e_value(arrays: Arrays, compared: Floats) -> Floats:
    """Ln of the e-value that the row's arm is better than the column's, after so many comparisons."""
    mixed = np.logaddexp.reduce(arrays["growth"], axis=-3) - np.log(2.0)
    return np.asarray(np.logaddexp(mixed, np.log(unused_weight(compared))))
