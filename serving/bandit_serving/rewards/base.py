"""What every reward function offers."""

from __future__ import annotations

import abc
import enum
import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import pydantic

MOST = 1e12  # of an amount, so that a slip of the unit does not swallow all other rewards


class RewardType(enum.StrEnum):
    """What the values of a reward may be, as ``spec.reward.type`` of a BanditDeployment names it."""

    BERNOULLI = "Bernoulli"
    """0 or 1."""
    BOUNDED = "Bounded"
    """Between 0 and 1."""
    GAUSSIAN = "Gaussian"
    """Any amount; arms are compared by its mean."""
    RATIO = "Ratio"
    """A numerator and a denominator; arms are compared by (sum of numerators) / (sum of denominators)."""


class Ratio(NamedTuple):
    """A reward of type Ratio; both parts from 0 up."""

    numerator: float
    denominator: float


class RewardFunction(pydantic.BaseModel, abc.ABC):
    """A reward function; its settings are the fields of the subclass."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    type: ClassVar[RewardType] = RewardType.BOUNDED
    """What its rewards may be."""

    @property
    def expired(self) -> float | None:
        """Reward of a prediction whose label never came.

        None (no label is no trial) unless the absence of a label is itself the outcome.
        """
        return None

    @property
    def held(self) -> bool:
        """Whether rewards are counted only when the time for labels is over.

        So requests with and without a label are counted at the same age.
        """
        return False

    @abc.abstractmethod
    def check_outputs(self, outputs: Mapping[str, Any]) -> None:
        """Raise ValueError, saying what is needed, if no reward can be computed from these outputs."""

    @abc.abstractmethod
    def check_label(self, label: Any) -> None:
        """Raise ValueError, saying what is needed, if no reward can be computed from this label."""

    @abc.abstractmethod
    def reward(self, outputs: Mapping[str, Any], label: Any) -> float | Ratio | None:
        """Return the reward, as its type says, or None where this prediction is no trial.

        Args:
            outputs: Outputs of one row by output name, as ``check_outputs`` accepted them.
            label: What turned out to be true, as ``check_label`` accepted it.
        """


def number(value: Any) -> float:
    """Return a finite number.

    Raises:
        ValueError: The value is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r:.80} is no finite number")
    return float(value)


def amount(value: Any) -> float:
    """Return a number from -``MOST`` to ``MOST``.

    Raises:
        ValueError: The value is none.
    """
    found = number(value)
    if abs(found) > MOST:
        raise ValueError(f"{value!r} is beyond {MOST:g}; send it in a larger unit")
    return found


def amount_from_zero(value: Any) -> float:
    """Return a number from 0 to ``MOST``.

    Raises:
        ValueError: The value is none. The sums of a ratio's parts are counters, which must never fall.
    """
    found = amount(value)
    if found < 0:
        raise ValueError(f"{value!r} is negative, which a counter cannot add; shift it by a constant")
    return found


def class_name(value: Any) -> str:
    """Return the name of a class: 1, 1.0 and "1" are the same class, and so are true and "true".

    Raises:
        ValueError: The value is neither text nor a finite number.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return str(value)
    raise ValueError(f"{value!r:.80} is no class; send a string, an integer or a boolean")


class ClassReward(RewardFunction):
    """Base of rewards that compare a predicted class, the output ``predict``, with the true one."""

    def check_outputs(self, outputs: Mapping[str, Any]) -> None:
        """Require a class in the output ``predict``."""
        if "predict" not in outputs:
            raise ValueError("`predict` is missing; send the predicted class under this name")
        class_name(outputs["predict"])

    def check_label(self, label: Any) -> None:
        """Require a class."""
        class_name(label)
