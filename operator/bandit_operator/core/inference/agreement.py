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
        "served_beyond": Field(),  # Σz, the least that it may be
        "served_below": Field(),  # Σz, the most that it may be
        "served_variance": Field(),  # Σ h v
        "served_weight": Field(),  # Σh
        "served_squares": Field(),  # Σ z²/(h v)
        "served_ticks": Field(),
    }


def update(
    arrays: Arrays, served: Floats, shadow: Floats, late: tuple[Floats, Floats] | None, *, normal: bool
) -> dict[str, Floats]:
    """The arrays after one more tick.

    Args:
        arrays: as :func:`fields` describes.
        served: linearised moments of served requests ``[..., M, K]``.
        shadow: the same in the shadow.
        late: where served rewards come late, so that trials are expected exposures: the fewest and the most
            that these may have been ``[..., K]``; a difference that they can explain is none.
        normal: whether rewards have no bounds; such are never late.
    """
    both = served + shadow
    n, m, count = (one[..., mo.TRIALS, :] for one in (served, shadow, both))
    weight = n * m / np.maximum(count, 1e-12)
    earned, scored = served[..., mo.REWARDS, :], shadow[..., mo.REWARDS, :] / np.maximum(m, 1e-12)
    least, most = (n, n) if late is None else late
    z, beyond, below = (
        weight * (np.where(trials > 0, earned / np.maximum(trials, 1e-12), scored) - scored)
        for trials in (n, most, least)
    )
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
        "served_beyond": beyond,
        "served_below": below,
        "served_variance": variance,
        "served_weight": weight,
        "served_squares": z * z / np.where(known, variance, 1.0),
        "served_ticks": np.ones_like(z),
    }
    return {name: arrays[name] + np.where(known, value, 0.0) for name, value in added.items()}


def contradicted(arrays: Arrays) -> Flags:
    """Arms whose served rewards and those in the shadow differ beyond chance ``[..., K]``."""
    known, distance, variance = _distance(arrays)
    known = known & (arrays["served_ticks"] >= LEAST_TICKS)
    prior = _SHARPEST_AT * variance / np.where(known, arrays["served_weight"], 1.0)
    rate = ERROR_RATE / known.shape[-1]
    reach = np.sqrt((variance + prior) * (2.0 * np.log(1.0 / rate) + np.log1p(variance / prior)))
    return np.asarray(known & (distance > reach))


def doubtful(arrays: Arrays) -> Flags:
    """Arms of which served rewards speak against the shadow as far as they go ``[..., K]``.

    One arm in eighty looks so by chance at any moment. An arm of little traffic is contradicted late, and a
    verdict about it can wait.
    """
    known, distance, variance = _distance(arrays)
    return np.asarray(known & (distance > DOUBTFUL * np.sqrt(variance)))


def _distance(arrays: Arrays) -> tuple[Flags, Floats, Floats]:
    """Whether anything is known of an arm, its |Σz| at the least, and the variance of that (else 1)."""
    known = np.asarray(arrays["served_weight"] > 0)
    distance = np.maximum(np.maximum(arrays["served_beyond"], -arrays["served_below"]), 0.0)
    variance = np.where(known, arrays["served_variance"], 1.0)
    # What the sum itself explains is no noise of single ticks.
    middle = (arrays["served_beyond"] + arrays["served_below"]) / 2.0
    scattered = arrays["served_squares"] - middle**2 / variance
    ticks = np.maximum(arrays["served_ticks"], 1.0)
    return known, distance, variance * np.maximum(scattered / ticks, 1.0)
