"""Reads the rows to replay."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bandit_serving.errors import BadSetting
from bandit_serving.faults import why

_UNREADABLE = (OSError, LookupError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, csv.Error)
"""What the readers of these formats raise by files that are broken, or something else."""


@dataclasses.dataclass(frozen=True)
class Rows:
    """A data set to replay, in order."""

    features: list[str]
    """Names of the columns."""
    values: npt.NDArray[np.float64]
    """Shape (n, number of features)."""
    labels: list[Any]
    """One JSON value a row: a class or a number."""

    def __len__(self) -> int:
        return len(self.values)


def load_rows(path: Path) -> Rows:
    """Read a data set.

    Args:
        path: Either ``.npz`` with the arrays ``features`` (names), ``values`` (n × features) and ``labels``
            (n), or ``.csv`` or ``.csv.gz`` with a header, numbers in every column and the label in the last
            one, called ``target``.

    Raises:
        BadSetting: The file cannot be read; names row and column.
    """
    try:
        rows = _load_npz(path) if path.suffix == ".npz" else _load_csv(path)
    except _UNREADABLE as error:
        raise BadSetting(f"--data {path}: cannot be used: {why(error)}") from error
    if not len(rows):
        raise BadSetting(f"--data {path}: has no rows")
    return rows


def _load_npz(path: Path) -> Rows:
    with path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            raise ValueError("it is no .npz file; write it by numpy.savez, or give .csv")
    with np.load(path, allow_pickle=False) as arrays:
        values = np.asarray(arrays["values"], dtype=np.float64)
        features = [str(name) for name in arrays["features"].reshape(-1)]
        labels = arrays["labels"].tolist()
    if not isinstance(labels, list):
        raise ValueError(f"labels is one value, {labels!r:.80}; it needs one for each row")
    if values.ndim != 2 or values.shape != (len(labels), len(features)):
        raise ValueError(
            f"values has shape {values.shape}, for {len(labels)} labels and {len(features)} features"
        )
    for row, column in np.argwhere(~np.isfinite(values))[:1]:
        name, value = features[column], values[row, column]
        raise ValueError(f"values[{row}], column {name!r}: {value} is not finite; take the row out")
    for row, label in enumerate(labels):
        if isinstance(label, float) and not math.isfinite(label):
            raise ValueError(f"labels[{row}]: {label} is not finite; take the row out")
    return Rows(features, values, labels)


def _load_csv(path: Path) -> Rows:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="", encoding="utf-8-sig") as file:  # spreadsheets put a mark first
        reader = csv.reader(file)
        header = next(reader, [])
        if len(header) < 2 or header[-1] != "target":
            raise ValueError(f"line 1: the last column must be `target`, it is {header[-1:]!r}")
        table = [_numbers(row, header, reader.line_num) for row in reader]
    values = np.array(table, dtype=np.float64).reshape(len(table), len(header))
    labels = [int(label) if label.is_integer() else label for label in values[:, -1].tolist()]
    return Rows(header[:-1], values[:, :-1].copy(), labels)


def _numbers(row: list[str], header: list[str], line: int) -> list[float]:
    if len(row) != len(header):
        raise ValueError(f"line {line}: {len(row)} values for {len(header)} columns")
    numbers = []
    for name, text in zip(header, row, strict=True):
        try:
            numbers.append(float(text))
        except ValueError:
            raise ValueError(
                f"line {line}, column {name!r}: {text!r} is not a number; encode it first"
            ) from None
        if not math.isfinite(numbers[-1]):
            raise ValueError(f"line {line}, column {name!r}: {text!r} is not finite; take the row out")
    return numbers
