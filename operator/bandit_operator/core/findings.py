"""What a decision has found besides its weights: what is proven now, and the figures of each arm."""

from __future__ import annotations

from collections.abc import Iterable

from bandit_operator.core.decision import ArmReport, Intention
from bandit_operator.core.evaluate import Evaluation
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.memory import Memory
from bandit_operator.core.outcomes import NoMaterialDifference, Outcome, Promoted, RewardsChanged


def findings(before: Intention, evaluation: Evaluation) -> Iterable[Outcome]:
    """What is proven now and was not, and the other way round."""
    if evaluation.promoted is not None and evaluation.promoted != before.announced:
        yield Promoted(evaluation.promoted)
    if evaluation.no_material_difference and not before.no_material_difference:
        yield NoMaterialDifference()
    change = evaluation.change
    if change is not None and (change.kind, change.arm) != before.change:
        yield RewardsChanged(change)


def reports(experiment: Experiment, memory: Memory, evaluation: Evaluation) -> dict[str, ArmReport]:
    """What the memory and its evaluation say of each arm, by its name."""
    return {
        arm: ArmReport(
            trials=float(memory.trials[memory.index(arm)]),
            rewards=float(memory.rewards[memory.index(arm)]),
            mean=evaluation.mean.get(arm),
            interval=evaluation.interval.get(arm),
            probability_best=evaluation.probability_best.get(arm),
            evidence=evaluation.evidence.get(arm),
            shadow=evaluation.shadow.get(arm),
        )
        for arm in experiment.names
    }
