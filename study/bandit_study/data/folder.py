"""Reads a folder of ``NAME.csv.gz`` beside an ``INDEX.csv``."""

from __future__ import annotations

import csv
import dataclasses
import re
from pathlib import Path

import pandas as pd

from bandit_study.cache import file_digest
from bandit_study.data.frame import MISSING, to_table
from bandit_study.data.table import Table
from bandit_study.errors import DataError

INDEX = "INDEX.csv"
NEEDED = ("name", "time_order", "licence", "source")


@dataclasses.dataclass(frozen=True)
class Entry:
    """One line of an index: a data set that can be read."""

    path: Path
    """The file."""
    time_order: str
    """What orders its rows; begins with "none" where nothing does."""
    licence: str
    """Licence of the data."""
    source: str
    """Where they come from."""

    @property
    def name(self) -> str:
        """Name of the set."""
        return self.path.name.removesuffix(".csv.gz")


def read_index(folder: Path) -> dict[str, Entry]:
    """Return the sets of a folder by name, in alphabetical order.

    Raises:
        DataError: there is no index, a column is missing in it, or a file that it lists is.
    """
    index = folder / INDEX
    try:
        with index.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets put a mark first
            reader = csv.DictReader(file)
            columns, lines = reader.fieldnames or [], list(reader)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            index, f"cannot be read ({error}); name a folder with an {INDEX} by --data"
        ) from error
    for column in NEEDED:
        if column not in columns:
            raise DataError(index, f"has no such column; it needs {', '.join(NEEDED)}", 1, column)
    entries = {}
    for row, line in enumerate(lines, start=2):
        path = folder / f"{line['name']}.csv.gz"
        if not path.exists():
            raise DataError(index, f"there is no file {path.name} beside it", row, "name")
        entries[line["name"]] = Entry(
            path, line["time_order"] or "none", line["licence"] or "", line["source"] or ""
        )
    return dict(sorted(entries.items()))


def read_table(entry: Entry) -> Table:
    """Read one set.

    Raises:
        DataError: it cannot be read; names the file, and row and column where there are some.
    """
    frame = read_frame(entry.path)
    table = to_table(entry.path, frame, entry.name, entry.time_order)
    return dataclasses.replace(
        table, licence=entry.licence, source=entry.source, digest=file_digest(entry.path)
    )


def read_frame(path: Path) -> pd.DataFrame:
    """Return the rows of a CSV file with a header, gzipped or not.

    Raises:
        DataError: it cannot be read; names the file, and the row where there is one.
    """
    try:
        frame = pd.read_csv(
            path, low_memory=False, na_values=list(MISSING), keep_default_na=False, index_col=False
        )
    except pd.errors.EmptyDataError as error:
        raise DataError(path, "is empty; it needs a header and rows") from error
    except pd.errors.ParserError as error:
        match = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        if match is None:
            raise DataError(path, f"is no CSV file: {error}") from error
        expected, row, saw = (int(part) for part in match.groups())
        raise DataError(path, f"has {saw} fields where the header has {expected}", row) from error
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(path, f"cannot be read: {error}") from error
    return frame
