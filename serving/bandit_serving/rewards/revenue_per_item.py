"""Revenue for each item, or any other ratio of two amounts that a request brings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from bandit_serving.rewards.base import Ratio, RewardFunction, RewardType, amount_from_zero


class RevenuePerItem(RewardFunction):
    """r = y / x with y the revenue and x the number of items of a request. Reward type Ratio.

    Arms are compared by Σy / Σx, where a request with many items counts for more; the mean of the single
    ratios y / x would be another number, and a request with no items has none. The label is an object, e.g.
    {"revenue": 42.5, "items": 3}; both parts are from 0 up. A request without a label is no trial.
    """

    type: ClassVar[RewardType] = RewardType.RATIO

    numerator: str = "revenue"
    """Name of y in the label."""
    denominator: str = "items"
    """Name of x in the label."""

    def check_outputs(self, outputs: Mapping[str, Any]) -> None:
        """Take any outputs: what was predicted does not matter."""

    def check_label(self, label: Any) -> None:
        """Require an object with both amounts."""
        self._parts(label)

    def _parts(self, label: Any) -> Ratio:
        if not isinstance(label, dict) or not {self.numerator, self.denominator} <= set(label):
            raise ValueError(
                f"{label!r:.80} is no object with `{self.numerator}` and `{self.denominator}`; send both"
            )
        return Ratio(*(amount_from_zero(label[part]) for part in (self.numerator, self.denominator)))

    def reward(self, outputs: Mapping[str, Any], label: Any) -> Ratio:  # noqa: ARG002 # part of the interface
        """Return both amounts."""
        return self._parts(label)
