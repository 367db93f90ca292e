"""E2: a bet on the sign of the difference between two arms, which trusts no variance.

With h = n_i n_j/(n_i + n_j) and z = Σ h (ȳ_i − ȳ_j) over a block of ticks, the factor

    e^x/cosh x = 2/(1 + e^−2x),   x = λ z,

has mean ≤ 1 for any z that is symmetric about 0, or below it: given |z| the sign is a fair
coin, and the factor is the stake 1 ± tanh(λ|z|) on it. It needs no variance to be known and no
request to be independent of another. λ may depend on the past in any way; two choices run
side by side and their products are averaged. One follows the estimates: a normal z of mean m
and variance s² has the likelihood ratio e^{2mz/s²} of its sign, so λ = m/s², with m from the means
that were forecast **before the block opened**: a bet that knew rewards of its own block would
win by looking. The other is λ = ¼/s, which needs no estimate and is ready at once.

Ticks are added up until the variance of z reaches that of two rewards, because a difference
of few rare events is not symmetric where the arms have unequal traffic.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bandit_operator.core.inference.forecast import Forecast
from bandit_operator.core.inference.named_arrays import Arrays, Axes, Field, Floats
from bandit_operator.core.inference.restarts import restart_weight, unused_weight

FIXED_BET = 0.25
"""λ of the second bet in units of one standard deviation of z."""
BLOCK = 2.0
"""Variance of z, in rewards, at which a block is taken in."""
_GAIN = 0.01
"""Smallest weight of the newest block in the running mean of z²/v."""
_BETS = 2


def fields() -> Mapping[str, Field]:
    """Return the arrays of every pair of arms: row against column."""
    return {
        "block_z": Field(Axes.ANTISYMMETRIC),  # z of the open block
        "block_weight": Field(Axes.SYMMETRIC),  # its Σh; 0 while it has not opened
        "block_gap": Field(Axes.ANTISYMMETRIC),  # θ̂_i − θ̂_j when it opened
        "block_spread": Field(Axes.SYMMETRIC),  # variance of one reward when it opened
        "blocks": Field(Axes.SYMMETRIC),  # closed blocks
        "drift": Field(Axes.ANTISYMMETRIC),  # running mean of z/√v over blocks
        "excess": Field(Axes.SYMMETRIC),  # running mean of z²/v − 1
        "bet": Field(Axes.PAIR, inner=(_BETS,), fill=-np.inf),  # ln M of each bet
    }


def over_dispersion(arrays: Arrays) -> Floats:
    """φ̂ ≥ 1 of every pair ``[..., K, K]``: variance of z relative to that of independent requests."""
    return np.asarray(1.0 + np.maximum(arrays["excess"] - arrays["drift"] ** 2, 0.0))


def update(
    arrays: Arrays, expected: Forecast, trials: Floats, rewards: Floats, *, normal: bool
) -> dict[str, Floats]:
    """Add the tick to the open block of every pair, and take in the blocks that are full.

    Args:
        arrays: as :func:`fields` describes.
        expected: forecasts from before the tick.
        trials: trials of the tick ``[..., K]``.
        rewards: rewards of the tick ``[..., K]``.
        normal: whether a block is full as soon as it has data.
    """
    n_i, n_j = trials[..., :, None], trials[..., None, :]
    count = np.maximum(n_i + n_j, 1e-12)
    known = (
        expected.known[..., :, None] & expected.known[..., None, :] & ~np.eye(trials.shape[-1], dtype=bool)
    )
    usable = (n_i > 0) & (n_j > 0) & known
    opens = usable & (arrays["block_weight"] <= 0)
    mean_i, mean_j = expected.mean[..., :, None], expected.mean[..., None, :]
    pooled = (n_i * mean_i + n_j * mean_j) / count
    spread = (
        np.broadcast_to(expected.variance[..., None], pooled.shape) if normal else pooled * (1.0 - pooled)
    )
    gap = np.where(opens, mean_i - mean_j, arrays["block_gap"])
    spread = np.where(opens, spread, arrays["block_spread"])
    weight = arrays["block_weight"] + np.where(usable, n_i * n_j / count, 0.0)
    z = arrays["block_z"] + np.where(
        usable, (n_j * rewards[..., :, None] - n_i * rewards[..., None, :]) / count, 0.0
    )
    variance = weight * spread
    full = usable & (variance > 0) & (normal | (variance >= BLOCK))
    closed = _close(arrays, np.where(full, z, 0.0), np.where(full, variance, 1.0), gap * weight)
    result = {name: np.where(full, value, arrays[name]) for name, value in closed.items() if name != "bet"}
    result["bet"] = np.where(full[..., None, :, :], closed["bet"], arrays["bet"])
    for name, value in (("z", z), ("weight", weight), ("gap", gap), ("spread", spread)):
        result[f"block_{name}"] = np.where(full, 0.0, value)
    return result


def _close(arrays: Arrays, z: Floats, variance: Floats, expected_z: Floats) -> dict[str, Floats]:
    """Return what follows if all blocks close with this z, its variance and its forecast."""
    blocks, root = arrays["blocks"], np.sqrt(variance)
    scaled = z / root
    follow = np.maximum(expected_z, 0.0) * z / (variance * over_dispersion(arrays))
    fixed = FIXED_BET * scaled / np.sqrt(1.0 + np.maximum(arrays["excess"], -0.5))
    started = np.logaddexp(arrays["bet"], np.log(restart_weight(blocks))[..., None, :, :])
    gain = np.maximum(1.0 / (blocks + 21.0), _GAIN)
    return {
        "blocks": blocks + 1.0,
        "drift": arrays["drift"] + gain * (scaled - arrays["drift"]),
        "excess": arrays["excess"] + gain * (np.minimum(scaled**2, 50.0) - 1.0 - arrays["excess"]),
        "bet": started + _ln_coin(np.stack([follow, fixed], axis=-3)),
    }


def _ln_coin(x: Floats) -> Floats:
    """ln(eˣ/cosh x) = ln 2 − ln(1 + e^−2x)."""
    return np.asarray(np.log(2.0) - np.logaddexp(0.0, -2.0 * x))


def log_e_value(arrays: Arrays) -> Floats:
    """Ln of the e-value that the row's arm is better than the column's ``[..., K, K]``."""
    unused = unused_weight(arrays["blocks"])
    mixed = np.logaddexp.reduce(arrays["bet"], axis=-3) - np.log(_BETS)
    return np.asarray(np.logaddexp(mixed, np.log(unused)))
