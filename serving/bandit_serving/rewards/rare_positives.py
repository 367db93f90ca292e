"""Rare positives: what catching them is worth against false alarms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import pydantic

from bandit_serving.rewards.base import RewardFunction, never_equal, number, same_class

Threshold = Annotated[float, pydantic.Field(gt=0, lt=1)]


class RarePositives(RewardFunction):
    """r = (W + mean_t (1[s ≥ t, y = 1] − w_t·1[s ≥ t, y = 0])) / (1 + W), w_t = t / (1 − t), W = mean w_t.

    Reward type Bounded. s is the score of the positive class, y whether the label is it. The mean over the
    thresholds t is that of the net benefit (Vickers & Elkin 2006, Medical Decision Making 26:565): whoever
    acts at a probability of t holds one caught positive worth as much as 1/w_t false alarms. Unlike accuracy
    it takes little notice of the many easy negatives, so its mean ranks models much as the area under the
    precision-recall curve does: over 72 models of scikit-learn's digits (is it an 8? 10% are) Kendall's τ is
    0.80, against 0.61 for accuracy and 0.52 for balanced accuracy at 0.5. It needs calibrated probabilities.
    """

    positive: str = "1"
    """Name of the positive class."""
    column: pydantic.NonNegativeInt = 1
    """Index of its probability in the output ``predict_proba``."""
    thresholds: list[Threshold] = pydantic.Field(default=[0.05, 0.1, 0.2, 0.3, 0.5], min_length=1)
    """Probabilities at which one might act, each between 0 and 1."""

    def check_outputs(self, outputs: Mapping[str, Any]) -> None:
        """Require the probability of the positive class."""
        self._score(outputs)

    def check_label(self, label: Any) -> None:
        """Require a class that could be the positive one."""
        reason = never_equal(label, self.positive)
        if reason is not None:
            raise ValueError(f"it can never be the class `positive`, {self.positive}: {reason}")

    def _score(self, outputs: Mapping[str, Any]) -> float:
        scores = outputs.get("predict_proba")
        if not isinstance(scores, list) or len(scores) <= self.column:
            raise ValueError(
                f"`predict_proba` must be a list with a probability at index {self.column};"
                " let the arm send it: --event-outputs predict_proba"
            )
        return number(scores[self.column])

    def reward(self, outputs: Mapping[str, Any], label: Any) -> float:
        """Return the net benefit of this request, scaled to [0, 1]."""
        score, positive = self._score(outputs), same_class(label, self.positive)
        weights = [threshold / (1 - threshold) for threshold in self.thresholds]
        raised = zip(self.thresholds, weights, strict=True)
        benefit = sum(1.0 if positive else -weight for threshold, weight in raised if score >= threshold)
        worst = sum(weights)
        return (worst + benefit) / (len(weights) + worst)
