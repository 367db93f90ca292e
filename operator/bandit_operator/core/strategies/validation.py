"""Shared by the strategies that follow offline validation scores."""

from __future__ import annotations

import numpy as np

from bandit_operator.core.inference.named_arrays import Flags, Floats
from bandit_operator.core.inference.posterior import top_by_mean


def best_validated(scores: Floats, eligible: Flags, baseline: int) -> Floats:
    """All traffic to the eligible arm with the highest score ``[..., K]``.

    Arms without a score (NaN) are passed over; equal scores go to the arm that is listed
    first. Without any score the baseline gets everything, or failing it the first eligible arm.
    """
    known = eligible & ~np.isnan(scores)
    first_choice = np.zeros(eligible.shape, dtype=bool)
    first_choice[..., baseline] = True
    fallback = np.where((eligible & first_choice).any(-1, keepdims=True), first_choice, eligible)
    best = top_by_mean(np.nan_to_num(np.broadcast_to(scores, eligible.shape)), known)
    candidates = np.where(known.any(-1, keepdims=True), best, fallback & eligible)
    chosen = candidates & (np.cumsum(candidates, axis=-1) == 1)
    return np.asarray(chosen, dtype=np.float64)
