"""What a source of data is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pandas as pd


class Unreachable(Exception):
    """A source cannot be reached from here; the text says why, for a line that the set is left out."""


@dataclasses.dataclass(frozen=True)
class Source:
    """One data set that can be fetched."""

    name: str
    """Name of the set, and of its file."""
    time_order: str
    """What orders its rows; begins with "none" where nothing does."""
    licence: str
    """Licence of the data."""
    origin: str
    """Where it is fetched from, for the index and the person who waits."""
    read: Callable[[Path], pd.DataFrame]
    """Takes a folder for downloads and returns the rows in time order, with the label last as ``target``;
    raises Unreachable or ArchiveError."""
