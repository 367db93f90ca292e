"""Reading the census data from a made-up archive."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bandit_study.sources.census import FILES, LABEL, YEAR
from demo import census


def person(age: int, worker: str, weeks: int, year: int, rich: bool) -> list[str]:
    """Return the 42 columns of one person as the original files have them."""
    row = ["0"] * 42
    for name, index in census.COLUMNS.items():
        row[index] = {"age": str(age), "class of worker": worker, "weeks worked in year": str(weeks)}.get(
            name, "0"
        )
    row[24] = "1234.56"  # the instance weight
    row[YEAR], row[LABEL] = str(year), "50000+." if rich else "- 50000."
    return row


PEOPLE = [
    person(30, "Private", 52, 94, rich=True),
    person(40, "Private", 10, 95, rich=False),
    person(50, "Never worked", 0, 94, rich=False),
    person(60, "Without pay", 5, 95, rich=True),  # a class of worker that the past does not know
]


def archive(path: Path, people: list[list[str]], files: tuple[str, ...] = FILES) -> str:
    """Write people into the files of an archive in turn, and return its hash."""
    with tarfile.open(path, "w:gz") as tar:
        for number, name in enumerate(files):
            text = "".join(", ".join(row) + "\n" for row in people[number::2])
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_both_files_of_the_archive_are_read_and_encoded(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    frame = census.read_archive(path, archive(path, PEOPLE))
    assert len(frame) == 4
    data = census.encode(frame, "made up")
    assert data.features == list(census.COLUMNS)
    assert "instance weight" not in data.features
    assert data.past.tolist() == [True, True, False, False]
    assert data.categories["class of worker"] == ["Never worked", "Private"]
    ages, workers, weeks = (
        data.values[:, data.features.index(name)]
        for name in ("age", "class of worker", "weeks worked in year")
    )
    by_age = {
        age: (worker, week, label)
        for age, worker, week, label in zip(ages, workers, weeks, data.labels, strict=True)
    }
    assert by_age == {30: (1, 52, 1), 40: (1, 10, 0), 50: (0, 0, 0), 60: (2, 5, 1)}


def test_a_csv_file_gives_the_same_rows_in_the_same_order(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    frame = census.read_archive(path, archive(path, PEOPLE))
    frame.iloc[::-1].assign(extra=1).to_csv(tmp_path / "set.csv.gz", index=False)
    first, second = census.encode(frame, "s"), census.encode(census.read_csv(tmp_path / "set.csv.gz"), "s")
    assert first.digest() == second.digest()
    assert np.array_equal(first.values, second.values)


def test_an_archive_with_another_hash_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(b"no archive")
    with pytest.raises(
        census.CensusError, match=r"a.tar.gz: SHA-256 is .*, expected 94a908.*; delete the file"
    ):
        census.read_archive(path)


def test_an_archive_that_lacks_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    digest = archive(path, PEOPLE, FILES[:1])
    with pytest.raises(census.CensusError, match=r"holds no file .*test.csv"):
        census.read_archive(path, digest)


def test_an_unknown_income_class_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    changed = [*PEOPLE, [*PEOPLE[0][:-1], "60000+."]]
    digest = archive(path, changed)
    with pytest.raises(census.CensusError, match=r"unknown income classes \['60000\+\.'\]"):
        census.read_archive(path, digest)


def test_another_year_or_a_missing_number_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    frame = census.read_archive(path, archive(path, PEOPLE))
    with pytest.raises(census.CensusError, match=r"the years are .*96.*, expected 94 and 95"):
        census.encode(frame.assign(year=[94, 95, 94, 96]), "made up")
    with pytest.raises(census.CensusError, match="a value is missing in age"):
        census.encode(frame.assign(age=[1, None, 2, 3]), "made up")


def test_a_csv_file_that_lacks_a_column_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"age": [1], "year": [94], "target": [0]}).to_csv(tmp_path / "set.csv", index=False)
    with pytest.raises(census.CensusError, match=r"set.csv: .*class of worker"):
        census.read_csv(tmp_path / "set.csv")
