"""Two arms on the same requests: what the one earned beyond the other, request by request.

A shadow scores a request with every arm, so the rewards of two arms differ only by what the arms
answered: whatever the request itself was worth cancels. With x = y_i − y_j in [−1, 1] and its sums
D = Σx and Q = Σx² over the requests of a tick, two tests that i is better than j live here.

**Differences** (E1 of the shadow): for 0 ≤ λ < 1,

    exp(λ D − ψ(λ) Q),   ψ(λ) = −ln(1 − λ) − λ,

has mean ≤ 1 wherever x has mean ≤ 0, however skewed x is, since 1 + λx ≥ e^{λx − ψ(λ)x²} for x ≥ −1 (Fan,
Grama & Liu, "Exponential inequalities for martingales with applications", 2015, Lemma 4.1; Howard et al.,
"Time-uniform Chernoff bounds via nonnegative supermartingales", 2020). At λ = δ/(S + δ), with S the mean of
x², it grows fastest where the mean of x is δ. Three choices run side by side, and their products are
averaged: δ by all ticks so far, δ by the last ones, and ¼ standard deviation of a tick.

**Ticks** (E3 of the shadow): 1 + λ D/n, a whole tick as one difference in [−1, 1], which nothing that the
requests of one tick have in common can deceive.

Both stake only what was known before the tick, and restart with a small weight (:mod:`.restarts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bandit_operator.core.inference.named_arrays import Arrays, Axes, Field, Floats
from bandit_operator.core.inference.restarts import restart_weight, unused_weight

RECENT = 0.97
"""Discount per tick of what the last ticks say."""
FIXED_EFFECT = 0.25
"""Effect of the third choice, in standard deviations of a tick's sum of differences."""
LARGEST_STAKE = 0.9
"""Of a tick, at most so much is staked: a single one must not lose everything."""
_CHOICES = 3


@dataclass(frozen=True, slots=True, eq=False)
class PairTick:
    """What the pairs of arms earned on the same requests in one tick, each ``[..., K, K]``."""

    trials: Floats
    """Requests n of which both rewards are known, symmetric; 0 where there are none."""
    difference: Floats
    """D = Σ(y_i − y_j), antisymmetric."""
    squares: Floats
    """Q = Σ(y_i − y_j)², symmetric."""


def fields() -> Mapping[str, Field]:
    """Return the arrays of every pair: row against column."""
    return {
        "paired_trials": Field(Axes.SYMMETRIC),
        "paired_difference": Field(Axes.ANTISYMMETRIC),
        "paired_squares": Field(Axes.SYMMETRIC),
        "paired_recent_trials": Field(Axes.SYMMETRIC),
        "paired_recent_difference": Field(Axes.ANTISYMMETRIC),
        "paired_recent_squares": Field(Axes.SYMMETRIC),
        "paired_ticks": Field(Axes.SYMMETRIC),  # ticks with requests of the pair
        "paired_growth": Field(Axes.PAIR, inner=(_CHOICES,), fill=-np.inf),  # ln M of each choice
        "paired_ticks_growth": Field(Axes.PAIR, fill=-np.inf),
    }


def expected(arrays: Arrays) -> tuple[Floats, Floats]:
    """Mean difference by the last ticks ``[..., K, K]``, and S, the mean of its square (> 0).

    Both as if one more request had been seen on which the arms differ by 0, or by 1: two arms that have
    never differed yet may differ.
    """
    trials = arrays["paired_recent_trials"] + 1.0
    return arrays["paired_recent_difference"] / trials, (arrays["paired_recent_squares"] + 1.0) / trials


def update(arrays: Arrays, tick: PairTick, dispersion: Floats, *, bounded: bool) -> dict[str, Floats]:
    """The arrays after one more tick.

    Args:
        arrays: as :func:`fields` describes, with any leading axes.
        tick: what the tick brought.
        dispersion: over-dispersion φ̂ ≥ 1 of every pair before the tick ``[..., K, K]``.
        bounded: whether rewards lie in [0, 1]; the two tests hold for such alone, and stay at 1 otherwise.
    """
    seen = tick.trials > 0
    sums = {"trials": tick.trials, "difference": tick.difference, "squares": tick.squares}
    result = {f"paired_{name}": arrays[f"paired_{name}"] + value for name, value in sums.items()}
    for name, value in sums.items():
        before = arrays[f"paired_recent_{name}"]
        result[f"paired_recent_{name}"] = np.where(seen, RECENT * before, before) + value
    age = arrays["paired_ticks"]
    result["paired_ticks"] = age + seen
    for name, growth in zip(
        ("paired_growth", "paired_ticks_growth"), _growths(arrays, tick, dispersion), strict=True
    ):
        mask, weight = seen, np.log(restart_weight(age))
        if growth.ndim > age.ndim:
            mask, weight = mask[..., None, :, :], weight[..., None, :, :]
        begun = np.logaddexp(arrays[name], weight)
        result[name] = np.where(mask, begun + (growth if bounded else 0.0), arrays[name])
    return result


def _growths(arrays: Arrays, tick: PairTick, dispersion: Floats) -> tuple[Floats, Floats]:
    """Ln of what the tick multiplies each of the two tests by ``[..., 3, K, K]`` and ``[..., K, K]``."""
    long = arrays["paired_trials"] + 1.0
    mean, square = expected(arrays)
    effect = FIXED_EFFECT * np.sqrt(square / np.maximum(tick.trials, 1.0))
    gaps = np.stack([arrays["paired_difference"] / long, mean, effect], -3)
    squares = np.stack([(arrays["paired_squares"] + 1.0) / long, square, square], -3)
    gaps = np.maximum(gaps, 0.0)
    stake = np.minimum(gaps / (squares + gaps), LARGEST_STAKE)
    cost = -np.log1p(-stake) - stake
    won = stake * tick.difference[..., None, :, :] - cost * tick.squares[..., None, :, :]
    whole = np.clip(tick.difference / np.maximum(tick.trials, 1.0), -1.0, 1.0)
    at_stake = np.clip(2.0 * mean, 0.0, LARGEST_STAKE)
    return won / dispersion[..., None, :, :], np.log1p(at_stake * whole)


def log_e_values(arrays: Arrays) -> tuple[Floats, Floats]:
    """Ln of the e-values of both tests that the row's arm is better than the column's ``[..., K, K]``."""
    unused = np.log(unused_weight(arrays["paired_ticks"]))
    differences = np.logaddexp.reduce(arrays["paired_growth"], axis=-3) - np.log(float(_CHOICES))
    return (
        np.asarray(np.logaddexp(differences, unused)),
        np.asarray(np.logaddexp(arrays["paired_ticks_growth"], unused)),
    )


def variance(arrays: Arrays, *, bounded: bool) -> Floats:
    """Variance of one difference by all ticks so far ``[..., K, K]``; 0 where nothing is known."""
    trials = arrays["paired_trials"]
    count = np.maximum(trials, 1.0)
    spread = np.maximum(arrays["paired_squares"] - arrays["paired_difference"] ** 2 / count, 0.0)
    if bounded:  # of two arms that have never differed yet, the next request may be the first
        return np.where(trials > 0, (spread + 1.0) / (trials + 1.0), 0.0)
    return np.where(trials > 1, spread / np.maximum(trials - 1.0, 1.0), 0.0)


def as_contrasts(arrays: Arrays, baseline: int, *, bounded: bool) -> dict[str, Floats]:
    """The sums as :func:`.contrasts.interval` takes them: each arm against the baseline ``[..., K]``."""
    weight = arrays["paired_trials"][..., baseline] / 2.0
    return {
        "contrast": arrays["paired_difference"][..., baseline] / 2.0,
        "contrast_weight": weight,
        # z = D/2 varies by n/4 times the variance of one difference.
        "contrast_variance": weight * variance(arrays, bounded=bounded)[..., baseline] / 2.0,
    }
