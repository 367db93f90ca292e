"""Accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from bandit_serving.rewards.base import ClassReward, RewardType, same_class


class Accuracy(ClassReward):
    """r = 1[ŷ = y]: its mean is the accuracy. Reward type Bernoulli."""

    type: ClassVar[RewardType] = RewardType.BERNOULLI

    def reward(self, outputs: Mapping[str, Any], label: Any) -> float:
        """Return 1 for the right class, else 0."""
        return float(same_class(outputs["predict"], label))
