"""Sets are fetched once, into a folder that the study reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from bandit_study.archives import ArchiveError
from bandit_study.data.folder import read_index, read_table
from bandit_study.fetch import fetch
from bandit_study.sources.base import Source, Unreachable


def frame(_folder: Path) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"amount": rng.normal(size=400), "target": np.arange(400) % 2})


def unreachable(_folder: Path) -> pd.DataFrame:
    raise Unreachable("no network")


def broken(_folder: Path) -> pd.DataFrame:
    raise ArchiveError("another hash")


def source(name: str, read: Callable[[Path], pd.DataFrame] = frame) -> Source:
    return Source(name, "daily", "CC0", "made up", read)


def test_a_fetched_set_can_be_read_and_is_not_fetched_again(tmp_path: Path) -> None:
    said: list[str] = []
    assert fetch([], said.append, tmp_path, [source("sales")]) == ["sales"]
    entry = read_index(tmp_path)["sales"]
    assert read_table(entry).values[:, 0].tolist() == frame(tmp_path)["amount"].tolist()
    assert (entry.licence, entry.time_order) == ("CC0", "daily")
    assert fetch([], said.append, tmp_path, [source("sales", broken)]) == ["sales"]
    assert said[-1] == "sales: there already, 400 rows"
    assert any("licence CC0" in line for line in said)


def test_a_file_that_was_changed_is_fetched_again(tmp_path: Path) -> None:
    fetch([], lambda _: None, tmp_path, [source("sales")])
    path = tmp_path / "sales.csv.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    fetch([], lambda _: None, tmp_path, [source("sales")])
    assert path.read_bytes() == whole


def test_what_cannot_be_had_is_left_out_with_the_reason_and_the_others_are_there(tmp_path: Path) -> None:
    said: list[str] = []
    sources = [source("far", unreachable), source("other", broken), source("sales")]
    assert fetch([], said.append, tmp_path, sources) == ["sales"]
    assert "far: left out: no network" in said
    assert "other: left out: another hash" in said
    assert list(read_index(tmp_path)) == ["sales"]


def test_only_the_named_sets_are_fetched(tmp_path: Path) -> None:
    assert fetch(["b"], lambda _: None, tmp_path, [source("a", broken), source("b")]) == ["b"]
