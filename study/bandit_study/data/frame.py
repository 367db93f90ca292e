"""From a data frame to a table of numbers, or an error that names row and column."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bandit_study.data.known import known
from bandit_study.data.table import Floats, Table, Task
from bandit_study.errors import DataError

FIRST_ROW = 2
"""Number of the first row of data in its file, as editors count: the header is row 1."""
NUMERIC_SHARE = 0.99
"""A column with this share of numbers, or more, is one of numbers, and what is none in it a mistake."""
MISSING = ("", "?", "NA", "N/A", "NaN", "nan", "null", "None")
MOST_CATEGORIES = 5_000
LEAST_ROWS = 300


def to_table(file: object, frame: pd.DataFrame, name: str, time_order: str = "none") -> Table:
    """Return the table of a frame whose last column is the target.

    Raises:
        DataError: there is no such column, a target is missing or none, a number is none, or there
            is too little.
    """
    if not len(frame.columns) or frame.columns[-1] != "target":
        last = frame.columns[-1] if len(frame.columns) else None
        raise DataError(file, f"the last column is {last!r}; it must be named target", 1)
    if len(frame) < LEAST_ROWS:
        raise DataError(file, f"has {len(frame)} rows; the study needs {LEAST_ROWS} at least")
    target = _target(file, frame["target"])
    classes = np.unique(target)
    if len(classes) < 2:
        raise DataError(file, f"every target is {classes[0]:g}; there is nothing to predict", column="target")
    features = [column for column in frame.columns[:-1] if column not in known(name).drop]
    if not features:
        raise DataError(file, "has no feature besides target", 1)
    columns = [_column(file, column, frame[column]) for column in features]
    return Table(
        name=name,
        task=Task.CLASSIFICATION if set(classes) == {0.0, 1.0} else Task.REGRESSION,
        features=tuple(features),
        values=np.column_stack([values for values, _ in columns]),
        categorical=np.array([is_category for _, is_category in columns], dtype=bool),
        target=target,
        time_order=time_order,
    )


def _target(file: object, column: pd.Series) -> Floats:
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        value = column.iloc[bad[0]]
        what = "is missing" if pd.isna(value) else f"is {value!r}"
        raise DataError(
            file, f"the target {what}; write 0 or 1, or a number", int(bad[0]) + FIRST_ROW, "target"
        )
    return np.asarray(values)


def _column(file: object, name: str, column: pd.Series) -> tuple[Floats, bool]:
    """Values of a feature, and whether they are categories."""
    if pd.api.types.is_bool_dtype(column):
        return column.to_numpy(dtype=float), False
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(dtype=float)
        infinite = np.flatnonzero(np.isinf(values))
        if infinite.size:
            raise DataError(
                file, "is infinite; leave it empty where it is unknown", int(infinite[0]) + FIRST_ROW, name
            )
        return values, False
    # Texts are few and rows many: each different text is looked at once.
    codes, different = pd.factorize(column)
    texts = np.array([str(text).strip() for text in different])
    numbers = np.append(pd.to_numeric(pd.Series(texts), errors="coerce").to_numpy(dtype=float), np.nan)
    present = codes >= 0
    bad = present & np.isnan(numbers[codes])
    if bad.sum() <= (1 - NUMERIC_SHARE) * present.sum():
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            text = str(texts[codes[row]])
            raise DataError(
                file,
                f"is {text!r} where the column has numbers; leave it empty where it is unknown",
                row + FIRST_ROW,
                name,
            )
        return numbers[codes], False
    categories, order = np.unique(texts, return_inverse=True)
    if len(categories) > MOST_CATEGORIES:
        raise DataError(
            file, f"has {len(categories)} different texts; drop the column, it names single rows", column=name
        )
    return np.append(order.astype(float), np.nan)[codes], True
