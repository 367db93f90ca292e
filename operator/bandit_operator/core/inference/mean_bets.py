"""E2: a bet on the difference between two arms, which trusts no request to be independent of another.

With h = n_i n_j/(n_i + n_j) and z = Σ h (ȳ_i − ȳ_j) over a block of ticks, the factor

    exp(x − x²/6 − λ²s²/3),   x = λ min(z, 3s),   λ ≤ 1/s,

has mean ≤ 1 for any z of mean ≤ 0 and variance ≤ s², however skewed (from e^{x − x²/6} ≤ 1 + x + x²/3,
Delyon, "Exponential inequalities for sums of weakly dependent variables", 2009; cutting gains off keeps
the mean ≤ 0). The variance is that of the blocks seen so far, so nothing is staked on the first blocks,
:data:`UNSTAKED` at the most, in which only the variance is learned; and it is taken to be as much larger
as it may be where it comes from few blocks that stand out, which the fourth moment of z tells. λ may
depend on the past in any way; two choices run side by side and their products are averaged. One follows
the estimates, λ = m/s² with m from the means that were forecast **before the block opened**. The other is
λ = ¼/s, which needs no estimate. Whatever a bet rests on is from before its block opened: one that knew a
part of the block would win by looking.

Ticks are added up until the variance of z reaches that of :data:`BLOCK` rewards, so that a block
says something of its own variance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bandit_operator.core.inference.named_arrays import Arrays, Axes, Field, Floats
from bandit_operator.core.inference.pairs import Pairs, swapped
from bandit_operator.core.inference.restarts import restart_weight, unused_weight

FIXED_BET = 0.25
"""λ of the second bet in units of one standard deviation of z."""
BLOCK = 0.5
"""Variance of z, in rewards, at which a block is taken in."""
UNSTAKED = 60.0
"""Blocks at the beginning of which only the variance is learned, at the most."""
UNSTAKED_NORMAL = 31.0
"""The same for rewards without bounds, of which nothing says how rare a tick may be."""
LEAST_UNSTAKED = 5.0
SHOWN = 75.0
"""Blocks within which a tick that makes the two arms equal has come, most probably: a bet may begin so much
earlier as it takes to win. One on a gap of g standard deviations of z takes about 2 ln 60 / g² blocks."""
_TO_WIN = 8.0
_OVERLOOKED = 0.02
"""Chance with which a tick that would make the two arms equal may not have come in the unstaked blocks."""
LARGEST_GAIN = 3.0
"""Standard deviations at which what a block can earn is cut off."""
UNSEEN = 3.0
"""The variance is taken as if a tick had been seen, too, that moves an arm's rewards (or its failures, where
these are fewer) by this many times their square: what is rare has not shown itself in few blocks."""
RARE_ROOT, RARE = 1.8, 2.0
"""Where the variance comes from m rare blocks, 1 + 1.8/√m + 2/m times as many may have been due: about the
upper 95 % limit of a Poisson mean of which m events were seen (Garwood, 1936)."""
_GAIN = 0.004
"""Smallest weight of the newest block in the running mean of z²/v."""
_LARGEST_EXCESS = 1e4
_BETS = 2


def fields() -> Mapping[str, Field]:
    """Return the arrays of every pair of arms: row against column."""
    return {
        "block_z": Field(Axes.ANTISYMMETRIC),  # z of the open block
        "block_bound": Field(Axes.PAIR),  # the least that z may have been, see Pairs.most
        "block_weight": Field(Axes.SYMMETRIC),  # its Σh; 0 while it has not opened
        "block_mean": Field(Axes.PAIR),  # θ̂_i when it opened
        "block_spread": Field(Axes.SYMMETRIC),  # variance of one reward when it opened
        "blocks": Field(Axes.SYMMETRIC),  # closed blocks
        "drift": Field(Axes.ANTISYMMETRIC),  # running mean of z/√v over blocks
        "excess": Field(Axes.SYMMETRIC),  # running mean of z²/v − 1
        "fourth": Field(Axes.SYMMETRIC),  # running mean of (z²/v)² − 3, which is 0 where z is normal
        "bet": Field(Axes.PAIR, inner=(_BETS,), fill=-np.inf),  # ln M of each bet
    }


def over_dispersion(arrays: Arrays) -> Floats:
    """φ̂ ≥ 1 of every pair ``[..., K, K]``: variance of z relative to that of independent requests."""
    return np.asarray(1.0 + np.maximum(arrays["excess"] - arrays["drift"] ** 2, 0.0))


def update(
    arrays: Arrays, pairs: Pairs, *, normal: bool, block: float = BLOCK, ticks_show: float = 1.0
) -> dict[str, Floats]:
    """Add what is compared to the open block of every pair, and take in the blocks that are full.

    Args:
        arrays: as :func:`fields` describes.
        pairs: what is compared.
        normal: whether a block is full as soon as it has data.
        block: variance of z, in rewards, at which a block is taken in.
        ticks_show: a block shows as much of the variance as the ticks that it is made of, up to so many.
    """
    n_i, n_j = pairs.trials, swapped(pairs.trials)
    count = np.maximum(n_i + n_j, 1e-12)
    opens = pairs.ready & (arrays["block_weight"] <= 0)
    mean = np.where(opens, pairs.mean, arrays["block_mean"])
    spread = np.where(opens, pairs.spread, arrays["block_spread"])
    weight = arrays["block_weight"] + np.where(pairs.ready, pairs.weight, 0.0)
    y_i, y_j = pairs.rewards, swapped(pairs.rewards)
    z = arrays["block_z"] + np.where(pairs.ready, (n_j * y_i - n_i * y_j) / count, 0.0)
    most, least = pairs.most, swapped(pairs.least)
    both = np.maximum(most + least, 1e-12)
    bound = arrays["block_bound"] + np.where(pairs.ready, (least * y_i - most * y_j) / both, 0.0)
    variance = weight * spread
    full = pairs.ready & (variance > 0) & (normal | (variance >= block))
    closing = _Block(
        z=np.where(full, z, 0.0),
        bound=np.where(full, bound, 0.0),
        variance=np.where(full, variance, 1.0),
        expected=(mean - swapped(mean)) * weight,
        unstaked=np.full(mean.shape, UNSTAKED_NORMAL) if normal else _unstaked(mean),
        shown=np.clip(pairs.number, arrays["blocks"], ticks_show * arrays["blocks"]),
    )
    scarce = 0.0 if normal else _rarer(spread) ** 2
    result = {name: arrays[name] for name in ("blocks", "drift", "excess", "fourth", "bet")}
    if full.any():
        closed = _close(arrays, closing, UNSEEN * weight * scarce / np.where(spread > 0, spread, 1.0))
        result = {
            name: np.where(full, value, arrays[name]) for name, value in closed.items() if name != "bet"
        }
        result["bet"] = np.where(full[..., None, :, :], closed["bet"], arrays["bet"])
    opened = {"z": z, "bound": bound, "weight": weight, "mean": mean, "spread": spread}
    return result | {f"block_{name}": np.where(full, 0.0, value) for name, value in opened.items()}


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    z: Floats
    bound: Floats
    """The least that z may have been."""
    variance: Floats
    expected: Floats
    """z as forecast before the block opened."""
    unstaked: Floats
    """Blocks before the first bet."""
    shown: Floats
    """Blocks before this one, or the ticks that they were made of, as far as these count."""


def _rarer(spread: Floats) -> Floats:
    """Chance of a reward, or of none where that is less, of which the variance is ``spread``."""
    return np.asarray((1.0 - np.sqrt(np.maximum(1.0 - 4.0 * spread, 0.0))) / 2.0)


def _unstaked(mean: Floats) -> Floats:
    """Blocks that must have shown the variance before the first bet that i is better than j.

    Two arms may be equal although they look unlike in most ticks, if ticks come that make up for it. A
    reward lies in [0, 1], so where j looks worse by a gap, such ticks of j have at least the chance
    gap/(1 − θ_j), and such ticks of i gap/θ_i: the rarer, the longer it takes until one must have come.
    """
    gap = np.maximum(mean - swapped(mean), 0.0)
    chance = np.minimum(gap / np.maximum(1.0 - swapped(mean), 1e-9), gap / np.maximum(mean, 1e-9))
    chance = np.clip(chance, 1e-9, 1.0 - 1e-9)
    return np.asarray(np.clip(np.log(_OVERLOOKED) / np.log1p(-chance), LEAST_UNSTAKED, UNSTAKED))


def _close(arrays: Arrays, block: _Block, unseen: Floats) -> dict[str, Floats]:
    """Return what follows if all blocks close.

    Args:
        arrays: as :func:`fields` describes.
        block: the block of every pair.
        unseen: z²/v of a tick that has not been seen yet.
    """
    blocks, root = arrays["blocks"], np.sqrt(block.variance)
    scaled = block.z / root
    # The running means begin as if they had seen 20 blocks of normal z; a bound on the variance may not.
    begun_with = np.where(blocks > 0, 1.0 + 20.0 / np.maximum(blocks, 1.0), 1.0)
    seen = 1.0 + np.maximum(arrays["excess"] * begun_with, -0.5)
    tail = (3.0 + arrays["fourth"] * begun_with) / seen**2 - 3.0
    rare = np.clip(tail / np.clip(blocks, 1.0, 1.0 / _GAIN), 0.0, 1.0)
    squared = seen * (1.0 + RARE_ROOT * np.sqrt(rare) + RARE * rare) + unseen / (blocks + 1.0)
    deviation = np.sqrt(squared)
    follow = np.maximum(block.expected, 0.0) / (root * over_dispersion(arrays))
    rate = np.stack([np.minimum(follow, 1.0 / deviation), FIXED_BET / deviation], axis=-3)
    gap = np.maximum(block.expected, 0.0) / (root * deviation)
    slowly = np.clip(SHOWN - _TO_WIN / np.maximum(gap, 1e-3) ** 2, LEAST_UNSTAKED, UNSTAKED)
    rate = np.where((block.shown >= np.minimum(block.unstaked, slowly))[..., None, :, :], rate, 0.0)
    x = rate * np.minimum(block.bound / root, LARGEST_GAIN * deviation)[..., None, :, :]
    staked = blocks - LEAST_UNSTAKED
    begun = np.logaddexp(arrays["bet"], np.log(restart_weight(np.maximum(staked, 0.0)))[..., None, :, :])
    won = begun + x - x**2 / 6.0 - rate**2 * squared[..., None, :, :] / 3.0
    gain = np.maximum(1.0 / (blocks + 21.0), _GAIN)
    relative = np.minimum(scaled**2, _LARGEST_EXCESS)
    return {
        "blocks": blocks + 1.0,
        "drift": arrays["drift"] + gain * (scaled - arrays["drift"]),
        "excess": arrays["excess"] + gain * (relative - 1.0 - arrays["excess"]),
        "fourth": arrays["fourth"] + gain * (relative**2 - 3.0 - arrays["fourth"]),
        "bet": np.where((staked < 0)[..., None, :, :], arrays["bet"], won),
    }


def log_e_value(arrays: Arrays) -> Floats:
    """Ln of the e-value that the row's arm is better than the column's ``[..., K, K]``."""
    unused = unused_weight(np.maximum(arrays["blocks"] - LEAST_UNSTAKED, 0.0))
    mixed = np.logaddexp.reduce(arrays["bet"], axis=-3) - np.log(_BETS)
    return np.asarray(np.logaddexp(mixed, np.log(unused)))
