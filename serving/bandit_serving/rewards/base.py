"""What every reward function offers."""

import abc
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import pydantic


class RewardFunction(pydantic.BaseModel, abc.ABC):
    """A reward function; its settings are the fields of the subclass.

    Attributes:
        expired: Reward of a prediction whose label never came; None (no label is no trial) unless the absence
            of a label is itself the outcome.
        held: Whether rewards are counted only when the time for labels is over, so that requests with and
            without a label are counted at the same age.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    expired: ClassVar[float | None] = None
    held: ClassVar[bool] = False

    @abc.abstractmethod
    def check_outputs(self, outputs: Mapping[str, Any]) -> None:
        """Raise ValueError, saying what is needed, if no reward can be computed from these outputs."""

    @abc.abstractmethod
    def check_label(self, label: Any) -> None:
        """Raise ValueError, saying what is needed, if no reward can be computed from this label."""

    @abc.abstractmethod
    def reward(self, outputs: Mapping[str, Any], label: Any) -> float | None:
        """Return the reward in [0, 1], or None where this prediction is no trial.

        Args:
            outputs: Outputs of one row by output name, as `check_outputs` accepted them.
            label: What turned out to be true, as `check_label` accepted it.
        """


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
    """Base of rewards that compare a predicted class, the output `predict`, with the true one."""

    def check_outputs(self, outputs: Mapping[str, Any]) -> None:
        """Require a class in the output `predict`."""
        if "predict" not in outputs:
            raise ValueError("`predict` is missing; send the predicted class under this name")
        class_name(outputs["predict"])

    def check_label(self, label: Any) -> None:
        """Require a class."""
        class_name(label)
