"""Validation-best: the model with the best validation score now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bandit_operator.core.inference.named_arrays import Arrays, Floats
from bandit_operator.core.strategies.base import Situation, Stateless
from bandit_operator.core.strategies.validation import best_validated


@dataclass(frozen=True, slots=True)
class ValidationBest(Stateless):
    """Send everything to the arm with the best validation score, chosen again whenever scores change.

    For teams that validate often, on fresh labelled data, and trust those figures more than
    production rewards. Unlike Naive it follows every change of ``validationScore``. Cost: O(K).
    """

    type: ClassVar[str] = "ValidationBest"
    learns: ClassVar[bool] = False
    compares_validation_scores: ClassVar[bool] = True

    def shares(self, state: Arrays, situation: Situation) -> Floats:  # noqa: ARG002 - part of the protocol
        """Everything to the best score."""
        return best_validated(situation.validation.scores, situation.eligible, situation.baseline)
