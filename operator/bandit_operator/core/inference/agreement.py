"""Whether an arm earns in the shadow what it earns where it serves.

The shadow's requests are a random sample of all, and those that an arm serves are another, so its
mean reward is the same in both, in every tick, unless the shadow lies (the answer itself changes the label,
models share state, copies are answered from a cache, slow answers are left out) or routing is not random.
With z = h(ȳ_served − ȳ_shadow), h = n m/(n + m), the sum of z over the ticks stays within the normal-mixture
boundary of :mod:`.contrasts` at all times together with probability 1 − α where there is no difference.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.named_arrays import Arrays, Field, Flags, Floats

ERROR_RATE = 0.001
"""α for all arms together."""
_SHARPEST_AT = 100.0
"""Σh at which the boundary is sharpest: a lie that would mislead a verdict soon must be found sooner."""
DOUBTFUL = 2.5
"""Standard deviations from which on verdicts about an arm do not rest on the shadow for the moment."""
LEAST_TICKS = 10.0
"""Ticks with both from which on the over-dispersion is known well enough to speak."""


def fields() -> Mapping[str, Field]:
    """Return the arrays of every arm."""
    return {
        "served_beyond": Field(),  # Σz
        "served_beyond_variance": Field(),  # Σ h v
        "served_beyond_weight": Field(),  # Σh
        "served_beyond_squares": Field(),  # Σ z²/(h v)
        "served_beyond_ticks": Field(),
    }


def update(arrays: Arrays, served: Floats, shadow: Floats, *, normal: bool) -> dict[str, Floats]:
    """The arrays after one more tick of linearised moments ``[..., M, K]``, served and in the shadow."""
    both = served + shadow
    n, m, count = (one[..., mo.TRIALS, :] for one in (served, shadow, both))
    weight = n * m / np.maximum(count, 1e-12)
    z = (m * served[..., mo.REWARDS, :] - n * shadow[..., mo.REWARDS, :]) / np.maximum(count, 1e-12)
    mean = both[..., mo.REWARDS, :] / np.maximum(count, 1e-12)
    if normal:
        spread = np.maximum(both[..., mo.SQUARES, :] / np.maximum(count, 1e-12) - mean**2, 0.0)
    else:
        inside = np.clip(mean, 0.0, 1.0)
        spread = inside * (1.0 - inside)
    spread = spread * count / np.maximum(count - 1.0, 1.0)
    variance = weight * spread
    known = (weight > 0) & (variance > 0)
    added = {
        "served_beyond": z,
        "served_beyond_variance": variance,
        "served_beyond_weight": weight,
        "served_beyond_squares": z * z / np.where(known, variance, 1.0),
        "served_beyond_ticks": np.ones_like(z),
    }
    return {name: arrays[name] + np.where(known, value, 0.0) for name, value in added.items()}


def contradicted(arrays: Arrays) -> Flags:
    """Arms whose served rewards and those in the shadow differ beyond chance ``[..., K]``."""
    known, variance = _variance(arrays)
    known = known & (arrays["served_beyond_ticks"] >= LEAST_TICKS)
    prior = _SHARPEST_AT * variance / np.where(known, arrays["served_beyond_weight"], 1.0)
    rate = ERROR_RATE / known.shape[-1]
    reach = np.sqrt((variance + prior) * (2.0 * np.log(1.0 / rate) + np.log1p(variance / prior)))
    return np.asarray(known & (np.abs(arrays["served_beyond"]) > reach))


def doubtful(arrays: Arrays) -> Flags:
    """Arms of which served rewards speak against the shadow as far as they go ``[..., K]``.

    One arm in eighty looks so by chance at any moment. An arm of little traffic is contradicted late, and a
    verdict about it can wait.
    """
    known, variance = _variance(arrays)
    return np.asarray(known & (np.abs(arrays["served_beyond"]) > DOUBTFUL * np.sqrt(variance)))


def _variance(arrays: Arrays) -> tuple[Flags, Floats]:
    """Whether anything is known of an arm, and the variance of its Σz (else 1), each ``[..., K]``."""
    known = np.asarray(arrays["served_beyond_weight"] > 0)
    variance = np.where(known, arrays["served_beyond_variance"], 1.0)
    # What the sum itself explains is no noise of single ticks.
    scattered = arrays["served_beyond_squares"] - arrays["served_beyond"] ** 2 / variance
    ticks = np.maximum(arrays["served_beyond_ticks"], 1.0)
    return known, variance * np.maximum(scattered / ticks, 1.0)
