"""Turns an index rule that pulls one arm at a time into shares for a whole tick.

With B labels expected in the next tick, pulling one arm at a time would raise the lowest
counts until all pulled arms share one index λ. So look for the λ at which the trials still
needed to bring every arm's index down to λ add up to B, and split the traffic in their
proportion.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.named_arrays import Flags, Floats
from bandit_operator.core.shares import normalised
from bandit_operator.core.strategies.base import Situation
from bandit_operator.core.strategies.counting import counted

_HALVINGS = 60


def tick_counts(situation: Situation) -> tuple[Floats, Floats, Floats, Floats]:
    """Trials and means ``[..., K]``, labels so far and labels expected next ``[..., 1]``.

    An arm without trials counts as good as the best one, so that it is tried.
    """
    linear = counted(situation)
    trials = np.where(situation.eligible, linear[..., mo.TRIALS, :], 0.0)
    labels = trials.sum(-1, keepdims=True)
    mean = mo.means(linear)
    best = np.where(situation.eligible & (trials > 0), np.nan_to_num(mean), -np.inf).max(-1, keepdims=True)
    mean = np.where(trials > 0, mean, np.where(np.isfinite(best), best, 0.0))
    expected = situation.expected_labels[..., None]
    budget = np.where(expected > 0, expected, 1.0)
    return trials, mean, labels, budget


def water_fill(
    need: Callable[[Floats], Floats],
    trials: Floats,
    budget: Floats,
    low: Floats,
    high: Floats,
    eligible: Flags,
) -> Floats:
    """Shares ``[..., K]`` in proportion to max(0, need(λ) − trials), with λ so that they sum to ``budget``.

    Args:
        need: trials ``[..., K]`` at which each arm's index falls to λ ``[..., 1]``; falls with λ.
        trials: trials so far ``[..., K]``.
        budget: labels expected in the next tick ``[..., 1]``, > 0.
        low: λ at which the needs exceed the budget ``[..., 1]``.
        high: λ at which they do not ``[..., 1]``.
        eligible: arms that may get traffic ``[..., K]``.

    Returns:
        Shares that sum to 1; equal over the eligible arms where no arm needs anything.
    """
    for _ in range(_HALVINGS):
        level = (low + high) / 2
        missing = np.where(eligible, np.maximum(need(level) - trials, 0.0), 0.0)
        above = missing.sum(-1, keepdims=True) > budget
        low, high = np.where(above, level, low), np.where(above, high, level)
    return normalised(need(low) - trials, eligible)


def bernoulli_divergence(p: Floats, q: Floats) -> Floats:
    """Kullback–Leibler divergence between Bernoulli(p) and Bernoulli(q), q strictly inside (0, 1)."""
    p, q = np.clip(p, 1e-12, 1 - 1e-12), np.clip(q, 1e-12, 1 - 1e-12)
    return np.asarray(np.maximum(p * np.log(p / q) + (1 - p) * (np.log1p(-p) - np.log1p(-q)), 0.0))
