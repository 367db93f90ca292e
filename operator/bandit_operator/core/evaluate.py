"""What the memory says now: shares, probabilities, intervals and verdicts.

As arrays with the memory's leading axes (:func:`assess`), and by the arms' names for one resource
(:func:`evaluate`), which is made of the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference import exposure, forecast, posterior, verdicts
from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.changes import Change, latest
from bandit_operator.core.inference.evidence import over_dispersion
from bandit_operator.core.inference.named_arrays import Flags, Floats
from bandit_operator.core.memory import Memory, validation_scores
from bandit_operator.core.shadow_report import ShadowReport, report
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


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The same by arm. None means that nothing is known."""

    shares: Mapping[str, float]
    """Share that the strategy wants for each arm that it may choose for; they sum to 1."""
    probability_best: Mapping[str, float | None]
    """P(best among the eligible arms); None for others, and for all before the first reward."""
    mean: Mapping[str, float | None]
    interval: Mapping[str, tuple[float, float] | None]
    """Central 95 % credible interval of the mean."""
    evidence: Mapping[str, float | None]
    """e-value that the baseline is better than the arm; None for the baseline."""
    threshold: float
    """e-value from which on an arm is rolled back."""
    rolled_back: frozenset[str]
    """Arms that are proven worse than the baseline."""
    promoted: str | None
    """The eligible arm found better than every other, if there is one."""
    no_material_difference: bool
    """Whether the best eligible arms are proven to lie within the indifference."""
    delay_profile_suspect: bool
    """Whether the rewards contradict the delay of labels that the user gave."""
    change: Change | None
    """What changed lately, if anything did: an arm, all arms together, or who is best."""
    scores_trust: float | None = None
    """Weight that validation scores have beside rewards, in [0, 1]; None where they are not used."""
    shadow: Mapping[str, ShadowReport] = field(default_factory=dict)
    """What the shadow has shown of each arm; none without a shadow."""
    shadow_contradicted: str | None = None
    """The arm whose served rewards and those in the shadow differ beyond chance, if one's do."""


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What an earlier decision found: it need not be found again while nothing that it stands on has changed.

    Between two windows of rewards most passes follow a change in the cluster that no number depends on.
    """

    experiment: Experiment
    memory: Memory
    against: RollbackEvidence
    eligible: tuple[str, ...]
    chosen: tuple[str, ...]
    evaluation: Evaluation

    def is_about(self, experiment: Experiment, memory: Memory) -> bool:
        """Whether it was found from these very values, which are never changed in place."""
        return self.experiment is experiment and self.memory is memory


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
        validation_scores=validation_scores(experiment),
        shadow=None if shadow is None else shadow.moments * ~shadow.lies[..., None, None],
        scored=scored,
        best=best,
    )


def _profile_suspect(memory: Memory) -> Flags:
    if memory.delay is None:
        return np.zeros(memory.labels.shape, dtype=bool)
    dispersion = over_dispersion(memory.evidence)[..., memory.index(memory.baseline), :]
    return exposure.profile_suspect(memory.arrivals, dispersion)


def evaluate(
    experiment: Experiment,
    memory: Memory,
    eligible: Collection[str],
    chosen: Collection[str] | None = None,
    against: RollbackEvidence | None = None,
) -> Evaluation:
    """Return what follows for the eligible arms, those that may get traffic now.

    Verdicts about arms outside ``eligible`` are still made from the evidence they have.

    Args:
        experiment: the settings.
        memory: what was learned, without leading axes.
        eligible: arms that may get traffic.
        chosen: those of them whose shares the strategy may choose; None means all.
        against: the evidence for rollbacks, where it is known already.

    Raises:
        ValueError: no arm is eligible.
    """
    names = memory.arms
    mask = np.array([name in eligible for name in names])
    if not mask.any():
        raise ValueError("no arm is eligible: keep the weights as they are")
    choice = mask if chosen is None else np.array([name in chosen for name in names])
    against = against or rollback_evidence(experiment, memory)
    asked = situation(experiment, memory, mask)
    best = experiment.strategy.probability_best(memory.state, asked)
    known = best if np.array_equal(choice, mask) else None
    assessment = assess(experiment, memory, mask, choice, against, known)
    mean, low, high = posterior.interval(experiment.strategy.counts(memory.state, asked), memory.reward_type)
    trust = experiment.strategy.trust(memory.state, asked)
    any_reward = bool((memory.trials > 0).any())
    e_values = np.exp(np.minimum(against.log_e_value, verdicts.LARGEST_LOG))
    winner = np.flatnonzero(assessment.promoted)
    return Evaluation(
        shares={name: float(assessment.shares[k]) for k, name in enumerate(names) if choice[k]},
        probability_best={
            name: float(best[k]) if mask[k] and any_reward else None for k, name in enumerate(names)
        },
        mean={name: None if np.isnan(mean[k]) else float(mean[k]) for k, name in enumerate(names)},
        interval={
            name: None if np.isnan(low[k]) else (float(low[k]), float(high[k]))
            for k, name in enumerate(names)
        },
        evidence={
            name: None if name == memory.baseline else float(e_values[k]) for k, name in enumerate(names)
        },
        threshold=verdicts.threshold(len(names), experiment.rollback.error_rate),
        rolled_back=frozenset(name for k, name in enumerate(names) if against.proven[k]),
        promoted=names[winner[0]] if winner.size else None,
        no_material_difference=bool(assessment.no_material_difference),
        delay_profile_suspect=bool(assessment.delay_profile_suspect),
        change=latest(memory.evidence, names, memory.reward_type, mask),
        scores_trust=None if trust is None else float(trust),
        shadow=report(experiment, memory),
        shadow_contradicted=_contradicted(memory),
    )


def _contradicted(memory: Memory) -> str | None:
    """The first arm that the shadow is contradicted by; for a memory without leading axes."""
    if memory.shadow is None:
        return None
    arms = np.flatnonzero(memory.shadow.contradicted)
    return memory.arms[arms[0]] if arms.size else None
