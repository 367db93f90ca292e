"""Sets of OpenML, where it can be reached."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path

import pandas as pd
from sklearn.datasets import fetch_openml

from bandit_study.sources.base import Source, Unreachable


def _read(folder: Path, name: str, version: int, label: str, drop: tuple[str, ...]) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that it tries again; the error says all
            bunch = fetch_openml(
                name=name, version=version, data_home=str(folder / "openml"), as_frame=True, n_retries=1
            )
    except (OSError, ValueError) as error:
        raise Unreachable(f"OpenML cannot be reached or has no {name} {version}: {error}") from error
    frame = bunch.frame
    target = bunch.target_names[0]
    positive = (frame[target].astype(str).str.strip() == label).astype(int)
    return frame.drop(columns=[target, *drop]).assign(target=positive)


def _source(
    name: str, openml: str, version: int, label: str, time: str, licence: str, drop: tuple[str, ...] = ()
) -> Source:
    read = partial(_read, name=openml, version=version, label=label, drop=drop)
    return Source(name, time, licence, f"OpenML ({openml}, version {version})", read)


SOURCES = (
    _source("adult", "adult", 2, ">50K", "none (1994 only)", "CC BY 4.0 (UCI)", ("fnlwgt",)),
    _source(
        "elec2", "electricity", 1, "UP", "half-hourly, May 1996 to December 1998", "public", ("date", "day")
    ),
    _source(
        "credit_default_taiwan",
        "default-of-credit-card-clients",
        1,
        "1",
        "none (ID only)",
        "CC BY 4.0 (UCI)",
    ),
)
