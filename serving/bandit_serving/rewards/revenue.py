"""Revenue, or any other amount that a request brings in or costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from bandit_serving.rewards.base import RewardFunction, RewardType, amount


class Revenue(RewardFunction):
    """r = the amount reported within the window, else 0. Reward type Gaussian.

    The mean is the revenue of a request; costs and refunds are negative. The window is the collector's
    --expire-after, and every request is counted at its end, as conversions are: the quick sales of a new arm
    would flatter it otherwise.
    """

    type: ClassVar[RewardType] = RewardType.GAUSSIAN

    @property
    def expired(self) -> float:
        """Nothing sold is nothing earned."""
        return 0.0

    @property
    def held(self) -> bool:
        """Requests with and without a sale are counted at the same age."""
        return True

    def check_outputs(self, outputs: Mapping[str, Any]) -> None:
        """Take any outputs: what was predicted does not matter."""

    def check_label(self, label: Any) -> None:
        """Require an amount."""
        amount(label)

    def reward(self, outputs: Mapping[str, Any], label: Any) -> float:  # noqa: ARG002 # part of the interface
        """Return the amount."""
        return amount(label)
