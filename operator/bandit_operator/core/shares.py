"""Parts of the traffic that sum to 1, as what wants them and what bounds them both need."""

from __future__ import annotations

import numpy as np

from bandit_operator.core.inference.named_arrays import Flags, Floats


def equal_shares(eligible: Flags) -> Floats:
    """Return the same share for every eligible arm ``[..., K]``."""
    return np.asarray(eligible / np.maximum(eligible.sum(-1, keepdims=True), 1))


def normalised(shares: Floats, eligible: Flags) -> Floats:
    """Shares ``[..., K]`` of the eligible arms, scaled to sum to 1; equal where none of them has any."""
    inside = np.where(eligible, np.maximum(shares, 0.0), 0.0)
    total = inside.sum(-1, keepdims=True)
    some = total > 0
    if some.all():
        return np.asarray(inside / total)
    return np.where(some, inside / np.where(some, total, 1.0), equal_shares(eligible))
