"""A bounded memory of what was found lately."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Recent(Generic[Found]):
    """What was found by key; the oldest goes where there are too many.

    Args:
        most: Most entries.
        monotonic: The clock, in seconds.
        seconds: How long an entry counts.
    """

    def __init__(self, most: int, monotonic: Callable[[], float], seconds: float = math.inf) -> None:
        self._most, self._monotonic, self._seconds = most, monotonic, seconds
        self._found: OrderedDict[Hashable, tuple[float, Found]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._found)

    def get(self, key: Hashable) -> tuple[Found] | None:
        """What was found, in a tuple as it may be None itself; None where nothing is known, or no longer."""
        at, found = self._found.get(key, (-math.inf, None))
        if key not in self._found or self._monotonic() - at >= self._seconds:
            return None
        return (found,)  # type: ignore[return-value]  # it is there, so it is of its type

    def put(self, key: Hashable, found: Found) -> Found:
        """Keep what was found, and give it back."""
        self._found.pop(key, None)
        self._found[key] = (self._monotonic(), found)
        while len(self._found) > self._most:
            self._found.popitem(last=False)
        return found
