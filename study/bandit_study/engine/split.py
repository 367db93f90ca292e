"""Which rows train, validate, and make each chunk of production: arithmetic on their order alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from bandit_study.engine.settings import DELAY_LONGEST, HELD_SHARE, TRAIN_SHARE, VALIDATION_SHARE, Settings

Indices = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Retraining:
    """A model that joins the arms at the beginning of a chunk."""

    chunk: int
    """The chunk from which on it may serve."""
    train: tuple[int, int]
    """First row to train on, and the one after the last."""
    held: tuple[int, int]
    """First row to validate on, and the one after the last; all labels of both are there by then."""


@dataclasses.dataclass(frozen=True)
class Split:
    """Rows by their place in time."""

    train: int
    """Rows before this one train."""
    production: int
    """Rows from this one on are the production stream; those between validate."""
    edges: Indices
    """Shape (T + 1,); first row of each chunk of production, and the number of rows."""

    @property
    def chunks(self) -> int:
        """Number T of chunks."""
        return len(self.edges) - 1


def split(rows: int, settings: Settings) -> Split:
    """Return the split of a set of so many rows."""
    train, production = int(TRAIN_SHARE * rows), int((TRAIN_SHARE + VALIDATION_SHARE) * rows)
    chunks = max(1, min(settings.chunks, (rows - production) // settings.least_chunk))
    edges = np.round(np.linspace(production, rows, chunks + 1)).astype(np.int64)
    return Split(train, production, edges)


def retrainings(parts: Split, settings: Settings) -> list[Retraining]:
    """Return the retrainings, oldest first; all their rows are older than any label can be late."""
    result = []
    for number in range(1, settings.retrainings + 1):
        chunk = number * parts.chunks // (settings.retrainings + 1)
        newest = chunk - DELAY_LONGEST - 1
        if newest < 1:
            continue
        end = int(parts.edges[newest])
        start = max(0, end - parts.train)
        held = end - int(HELD_SHARE * (end - start))
        result.append(Retraining(chunk, (start, held), (held, end)))
    return result
