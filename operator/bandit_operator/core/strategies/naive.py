"""Naive: the model that validated best when it was deployed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bandit_operator.core.inference.named_arrays import Arrays, Field, Fields, Floats
from bandit_operator.core.model import RewardType
from bandit_operator.core.strategies.base import Situation, Stateless, Tick
from bandit_operator.core.strategies.validation import best_validated


@dataclass(frozen=True, slots=True)
class Naive(Stateless):
    """Send everything to the model that validated best when it was deployed.

    A model's score is taken when it is first seen and stays, whatever is written later; a new
    Pod template is a new deployment. What most teams do without bandits, and the yardstick
    that the others are held against; it never learns from production. Cost: O(K).
    """

    type: ClassVar[str] = "Naive"
    learns: ClassVar[bool] = False
    compares_validation_scores: ClassVar[bool] = True

    @classmethod
    def fields(cls, reward_type: RewardType) -> Fields:  # noqa: ARG003 - part of the protocol
        """Each arm's first score, and whether there is one."""
        return {"score": Field(), "scored": Field()}

    def update(self, state: Arrays, tick: Tick) -> dict[str, Floats]:
        """Take the scores of arms that have none yet."""
        scores = self._scores(state, tick.validation.scores)
        return {"score": np.nan_to_num(scores), "scored": (~np.isnan(scores)).astype(np.float64)}

    def shares(self, state: Arrays, situation: Situation) -> Floats:
        """Everything to the best first score."""
        scores = self._scores(state, situation.validation.scores)
        return best_validated(scores, situation.eligible, situation.baseline)

    @staticmethod
    def _scores(state: Arrays, now: Floats) -> Floats:
        return np.where(state["scored"] > 0, state["score"], now)
