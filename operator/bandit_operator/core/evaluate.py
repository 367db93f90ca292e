"""What the memory says now: shares, probabilities, intervals and verdicts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference import exposure, posterior, sign_bets, verdicts
from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.changes import Change, latest
from bandit_operator.core.inference.named_arrays import Flags, Floats
from bandit_operator.core.memory import Memory, validation_scores
from bandit_operator.core.strategies import Situation

_LARGEST_LOG = 690.0
"""Evidence is reported as e^690 at most, the largest power of e below infinity in round numbers."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that a decision is made from, by arm. None means that nothing is known."""

    shares: Mapping[str, float]
    """Share that the strategy wants for each eligible arm; they sum to 1."""
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
    """Arms that both tests find worse than the baseline."""
    promoted: str | None
    """The eligible arm found better than every other, if there is one."""
    no_material_difference: bool
    """Whether the best eligible arms are proven to lie within the indifference."""
    delay_profile_suspect: bool
    """Whether the rewards contradict the delay of labels that the user gave."""
    change: Change | None
    """What changed lately, if anything did: an arm, all arms together, or who is best."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The same as arrays with the memory's leading axes."""

    shares: Floats
    """``[..., K]``."""
    log_evidence: Floats
    """ln of the e-value that the baseline is better ``[..., K]``."""
    rolled_back: Flags
    """``[..., K]``."""
    promoted: Flags
    """``[..., K]``, at most one per row."""
    no_material_difference: Flags
    """``[...]``."""
    delay_profile_suspect: Flags
    """``[...]``."""


def situation(experiment: Experiment, memory: Memory, eligible: Flags) -> Situation:
    """Return what the strategy computes shares from; ``eligible`` is ``[..., K]``."""
    return Situation(
        names=memory.arms,
        reward_type=memory.reward_type,
        baseline=memory.index(memory.baseline),
        totals=memory.totals,
        eligible=np.broadcast_to(eligible, memory.trials.shape),
        expected_labels=memory.labels,
        validation_scores=validation_scores(experiment),
    )


def assess(experiment: Experiment, memory: Memory, eligible: Flags) -> Assessment:
    """Shares and verdicts for a memory with any leading axes; ``eligible`` is ``[..., K]``."""
    here = situation(experiment, memory, eligible)
    proof, baseline = memory.evidence, here.baseline
    promotion = experiment.promotion
    return Assessment(
        shares=experiment.strategy.shares(memory.state, here),
        log_evidence=verdicts.rollback_evidence(proof, baseline),
        rolled_back=verdicts.rolled_back(proof, baseline, experiment.rollback.error_rate),
        promoted=verdicts.promoted(proof, here.eligible, promotion.error_rate),
        no_material_difference=verdicts.no_material_difference(
            proof,
            baseline,
            here.eligible,
            promotion.indifference * mo.unit(memory.totals, memory.reward_type),
            promotion.error_rate,
        ),
        delay_profile_suspect=_profile_suspect(memory),
    )


def _profile_suspect(memory: Memory) -> Flags:
    if memory.delay is None:
        return np.zeros(memory.labels.shape, dtype=bool)
    dispersion = sign_bets.over_dispersion(memory.evidence)[..., memory.index(memory.baseline), :]
    return exposure.profile_suspect(memory.arrivals, dispersion)


def evaluate(experiment: Experiment, memory: Memory, eligible: Collection[str]) -> Evaluation:
    """Return what follows for the eligible arms, those that may get traffic now.

    Verdicts about arms outside ``eligible`` are still made from the evidence they have.

    Raises:
        ValueError: no arm is eligible.
    """
    names = memory.arms
    mask = np.array([name in eligible for name in names])
    if not mask.any():
        raise ValueError("no arm is eligible: keep the weights as they are")
    found = assess(experiment, memory, mask)
    here = situation(experiment, memory, mask)
    counts = experiment.strategy.counts(memory.state, here)
    mean, low, high = posterior.interval(counts, memory.reward_type)
    best = experiment.strategy.probability_best(memory.state, here)
    any_reward = bool((memory.trials > 0).any())
    e_values = np.exp(np.minimum(found.log_evidence, _LARGEST_LOG))
    winner = np.flatnonzero(found.promoted)
    return Evaluation(
        shares={name: float(found.shares[k]) for k, name in enumerate(names) if mask[k]},
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
        rolled_back=frozenset(name for k, name in enumerate(names) if found.rolled_back[k]),
        promoted=names[winner[0]] if winner.size else None,
        no_material_difference=bool(found.no_material_difference),
        delay_profile_suspect=bool(found.delay_profile_suspect),
        change=latest(memory.evidence, names, memory.reward_type, mask),
    )
