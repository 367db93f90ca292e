"""Conversions: only good outcomes are ever reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pydantic

from bandit_serving.rewards.base import RewardFunction, number


class Conversion(RewardFunction):
    """r = min(value / most, 1) if a conversion was reported within the window, else 0. Reward type Bounded.

    The window is the collector's --expire-after. Every request is counted at the end of its window, converted
    or not: counted as they come, the quick conversions of a new arm would be there before its misses, and
    flatter it. Where the window is too long to wait for, let the operator make up for that: count conversions
    as they come, take ``model_reward_predictions_total`` for trials, and state the delay in the manifest.
    """

    most: pydantic.PositiveFloat = 1.0
    """Value of a conversion that gives the reward 1, above 0; with ``true`` as label each gives 1."""
    as_they_come: bool = False
    """Count each conversion when it is reported, and nothing at the end of the window;
    ``model_reward_trials_total`` counts the conversions only then."""

    @property
    def expired(self) -> float | None:
        """No conversion is no success, unless conversions alone are counted."""
        return None if self.as_they_come else 0.0

    @property
    def held(self) -> bool:
        """Requests with and without a conversion are counted at the same age."""
        return not self.as_they_come

    @property
    def trials_are_predictions(self) -> bool:
        """Where conversions alone are counted."""
        return self.as_they_come

    def check_outputs(self, outputs: Mapping[str, Any]) -> None:
        """Take any outputs: what was predicted does not matter."""

    def check_label(self, label: Any) -> None:
        """Require ``true`` or the value of the conversion, 0 or more."""
        if label is not True and number(label) < 0:
            raise ValueError(f"{label!r} is negative; send true or the value of the conversion")

    def reward(self, outputs: Mapping[str, Any], label: Any) -> float:  # noqa: ARG002 # part of the interface
        """Return the value of the conversion as a share of the most."""
        return 1.0 if label is True else min(number(label) / self.most, 1.0)
