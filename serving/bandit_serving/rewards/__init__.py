"""Reward functions: from what an arm predicted and what turned out to be true, to a reward between 0 and 1.

One small file each, with its formula; `REWARDS` lists them. A function with rewards 0 and 1 only suits the
operator's reward type Bernoulli, any other one Bounded.
"""

import json
from typing import Any

import pydantic

from bandit_serving.errors import BadSetting
from bandit_serving.rewards.accuracy import Accuracy
from bandit_serving.rewards.balanced_accuracy import BalancedAccuracy
from bandit_serving.rewards.base import RewardFunction
from bandit_serving.rewards.conversion import Conversion
from bandit_serving.rewards.cost_matrix import CostMatrix
from bandit_serving.rewards.expression import Expression
from bandit_serving.rewards.rare_positives import RarePositives
from bandit_serving.rewards.regression_error import RegressionError

REWARDS: dict[str, type[RewardFunction]] = {
    "accuracy": Accuracy,
    "balanced-accuracy": BalancedAccuracy,
    "conversion": Conversion,
    "cost-matrix": CostMatrix,
    "expression": Expression,
    "rare-positives": RarePositives,
    "regression-error": RegressionError,
}


def make_reward(name: str, settings: str | dict[str, Any]) -> RewardFunction:
    """Build a reward function.

    Args:
        name: A key of `REWARDS`.
        settings: Its settings as a JSON object, in text or parsed.

    Raises:
        BadSetting: There is no such function, or the settings do not fit it.
    """
    kind = REWARDS.get(name)
    if kind is None:
        raise BadSetting(f"--reward {name}: there is none of this name; take one of {', '.join(REWARDS)}")
    try:
        values = json.loads(settings) if isinstance(settings, str) else settings
        return kind.model_validate(values)
    except pydantic.ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, e['loc'])) or name}: {e['msg']}" for e in error.errors())
        raise BadSetting(f"--reward-settings of {name}: {reasons}") from error
    except ValueError as error:
        raise BadSetting(f"--reward-settings {settings!r}: not a JSON object: {error}") from error


__all__ = ["REWARDS", "RewardFunction", "make_reward"]
