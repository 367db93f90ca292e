"""What a memory says now, as arrays with its leading axes: verdicts, shares, forecasts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference import exposure, forecast, verdicts
from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.evidence import over_dispersion
from bandit_operator.core.inference.named_arrays import Flags, Floats
from bandit_operator.core.memory import Memory, validation
from bandit_operator.core.strategies import Situation
from bandit_operator.core.weights import Outlook


@dataclass(frozen=True, slots=True, eq=False)
class RollbackEvidence:
    """How the evidence against each arm stands to the bar, with the memory's leading axes."""

    log_e_value: Floats
    """ln of the e-value that the baseline is better ``[..., K]``; −∞ for the baseline."""
    proven: Flags
    """Whether the arm is proven worse than the baseline ``[..., K]``."""
    by_shadow: Flags
    """Whether the shadow's evidence is the larger part of it ``[..., K]``."""
    proof: Floats
    """ln of the e-value that the row's arm is better than the column's ``[..., K, K]``."""


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """What follows for the arms that may get traffic, with the memory's leading axes."""

    shares: Floats
    """What the strategy wants for the arms whose shares it may choose ``[..., K]``."""
    promoted: Flags
    """The arm found better than every other eligible one ``[..., K]``, at most one a row."""
    no_material_difference: Flags
    """Whether the best eligible arms are proven to lie within the indifference ``[...]``."""
    delay_profile_suspect: Flags
    """Whether the rewards contradict the delay of labels that the user gave ``[...]``."""


def rollback_evidence(experiment: Experiment, memory: Memory) -> RollbackEvidence:
    """How far the evidence has come; an arm without traffic now is judged by what it has.

    Nothing is proven while the rewards contradict the delay of labels that the user gave.
    """
    baseline = memory.index(memory.baseline)
    proof = verdicts.log_proof(memory.evidence, memory.shadow, memory.reward_type)
    proven = verdicts.rolled_back(proof, baseline, experiment.rollback.error_rate)
    suspect = _profile_suspect(memory)[..., None]
    by_shadow = np.zeros(proven.shape, dtype=bool)
    if memory.shadow is not None:
        # A wrong delay misleads served evidence alone: in the shadow one label is worth the same to all.
        scored = verdicts.shadow_proof(memory.shadow, memory.reward_type) - np.log(2.0)
        by_shadow = scored[..., baseline, :] >= proof[..., baseline, :] - np.log(2.0)
        limit = np.log(verdicts.threshold(len(memory.arms), experiment.rollback.error_rate))
        suspect = suspect & (scored[..., baseline, :] < limit)
    against = verdicts.rollback_evidence(proof, baseline)
    return RollbackEvidence(against, proven & ~suspect, by_shadow, proof)


def no_worse(experiment: Experiment, memory: Memory) -> Flags:
    """Arms that the shadow shows to earn no less than the baseline, but for the margin ``[..., K]``."""
    if memory.shadow is None or experiment.shadow is None:
        return np.zeros(memory.trials.shape, dtype=bool)
    return verdicts.no_worse(
        memory.shadow,
        memory.index(memory.baseline),
        experiment.shadow.margin,
        memory.reward_type,
        experiment.rollback.error_rate,
    )


def surprise(memory: Memory) -> Floats:
    """Standard deviations by which each arm's newest tick lay above its forecast ``[..., K]``.

    They allow for the over-dispersion of the arm beside the baseline; 0 where nothing was forecast.
    """
    dispersion = over_dispersion(memory.evidence)[..., memory.index(memory.baseline), :]
    return np.asarray(memory.evidence.forecast["surprise"] / np.sqrt(dispersion))


def outlook(memory: Memory) -> Outlook:
    """What the next tick may bring, by the forecasts of the arms."""
    expected = forecast.forecast(memory.evidence.forecast, memory.reward_type)
    trials = memory.evidence.forecast["recent_trials"][..., forecast.Span.FIVE_TICKS, :]
    share = trials / np.maximum(trials.sum(-1, keepdims=True), 1e-12)
    variance = (np.where(expected.known, expected.variance, 0.0) * share).sum(-1)
    return Outlook(
        earns=memory.labels[..., None] * np.where(expected.known, expected.mean, 0.0),
        deviation=np.sqrt(memory.labels * variance),
    )


def assess(
    experiment: Experiment,
    memory: Memory,
    eligible: Flags,
    chosen: Flags | None = None,
    against: RollbackEvidence | None = None,
    best: Floats | None = None,
) -> Assessment:
    """Shares and verdicts for a memory with any leading axes.

    Args:
        experiment: the settings.
        memory: what was learned.
        eligible: arms that may get traffic ``[..., K]``; a winner must beat these.
        chosen: those of them whose shares the strategy may choose ``[..., K]``; None means all.
        against: the evidence for rollbacks, where it is known already.
        best: P(best) among the chosen arms ``[..., K]``, where it is known already.
    """
    evidence, promotion = memory.evidence, experiment.promotion
    proof = (against or rollback_evidence(experiment, memory)).proof
    eligible = np.broadcast_to(eligible, memory.trials.shape)
    asked = situation(experiment, memory, eligible if chosen is None else chosen, best)
    suspect = _profile_suspect(memory)
    promoted = verdicts.promoted(proof, eligible, promotion.error_rate)
    return Assessment(
        shares=experiment.strategy.shares(memory.state, asked),
        promoted=promoted & ~suspect[..., None],
        no_material_difference=verdicts.no_material_difference(
            evidence,
            memory.shadow,
            proof,
            asked.baseline,
            eligible,
            promotion.indifference * mo.unit(memory.totals, memory.reward_type),
            memory.reward_type,
            promotion.error_rate,
        ),
        delay_profile_suspect=suspect,
    )


def situation(
    experiment: Experiment, memory: Memory, eligible: Flags, best: Floats | None = None
) -> Situation:
    """Return what the strategy computes shares from; ``eligible`` is ``[..., K]``, as P(best) is if known."""
    shadow, scored = memory.shadow, None
    if shadow is not None:
        scored = shadow.scored & ~shadow.lies[..., None]
    return Situation(
        names=memory.arms,
        reward_type=memory.reward_type,
        baseline=memory.index(memory.baseline),
        totals=memory.totals,
        eligible=np.broadcast_to(eligible, memory.trials.shape),
        expected_labels=memory.labels,
        validation=validation(experiment),
        shadow=None if shadow is None else shadow.moments * ~shadow.lies[..., None, None],
        scored=scored,
        best=best,
    )


def _profile_suspect(memory: Memory) -> Flags:
    if memory.delay is None:
        return np.zeros(memory.labels.shape, dtype=bool)
    dispersion = over_dispersion(memory.evidence)[..., memory.index(memory.baseline), :]
    return exposure.profile_suspect(memory.arrivals, dispersion)
