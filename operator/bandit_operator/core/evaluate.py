"""What the memory says now of one resource's arms, by their names."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from bandit_operator.core.assess import (
    Assessment,
    RollbackEvidence,
    assess,
    outlook,
    rollback_evidence,
    situation,
    surprise,
)
from bandit_operator.core.batch import Work, rows_of, stacked
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference import posterior, verdicts
from bandit_operator.core.inference.changes import Change, Shift, latest, recent_shifts
from bandit_operator.core.inference.named_arrays import Flags, Floats
from bandit_operator.core.memory import Memory, rows
from bandit_operator.core.shadow_report import ShadowReport, report
from bandit_operator.core.weights import Outlook


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
class Basis:
    """What of the memory a decision starts from, whichever arms can serve."""

    against: RollbackEvidence
    surprise: Floats
    """Standard deviations by which each arm's newest tick lay above its forecast ``[K]``."""
    outlook: Outlook


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What an earlier decision found: it need not be found again while nothing that it stands on has changed.

    Between two windows of rewards most passes follow a change in the cluster that no number depends on.
    """

    experiment: Experiment
    memory: Memory
    basis: Basis
    eligible: Flags
    chosen: Flags
    evaluation: Evaluation

    def is_about(self, experiment: Experiment, memory: Memory) -> bool:
        """Whether it was found from these very values, which are never changed in place."""
        return self.experiment is experiment and self.memory is memory


@dataclass(frozen=True, slots=True, eq=False)
class FindBasis(Work[Basis]):
    """A memory, without leading axes, that is asked for its verdicts and forecasts."""

    experiment: Experiment
    memory: Memory

    def alike(self) -> Hashable:
        """The resources, and when evidence is enough."""
        return rows.alike(self.experiment, self.memory), self.experiment.rollback.error_rate

    @classmethod
    def together(cls, works: Sequence[Self]) -> list[Basis]:
        """What each memory says."""
        memory = rows.stacked([one.memory for one in works])
        against = rollback_evidence(works[0].experiment, memory)
        return rows_of(Basis(against, surprise(memory), outlook(memory)), len(works))


@dataclass(frozen=True, slots=True, eq=False)
class Evaluate(Work[Evaluation]):
    """A memory, without leading axes, that is asked what follows for the arms."""

    experiment: Experiment
    memory: Memory
    eligible: Flags
    """Arms that may get traffic ``[K]``, at least one."""
    chosen: Flags
    """Those of them whose shares the strategy may choose ``[K]``."""
    against: RollbackEvidence

    def alike(self) -> Hashable:
        """The resources, when they are decided, and whether all eligible arms are chosen for."""
        promotion = self.experiment.promotion
        chooses_all = np.array_equal(self.eligible, self.chosen)
        about = rows.alike(self.experiment, self.memory)
        return about, promotion.error_rate, promotion.indifference, chooses_all

    @classmethod
    def together(cls, works: Sequence[Self]) -> list[Evaluation]:
        """What follows for each resource."""
        first, number = works[0], len(works)
        experiment, strategy = first.experiment, first.experiment.strategy
        memory = rows.stacked([one.memory for one in works])
        eligible = stacked([one.eligible for one in works])
        chosen = stacked([one.chosen for one in works])
        asked = situation(experiment, memory, eligible)
        best = strategy.probability_best(memory.state, asked)
        assessment = assess(
            experiment,
            memory,
            eligible,
            chosen,
            stacked([one.against for one in works]),
            best if np.array_equal(eligible, chosen) else None,
        )
        found = _Found(
            assessment,
            best,
            *posterior.interval(strategy.counts(memory.state, asked), memory.reward_type),
            trust=strategy.trust(memory.state, asked),
            shifts=recent_shifts(memory.evidence, memory.reward_type, eligible),
        )
        return [_by_name(one, row) for one, row in zip(works, rows_of(found, number), strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What was found as arrays, with or without an axis for the resources."""

    assessment: Assessment
    best: Floats
    mean: Floats
    low: Floats
    high: Floats
    trust: Floats | None
    shifts: list[Shift]


def _by_name(asked: Evaluate, found: _Found) -> Evaluation:
    names, memory, assessment = asked.memory.arms, asked.memory, found.assessment
    any_reward = bool((memory.trials > 0).any())
    shares, best = assessment.shares.tolist(), found.best.tolist()
    means = _or_none(found.mean)
    intervals = zip(_or_none(found.low), _or_none(found.high), strict=True)
    e_values = np.exp(np.minimum(asked.against.log_e_value, verdicts.LARGEST_LOG)).tolist()
    winner = np.flatnonzero(assessment.promoted)
    return Evaluation(
        shares={name: shares[k] for k, name in enumerate(names) if asked.chosen[k]},
        probability_best={
            name: best[k] if asked.eligible[k] and any_reward else None for k, name in enumerate(names)
        },
        mean=dict(zip(names, means, strict=True)),
        interval={
            name: None if low is None or high is None else (low, high)
            for name, (low, high) in zip(names, intervals, strict=True)
        },
        evidence={name: None if name == memory.baseline else e_values[k] for k, name in enumerate(names)},
        threshold=verdicts.threshold(len(names), asked.experiment.rollback.error_rate),
        promoted=names[winner[0]] if winner.size else None,
        no_material_difference=bool(assessment.no_material_difference),
        delay_profile_suspect=bool(assessment.delay_profile_suspect),
        change=latest(found.shifts, names, asked.eligible),
        scores_trust=None if found.trust is None else float(found.trust),
        shadow=report(asked.experiment, memory),
        shadow_contradicted=_contradicted(memory),
    )


def _or_none(values: Floats) -> list[float | None]:
    """Numbers ``[K]``, and None for those that are not known."""
    return [None if value != value else value for value in values.tolist()]


def _contradicted(memory: Memory) -> str | None:
    """The first arm that the shadow is contradicted by; for a memory without leading axes."""
    if memory.shadow is None:
        return None
    arms = np.flatnonzero(memory.shadow.contradicted)
    return memory.arms[arms[0]] if arms.size else None
