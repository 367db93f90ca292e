"""Error of a predicted number, bounded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pydantic

from bandit_serving.rewards.base import RewardFunction, number


class RegressionError(RewardFunction):
    """r = 1 − min(|ŷ − y| / bound, 1)^power. Reward type Bounded.

    The mean is 1 minus the scaled mean absolute error (power 1) or mean squared error (power 2), with errors
    beyond the bound counted as the bound: choose it so large that few are.
    """

    bound: pydantic.PositiveFloat
    """Error from which on the reward is 0, in the unit of the target; above 0."""
    power: Literal[1, 2] = 1
    """1 for the absolute error, 2 for the squared one."""

    def check_outputs(self, outputs: Mapping[str, Any]) -> None:
        """Require a number in the output ``predict``."""
        number(outputs.get("predict"))

    def check_label(self, label: Any) -> None:
        """Require a number."""
        number(label)

    def reward(self, outputs: Mapping[str, Any], label: Any) -> float:
        """Return 1 for no error, 0 for the bound and beyond."""
        error = abs(number(outputs["predict"]) - number(label))
        return float(1 - min(error / self.bound, 1.0) ** self.power)
