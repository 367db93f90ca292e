"""What each answer earns, by the reward functions that the collector applies."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from bandit_operator.core.model import RewardType
from bandit_serving.rewards import make_reward
from bandit_study.data.table import Floats, Task

EVEN = (0.35, 0.65)
"""Shares of positives between which accuracy is the reward."""
RARE = 0.05
"""Share of positives below which positives are rare."""
BOUND_QUANTILE = 0.9
HALF = 0.5


@dataclasses.dataclass(frozen=True)
class Reward:
    """How a set rewards answers."""

    name: str
    """Name of the reward function."""
    settings: dict[str, Any]
    """Its settings."""
    threshold: float
    """Score from which on class 1 is predicted; NaN for a regression."""

    @property
    def type(self) -> RewardType:
        """The reward type of the operator's resource."""
        return RewardType(str(make_reward(self.name, self.settings).type))

    def of(self, scores: Floats, target: Floats) -> Floats:
        """Return the reward of each answer, between 0 and 1.

        Args:
            scores: Shape (n,); probability of class 1, or the predicted number.
            target: Shape (n,); what turned out to be true.
        """
        function = make_reward(self.name, self.settings)
        if self.name == "regression-error":
            answers = zip(scores.tolist(), target.tolist(), strict=True)
            return np.array([function.reward({"predict": score}, label) for score, label in answers])
        # A reward depends on the label and on which thresholds the score has reached, and on nothing else.
        steps = np.array(sorted({self.threshold, *self.settings.get("thresholds", _default_steps(function))}))
        level = np.searchsorted(steps, scores, side="right")
        at = np.concatenate([[min(0.0, steps[0]) - 1.0], steps])
        table = np.array(
            [
                [function.reward(self._outputs(score), str(label)) for score in at.tolist()]
                for label in (0, 1)
            ],
            dtype=float,
        )
        return np.asarray(table[target.astype(int), level])

    def _outputs(self, score: float) -> dict[str, Any]:
        return {"predict": str(int(score >= self.threshold)), "predict_proba": [1.0 - score, score]}


def _default_steps(function: Any) -> list[float]:
    return list(getattr(function, "thresholds", []))


def choose(task: Task, target: Floats) -> Reward:
    """Return the reward of a set by the targets of its training part, as the procedure says."""
    if task is Task.REGRESSION:
        distance = np.abs(target - np.median(target))
        bound = float(np.quantile(distance, BOUND_QUANTILE)) or 1.0
        return Reward("regression-error", {"bound": bound}, float("nan"))
    positives = float(np.clip(target.mean(), 1e-4, 1 - 1e-4))
    if EVEN[0] <= positives <= EVEN[1]:
        return Reward("accuracy", {}, HALF)
    if positives < RARE:
        return Reward("rare-positives", {"positive": "1", "column": 1}, positives)
    return Reward("balanced-accuracy", {"priors": {"0": 1.0 - positives, "1": positives}}, positives)
