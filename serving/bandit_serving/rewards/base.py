"""What every reward function offers."""

from __future__ import annotations

import abc
import enum
import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, TypeVar

import pydantic

MOST = 1e12  # of an amount, so that a slip of the unit does not swallow all other rewards
_WHOLE = re.compile(r"([+-]?\d+)(\.0+)?")  # text of an integer, with group 1 what is left without zeros
_BOOLEANS = frozenset({"true", "false"})
_Value = TypeVar("_Value")


class NeverEqual(ValueError):
    """A prediction and a label of types that no right answer could have; the text says what to send."""


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

    @property
    def trials_are_predictions(self) -> bool:
        """Whether whoever reads the sums of rewards takes predictions for trials.

        Then an arm of which no reward ever comes has earned nothing, and its sums are 0 from its first
        prediction on.
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

        Raises:
            NeverEqual: Each is a class, and no right answer could look like this.
        """


def is_finite(value: float) -> bool:
    """Return whether a number is within the range of floats, which an integer may exceed too."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def number(value: Any) -> float:
    """Return a finite number.

    Raises:
        ValueError: The value is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_finite(value):
        raise ValueError(f"{value!r:.80} is no finite number")
    return float(value)


def amount(value: Any) -> float:
    """Return a number from -``MOST`` to ``MOST``.

    Raises:
        ValueError: The value is none.
    """
    finite = number(value)
    if abs(finite) > MOST:
        raise ValueError(f"{value!r} is beyond {MOST:g}; send it in a larger unit")
    return finite


def amount_from_zero(value: Any) -> float:
    """Return a number from 0 to ``MOST``.

    Raises:
        ValueError: The value is none. The sums of a ratio's parts are counters, which must never fall.
    """
    bounded = amount(value)
    if bounded < 0:
        raise ValueError(f"{value!r} is negative, which a counter cannot add; shift it by a constant")
    return bounded


def class_name(value: Any) -> str:
    """Return the name of a class: 1, 1.0, "1", "1.0" and "+1" are the same class, as are true and "true".

    Raises:
        ValueError: The value is neither text nor a finite number.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        whole = _WHOLE.fullmatch(value)
        if whole is None:
            return value
        return "0" if whole[1] == "-0" else whole[1].removeprefix("+")
    if isinstance(value, int | float) and is_finite(value):
        return str(int(value)) if float(value).is_integer() else str(value)
    raise ValueError(f"{value!r:.80} is no class; send a string, an integer or a boolean")


def never_equal(one: Any, other: Any) -> str | None:
    """Return why two classes can never be the same, by their types; None if they could.

    A boolean is no number and no other text; a fraction is no integer, and most likely a probability.
    """
    names = class_name(one), class_name(other)
    for value, beside in ((one, names[1]), (other, names[0])):
        if isinstance(value, float) and not value.is_integer() and _WHOLE.fullmatch(beside):
            return (
                f"{value!r} is no class beside {beside}: it looks like a probability; send the class that was"
                " decided for"
            )
    texts = isinstance(one, str) and isinstance(other, str)
    if (names[0] in _BOOLEANS) != (names[1] in _BOOLEANS) and not texts:
        return (
            f"{names[0]} and {names[1]} are a boolean and none; send predictions and labels alike, both as"
            " booleans or both as numbers or names"
        )
    return None


def same_class(predicted: Any, truth: Any) -> bool:
    """Return whether the predicted class is the true one.

    Raises:
        NeverEqual: Their types leave it no chance, so the answer would say nothing of the model.
    """
    reason = never_equal(predicted, truth)
    if reason is not None:
        raise NeverEqual(f"a prediction and its label can never be equal: {reason}")
    return class_name(predicted) == class_name(truth)


def by_class(values: Mapping[str, _Value]) -> dict[str, _Value]:
    """Return settings of classes under the names that ``class_name`` gives.

    Raises:
        ValueError: Two are the same class.
    """
    named = {class_name(name): value for name, value in values.items()}
    if len(named) < len(values):
        raise ValueError(f"two of the classes {', '.join(values)} are the same; leave one out")
    return named


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
