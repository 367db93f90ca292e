"""What a memory says of the arms, asked for by itself."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from bandit_operator.core.assess import rollback_evidence
from bandit_operator.core.evaluate import Evaluate, Evaluation
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.memory import Memory


def evaluate(experiment: Experiment, memory: Memory, eligible: Collection[str]) -> Evaluation:
    """What follows for the ``eligible`` arms, at least one; others have verdicts by what they have."""
    mask = np.array([name in eligible for name in memory.arms])
    against = rollback_evidence(experiment, memory)
    return Evaluate.together([Evaluate(experiment, memory, mask, mask, against)])[0]


def proven_worse(found: Evaluation) -> set[str]:
    """The arms whose e-value against them has come to the threshold."""
    return {arm for arm, e in found.evidence.items() if e is not None and e >= found.threshold}
