"""What the arms earned in one window, as arrays of sums.

A *moments* array has the shape ``[..., M, K]``: M sums for each of K arms. Bernoulli and
bounded rewards need two of them, Gaussian rewards a third, ratios all six. All are sums, so
windows add up, and discounting is a multiplication.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.core.model import ArmReading, NoData, Observed, RewardType

TRIALS, REWARDS, SQUARES, DENOMINATORS, DENOMINATOR_SQUARES, CROSS_PRODUCTS = range(6)
"""Rows: n, Σy, Σy², Σx, Σx², Σxy, where y is a reward and x the denominator of a ratio."""

_ROWS = {RewardType.BERNOULLI: 2, RewardType.BOUNDED: 2, RewardType.GAUSSIAN: 3, RewardType.RATIO: 6}


def rows(reward_type: RewardType) -> int:
    """How many sums a reward type needs."""
    return _ROWS[reward_type]


def is_normal(reward_type: RewardType) -> bool:
    """Whether means are compared by the normal formulas; the others use Bernoulli ones."""
    return not reward_type.bounded


def from_readings(
    readings: Mapping[str, ArmReading], names: Sequence[str], reward_type: RewardType
) -> Floats:
    """Moments ``[M, K]`` of one window.

    An arm without data, or whose numbers are incomplete, negative or not finite, contributes
    zero trials: nothing is known of it, so it can speak neither for nor against itself.
    """
    return np.stack([_column(readings.get(name, NoData()), reward_type) for name in names], axis=-1)


def _column(reading: ArmReading, reward_type: RewardType) -> Floats:
    size = rows(reward_type)
    nothing = np.zeros(size)
    if not isinstance(reading, Observed):
        return nothing
    sums = (
        reading.trials,
        reading.rewards,
        reading.squares,
        reading.denominators,
        reading.denominator_squares,
        reading.cross_products,
    )
    values = [math.nan if value is None else float(value) for value in sums[:size]]
    positive = [values[TRIALS]] if is_normal(reward_type) else values
    if not all(map(math.isfinite, values)) or min(positive) < 0:
        return nothing
    return np.array(values)


def ratio_anchor(moments: Floats, baseline: int) -> Floats:
    """Return the baseline's ratio Σy/Σx ``[..., 1]``, at which ratios are linearised; 0 while it has none."""
    here = slice(baseline, baseline + 1)
    if moments.shape[-2] <= DENOMINATORS:
        return np.zeros(moments[..., REWARDS, here].shape)
    numerator, denominator = moments[..., REWARDS, here], moments[..., DENOMINATORS, here]
    known = denominator != 0
    return np.where(known, numerator / np.where(known, denominator, 1.0), 0.0)


def linearise(moments: Floats, reward_type: RewardType, anchor: Floats) -> Floats:
    """Moments whose mean is compared between arms: a ratio becomes l = y − κx, others stay.

    At κ = the baseline's ratio an arm's mean of l is positive exactly when its ratio is above
    the baseline's (Deng, Knoblich & Lu, "Applying the Delta Method in Metric Analytics", 2018).

    Args:
        moments: ``[..., M, K]``.
        reward_type: what one reward is.
        anchor: κ ``[..., 1]`` or ``[..., K]``; ignored unless the rewards are ratios.
    """
    if reward_type is not RewardType.RATIO:
        return moments
    kappa = anchor
    total = moments[..., REWARDS, :] - kappa * moments[..., DENOMINATORS, :]
    squares = (
        moments[..., SQUARES, :]
        - 2 * kappa * moments[..., CROSS_PRODUCTS, :]
        + kappa**2 * moments[..., DENOMINATOR_SQUARES, :]
    )
    return np.stack([moments[..., TRIALS, :], total, np.maximum(squares, 0.0)], axis=-2)


def unit(moments: Floats, reward_type: RewardType) -> Floats:
    """Return by how much a linearised mean differs for each unit by which the means differ ``[...]``.

    It is the mean denominator of all trials for ratios, because E[y − κx] = (ratio − κ)·E[x], and
    1 for all others and while no ratio is known.
    """
    if reward_type is not RewardType.RATIO:
        return np.ones(moments.shape[:-2])
    trials, denominators = moments[..., TRIALS, :].sum(-1), moments[..., DENOMINATORS, :].sum(-1)
    known = (trials > 0) & (denominators > 0)
    return np.where(known, denominators / np.where(known, trials, 1.0), 1.0)


def pooled_variance(moments: Floats) -> Floats:
    """Variance of one reward about its own arm's mean ``[...]``, from linearised moments with squares.

    0 while no arm has two trials.
    """
    trials, rewards, squares = (moments[..., row, :] for row in (TRIALS, REWARDS, SQUARES))
    seen = np.maximum(trials, 1.0)
    within = np.maximum(squares - rewards**2 / seen, 0.0).sum(-1)
    freedom = np.maximum(trials - 1.0, 0.0).sum(-1)
    return np.where(freedom > 0, within / np.maximum(freedom, 1.0), 0.0)


def means(moments: Floats) -> Floats:
    """Mean reward ``[..., K]``; NaN where an arm has no trials."""
    trials = moments[..., TRIALS, :]
    return np.where(trials > 0, moments[..., REWARDS, :] / np.where(trials > 0, trials, 1.0), np.nan)
