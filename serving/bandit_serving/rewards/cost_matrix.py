"""Costs of each kind of mistake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pydantic

from bandit_serving.rewards.base import ClassReward, by_class, class_name


class CostMatrix(ClassReward):
    """r = 1 − (c[y][ŷ] − c_min) / (c_max − c_min). Reward type Bounded, Bernoulli with two different costs.

    The mean is 1 minus the scaled mean cost, so it ranks models exactly by the cost that their answers cause.
    """

    costs: dict[str, dict[str, pydantic.FiniteFloat]] = pydantic.Field(min_length=2)
    """Cost of predicting ŷ where y is true, as costs[y][ŷ], for every pair of classes; negative ones are
    gains. E.g. {"good": {"good": 0, "bad": 1}, "bad": {"good": 5, "bad": 0}}."""

    @pydantic.field_validator("costs")
    @classmethod
    def _square_and_not_flat(cls, costs: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        for truth, row in costs.items():
            if set(row) != set(costs):
                raise ValueError(
                    f"the row of {truth!r} must have the classes {', '.join(costs)}, it has {', '.join(row)}"
                )
        values = [cost for row in costs.values() for cost in row.values()]
        if min(values) == max(values):
            raise ValueError("all costs are equal; give mistakes another cost than right answers")
        return by_class({truth: by_class(row) for truth, row in costs.items()})

    def check_outputs(self, outputs: Mapping[str, Any]) -> None:
        """Require a predicted class that has costs."""
        super().check_outputs(outputs)
        self._check(outputs["predict"])

    def check_label(self, label: Any) -> None:
        """Require a class that has costs."""
        self._check(label)

    def _check(self, value: Any) -> None:
        if class_name(value) not in self.costs:
            raise ValueError(
                f"{value!r} has no costs; the classes of --reward-settings are {', '.join(self.costs)}"
            )

    def reward(self, outputs: Mapping[str, Any], label: Any) -> float:
        """Return 1 for the cheapest outcome, 0 for the dearest."""
        values = [cost for row in self.costs.values() for cost in row.values()]
        cost = self.costs[class_name(label)][class_name(outputs["predict"])]
        return 1 - (cost - min(values)) / (max(values) - min(values))
