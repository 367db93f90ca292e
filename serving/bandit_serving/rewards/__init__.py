"""Reward functions: from what an arm predicted and what turned out to be true, to a reward.

One small file each, with its formula and its reward type; ``REWARDS`` lists them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pydantic
import yaml

from bandit_serving.errors import BadSetting
from bandit_serving.faults import told, why
from bandit_serving.rewards.accuracy import Accuracy
from bandit_serving.rewards.balanced_accuracy import BalancedAccuracy
from bandit_serving.rewards.base import Ratio, RewardFunction, RewardType
from bandit_serving.rewards.conversion import Conversion
from bandit_serving.rewards.cost_matrix import CostMatrix
from bandit_serving.rewards.expression import Expression
from bandit_serving.rewards.rare_positives import RarePositives
from bandit_serving.rewards.regression_error import RegressionError
from bandit_serving.rewards.revenue import Revenue
from bandit_serving.rewards.revenue_per_item import RevenuePerItem
from bandit_serving.rewards.routes import RouteRewards

REWARDS: dict[str, type[RewardFunction]] = {
    "accuracy": Accuracy,
    "balanced-accuracy": BalancedAccuracy,
    "conversion": Conversion,
    "cost-matrix": CostMatrix,
    "expression": Expression,
    "rare-positives": RarePositives,
    "regression-error": RegressionError,
    "revenue": Revenue,
    "revenue-per-item": RevenuePerItem,
}


def make_reward(name: str, settings: str | dict[str, Any]) -> RewardFunction:
    """Build a reward function.

    Args:
        name: A key of ``REWARDS``.
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
        raise BadSetting(f"--reward-settings of {name}: {told(error, name)}") from error
    except ValueError as error:
        raise BadSetting(f"--reward-settings {settings!r}: not a JSON object: {error}") from error


class _RouteSettings(pydantic.BaseModel):
    """What a file of routes says of one of them."""

    model_config = pydantic.ConfigDict(extra="forbid")

    reward: str
    settings: dict[str, Any] = {}


def load_routes(path: Path) -> dict[str, RewardFunction]:
    """Read the rewards of routes from a YAML or JSON file ``{ROUTE: {reward: NAME, settings: {…}}}``.

    Raises:
        BadSetting: The file cannot be read, or does not say this; the text names the route.
    """
    try:
        parsed = yaml.safe_load(path.read_text(encoding="utf-8"))
        routes = pydantic.TypeAdapter(dict[str, _RouteSettings]).validate_python(parsed)
    except pydantic.ValidationError as error:
        raise BadSetting(f"--routes {path}: {told(error, 'the file')}") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise BadSetting(f"--routes {path}: cannot be read: {why(error)}") from error
    functions = {}
    for route, what in routes.items():
        try:
            functions[route] = make_reward(what.reward, what.settings)
        except BadSetting as error:
            raise BadSetting(f"--routes {path}: route {route}: {error}") from error
    return functions


__all__ = ["REWARDS", "Ratio", "RewardFunction", "RewardType", "RouteRewards", "load_routes", "make_reward"]
