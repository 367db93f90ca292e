"""When the evidence is enough: roll back, promote, or say that there is no difference.

With K − 1 candidates each test spends α/(K − 1), so all of a resource's verdicts together
are wrong with probability at most α, for as long as the arms stay what they are. An arm
whose evidence is reset, because other Pods serve it now, is a new arm with a new test.
"""

from __future__ import annotations

import numpy as np

from bandit_operator.core.inference import contrasts
from bandit_operator.core.inference.evidence import Evidence, log_proof, over_dispersion
from bandit_operator.core.inference.named_arrays import Flags, Floats

LARGEST_LOG = 690.0
"""Evidence is reported as e^690 at most, the largest power of e below infinity in round numbers."""


def threshold(arms: int, error_rate: float) -> float:
    """Return the e-value at which a verdict is reached: (K − 1)/α for K arms."""
    return (arms - 1) / error_rate


def rollback_evidence(evidence: Evidence, baseline: int) -> Floats:
    """Ln of the e-value that the baseline is better ``[..., K]``."""
    result = log_proof(evidence)[..., baseline, :].copy()
    result[..., baseline] = -np.inf
    return result


def rolled_back(evidence: Evidence, baseline: int, error_rate: float) -> Flags:
    """Arms that are proven worse than the baseline ``[..., K]``."""
    limit = np.log(threshold(evidence.likelihood["growth"].shape[-1], error_rate))
    return np.asarray(rollback_evidence(evidence, baseline) >= limit)


def promoted(evidence: Evidence, eligible: Flags, error_rate: float) -> Flags:
    """Return the arm that is proven better than every other eligible one ``[..., K]``."""
    arms = evidence.likelihood["growth"].shape[-1]
    proven = log_proof(evidence) >= np.log(threshold(arms, error_rate))
    rivals = eligible[..., None, :] & ~np.eye(arms, dtype=bool)
    return np.asarray(eligible & (proven | ~rivals).all(-1) & (eligible.sum(-1, keepdims=True) > 1))


def no_material_difference(
    evidence: Evidence, baseline: int, eligible: Flags, indifference: Floats, error_rate: float
) -> Flags:
    """Whether the best eligible arms are proven to lie within ``indifference`` of each other ``[...]``.

    The leader is the arm with the largest estimated mean; every other one must be found worse
    than it or within the indifference of it, and at least one must be the latter. Never true
    at an indifference of 0. ``indifference`` is ``[...]``, in units of the linearised means.
    """
    arms = evidence.likelihood["growth"].shape[-1]
    rate = error_rate / (arms - 1)
    center, low, high = contrasts.interval(
        evidence.contrasts, over_dispersion(evidence)[..., baseline, :], rate
    )
    for ends in (center, low, high):
        ends[..., baseline] = 0.0
    leader = np.where(eligible, center, -np.inf).argmax(-1)[..., None]

    def at(values: Floats) -> Floats:
        return np.take_along_axis(values, leader, axis=-1)

    within = indifference[..., None]
    near = (at(high) - low <= within) & (high - at(low) <= within)
    better = np.take_along_axis(log_proof(evidence), leader[..., None], axis=-2)[..., 0, :]
    worse = better >= np.log(threshold(arms, error_rate))
    itself = np.arange(arms) == leader
    rivals = eligible & ~itself
    return np.asarray((near | worse | ~rivals).all(-1) & (near & rivals).any(-1))
