"""What is learned, in parts of named arrays that belong to one module each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from bandit_operator.core.inference import named_arrays
from bandit_operator.core.inference.named_arrays import Arrays, Fields, Floats
from bandit_operator.core.model import RewardType


@dataclass(frozen=True, slots=True, eq=False)
class Parts(ABC):
    """Base of frozen dataclasses whose fields are such parts; no name of an array occurs in two of them."""

    @classmethod
    @abstractmethod
    def fields_of(cls, reward_type: RewardType) -> dict[str, Fields]:
        """The arrays of each part."""

    @classmethod
    def joined_fields(cls, reward_type: RewardType) -> Fields:
        """The arrays of all parts in one mapping, as :meth:`joined` has them."""
        return {name: field for part in cls.fields_of(reward_type).values() for name, field in part.items()}

    @classmethod
    def initial(cls, reward_type: RewardType, arms: int, leading: tuple[int, ...] = ()) -> Self:
        """Parts about arms of which nothing has been seen."""
        described = cls.fields_of(reward_type)
        return cls(**{part: named_arrays.initial(described[part], arms, leading) for part in described})

    @classmethod
    def divided(cls, arrays: Arrays, reward_type: RewardType) -> Self:
        """Inverse of :meth:`joined`."""
        described = cls.fields_of(reward_type)
        return cls(**{part: {name: arrays[name] for name in described[part]} for part in described})

    def joined(self) -> dict[str, Floats]:
        """All arrays in one mapping."""
        return {
            name: array for part in self.__dataclass_fields__ for name, array in getattr(self, part).items()
        }

    def changed(self, change: Callable[[Arrays, Fields], Arrays], reward_type: RewardType) -> Self:
        """The same with ``change(arrays, fields)`` in place of each part."""
        described = self.fields_of(reward_type)
        return type(self)(**{part: change(getattr(self, part), described[part]) for part in described})
