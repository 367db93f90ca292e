"""When the evidence is enough: roll back, promote, or say that there is no difference.

With K − 1 candidates each test spends α/(K − 1), so all of a resource's verdicts together
are wrong with probability at most α, for as long as the arms stay what they are. An arm
whose evidence is reset, because other Pods serve it now, is a new arm with a new test.
"""

from __future__ import annotations

import numpy as np

from bandit_operator.core.inference import contrasts
from bandit_operator.core.inference import evidence as evidence_of
from bandit_operator.core.inference import shadow as evidence_of_shadow
from bandit_operator.core.inference.evidence import Evidence
from bandit_operator.core.inference.named_arrays import Flags, Floats, others
from bandit_operator.core.inference.shadow import ShadowEvidence
from bandit_operator.core.model import RewardType

LARGEST_LOG = 690.0
"""Evidence is reported as e^690 at most, the largest power of e below infinity in round numbers."""


def threshold(arms: int, error_rate: float) -> float:
    """Return the e-value at which a verdict is reached: (K − 1)/α for K arms."""
    return (arms - 1) / error_rate


def log_proof(evidence: Evidence, shadow: ShadowEvidence | None, reward_type: RewardType) -> Floats:
    """Ln of the e-value of verdicts, that the row's arm is better than the column's ``[..., K, K]``.

    With a shadow it is the mean of both e-values; the shadow's counts as 0 once it is contradicted.
    """
    served = evidence_of.log_proof(evidence)
    if shadow is None:
        return served
    return np.asarray(np.logaddexp(served, shadow_proof(shadow, reward_type)) - np.log(2.0))


def shadow_proof(shadow: ShadowEvidence, reward_type: RewardType) -> Floats:
    """Ln of the shadow's own e-value ``[..., K, K]``.

    −∞ once it is contradicted, and while served rewards of either arm speak against it.
    """
    doubtful = shadow.doubtful[..., :, None] | shadow.doubtful[..., None, :]
    unfit = doubtful | shadow.lies[..., None, None]
    return np.where(unfit, -np.inf, evidence_of_shadow.log_proof(shadow, reward_type))


def rollback_evidence(proof: Floats, baseline: int) -> Floats:
    """Ln of the e-value that the baseline is better ``[..., K]``, from :func:`log_proof`."""
    result = proof[..., baseline, :].copy()
    result[..., baseline] = -np.inf
    return result


def rolled_back(proof: Floats, baseline: int, error_rate: float) -> Flags:
    """Arms that are proven worse than the baseline ``[..., K]``."""
    limit = np.log(threshold(proof.shape[-1], error_rate))
    return np.asarray(rollback_evidence(proof, baseline) >= limit)


def promoted(proof: Floats, eligible: Flags, error_rate: float) -> Flags:
    """Return the arm that is proven better than every other eligible one ``[..., K]``."""
    arms = proof.shape[-1]
    proven = proof >= np.log(threshold(arms, error_rate))
    rivals = eligible[..., None, :] & others(arms)
    return np.asarray(eligible & (proven | ~rivals).all(-1) & (eligible.sum(-1, keepdims=True) > 1))


def no_worse(
    shadow: ShadowEvidence, baseline: int, margin: float, reward_type: RewardType, error_rate: float
) -> Flags:
    """Arms that the shadow shows to earn no less than the baseline, but for the margin ``[..., K]``.

    None once the shadow is contradicted. The lower end of the interval of the difference is above −margin.
    """
    arms = shadow.moments.shape[-1]
    _, low, _ = evidence_of_shadow.interval(shadow, baseline, reward_type, error_rate / (arms - 1))
    doubtful = shadow.doubtful | shadow.doubtful[..., baseline, None]
    return np.asarray((low > -margin) & ~shadow.lies[..., None] & ~doubtful)


def no_material_difference(
    evidence: Evidence,
    shadow: ShadowEvidence | None,
    proof: Floats,
    baseline: int,
    eligible: Flags,
    indifference: Floats,
    reward_type: RewardType,
    error_rate: float,
) -> Flags:
    """Whether the best eligible arms are proven to lie within ``indifference`` of each other ``[...]``.

    The leader is the arm with the largest estimated mean; every other one must be found worse
    than it or within the indifference of it, and at least one must be the latter. Never true
    at an indifference of 0. ``indifference`` is ``[...]``, in units of the linearised means.
    """
    arms = proof.shape[-1]
    rate = error_rate / (arms - 1) / (1.0 if shadow is None else 2.0)
    center, low, high = contrasts.interval(
        evidence.contrasts, evidence_of.over_dispersion(evidence)[..., baseline, :], rate
    )
    if shadow is not None:
        scored = evidence_of_shadow.interval(shadow, baseline, reward_type, rate)
        center = np.where(np.isfinite(scored[1]), scored[0], center)
        low, high = np.maximum(low, scored[1]), np.minimum(high, scored[2])
    for ends in (center, low, high):
        ends[..., baseline] = 0.0
    leader = np.where(eligible, center, -np.inf).argmax(-1)[..., None]

    def at(values: Floats) -> Floats:
        return np.take_along_axis(values, leader, axis=-1)

    within = indifference[..., None]
    near = (at(high) - low <= within) & (high - at(low) <= within)
    better = np.take_along_axis(proof, leader[..., None], axis=-2)[..., 0, :]
    worse = better >= np.log(threshold(arms, error_rate))
    itself = np.arange(arms) == leader
    rivals = eligible & ~itself
    return np.asarray((near | worse | ~rivals).all(-1) & (near & rivals).any(-1))
