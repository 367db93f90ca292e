"""Balanced accuracy, by weighting each class with the inverse of its share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import pydantic

from bandit_serving.rewards.base import ClassReward, by_class, class_name, never_equal, same_class

Share = Annotated[float, pydantic.Field(gt=0, le=1)]


class BalancedAccuracy(ClassReward):
    """r = 1[ŷ = y] · w_y / max w, with w_y = 1/π_y and π_y the share of class y. Reward type Bounded.

    Over K classes the mean is Σ_y π_y·P(right | y)·π_min/π_y = π_min·K·(balanced accuracy): it ranks models
    exactly as balanced accuracy does, as long as the shares are those of the traffic. With equal shares it is
    the balanced accuracy itself and 0 or 1. With wrong shares the mean is an accuracy weighted by (true
    share)/(stated share).
    """

    priors: dict[str, Share] = pydantic.Field(min_length=2)
    """Share of each class among the requests, by class name, e.g. {"0": 0.94, "1": 0.06}; they add up to
    1."""

    @pydantic.field_validator("priors")
    @classmethod
    def _priors_add_up(cls, priors: dict[str, float]) -> dict[str, float]:
        total = sum(priors.values())
        if abs(total - 1) > 0.01:
            raise ValueError(f"the shares add up to {total:g}; they must add up to 1")
        return by_class(priors)

    def check_outputs(self, outputs: Mapping[str, Any]) -> None:
        """Require a class in the output ``predict`` that could be one of those with a share."""
        super().check_outputs(outputs)
        reasons = [never_equal(outputs["predict"], name) for name in self.priors]
        if all(reasons):
            raise ValueError(f"`predict` can be no class of --reward-settings: {reasons[0]}")

    def check_label(self, label: Any) -> None:
        """Require a class that has a share."""
        if class_name(label) not in self.priors:
            raise ValueError(
                f"{label!r} has no share; the classes of --reward-settings are {', '.join(self.priors)}"
            )

    def reward(self, outputs: Mapping[str, Any], label: Any) -> float:
        """Return the weight of the true class if it was predicted, else 0."""
        if not same_class(outputs["predict"], label):
            return 0.0
        return min(self.priors.values()) / self.priors[class_name(label)]
