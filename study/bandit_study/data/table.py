"""A data set as numbers, in time order."""

from __future__ import annotations

import dataclasses
from enum import StrEnum

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Task(StrEnum):
    """What the models predict."""

    CLASSIFICATION = "classification"
    """A target of 0 and 1."""
    REGRESSION = "regression"
    """A number."""


@dataclasses.dataclass(frozen=True)
class Table:
    """A data set whose rows are in time order."""

    name: str
    """Short name, which is that of its file."""
    task: Task
    """What is predicted."""
    features: tuple[str, ...]
    """Names of the F features."""
    values: Floats
    """Shape (n, F); categories stand as their index in alphabetical order, NaN for what is missing."""
    categorical: Flags
    """Shape (F,); which features are categories."""
    target: Floats
    """Shape (n,); 0 and 1 for a classification."""
    time_order: str = "none"
    """What orders the rows, in the words of the index; begins with "none" where nothing does."""
    licence: str = ""
    """Licence of the data."""
    source: str = ""
    """Where they come from."""
    digest: str = ""
    """SHA-256 of the file they were read from."""

    @property
    def ordered(self) -> bool:
        """Whether the order of the rows is one of time."""
        return not self.time_order.lower().startswith(("none", "no time"))

    def thinned(self, rows: int | None) -> Table:
        """Return at most so many rows, evenly spaced, so that the span of time stays."""
        if rows is None or rows >= len(self.target):
            return self
        kept = np.linspace(0, len(self.target) - 1, rows).astype(int)
        return dataclasses.replace(self, values=self.values[kept], target=self.target[kept])
