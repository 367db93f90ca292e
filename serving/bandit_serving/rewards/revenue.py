"""Revenue, or any other amount that a request brings in."""

from collections.abc import Mapping
from typing import Any, ClassVar

from bandit_serving.rewards.base import RewardFunction, RewardType, amount


class Revenue(RewardFunction):
    """r = the amount reported within the window, else 0. Reward type Gaussian.

    The mean is the revenue of a request. The window is the collector's --expire-after, and every request is
    counted at its end, as conversions are: the quick sales of a new arm would flatter it otherwise. Amounts
    are from 0 up; add a constant to what may be negative, such as a margin, before it is sent.
    """

    type: ClassVar[RewardType] = RewardType.GAUSSIAN
    expired: ClassVar[float | None] = 0.0
    held: ClassVar[bool] = True

    def check_outputs(self, outputs: Mapping[str, Any]) -> None:
        """Take any outputs: what was predicted does not matter."""

    def check_label(self, label: Any) -> None:
        """Require an amount, 0 or more."""
        amount(label)

    def reward(self, outputs: Mapping[str, Any], label: Any) -> float:  # noqa: ARG002 # part of the interface
        """Return the amount."""
        return amount(label)
