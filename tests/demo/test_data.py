"""Where the data come from: cache, folder, registry, scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandit_study.archives import Archive, ArchiveError
from bandit_study.cache import cache_folder
from demo import census, data, shipped
from demo.dataset import production_stream


@pytest.fixture
def frame() -> Any:
    """Return 200 made-up people."""
    import pandas as pd

    rng = np.random.default_rng(0)
    numbers = {name: rng.integers(0, 5, 200) for name in census.COLUMNS}
    words = {name: numbers[name].astype(str) for name in census._CATEGORICAL}
    columns = {**numbers, **words, "year": rng.permutation([94, 95] * 100), "target": rng.integers(0, 2, 200)}
    return pd.DataFrame(columns)


def no_download(_archive: Archive, _folder: Path) -> Path:
    raise ArchiveError("no network")


def test_a_folder_with_a_copy_is_read_and_the_next_time_the_cache(
    tmp_path: Path, frame: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Archive, "fetch", no_download)
    folder = tmp_path / "data"
    folder.mkdir()
    frame.to_csv(folder / census.CSV_NAME, index=False)
    lines: list[str] = []
    first = data.load(lines.append, tmp_path / "cache", folder)
    assert "from a local folder" in first.source
    (folder / census.CSV_NAME).unlink()
    second = data.load(lines.append, tmp_path / "cache", folder)
    assert second.digest() == first.digest()
    assert second.source == first.source
    assert any("from a local folder" in line for line in lines)
    assert any("200 rows, 16 features" in line for line in lines)


def test_without_cache_folder_and_registry_it_says_that_it_takes_what_scikit_learn_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Archive, "fetch", no_download)
    lines: list[str] = []
    found = data.load(lines.append, tmp_path / "cache", tmp_path)
    assert found.name == "breast-cancer-wisconsin"
    assert any("no network" in line and "scikit-learn ships" in line for line in lines)
    assert not list((tmp_path / "cache").rglob("*.npz"))


def test_environment_variables_name_the_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("BANDIT_CACHE", "BANDIT_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert cache_folder() == Path.home() / ".cache" / "bandit-operator"
    assert data.data_folder().parts[-2:] == ("shared", "data")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "bandit-operator"
    monkeypatch.setenv("BANDIT_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("BANDIT_DATA", str(tmp_path / "sets"))
    assert (cache_folder(), data.data_folder()) == (tmp_path / "own", tmp_path / "sets")


def test_the_stream_has_the_wanted_share_of_positives_and_only_rows_of_the_later_part() -> None:
    found = shipped.load()
    stream = production_stream(found, positive_share=0.25, rows=4000)
    assert len(stream.labels) == 4000
    assert stream.labels.mean() == 0.25
    assert stream.priors == {"0": 0.75, "1": 0.25}
    later = {row.tobytes() for row in found.values[~found.past]}
    assert all(row.tobytes() in later for row in stream.values)
    again = production_stream(found, positive_share=0.25, rows=4000)
    assert np.array_equal(stream.values, again.values)


def test_a_stream_never_asks_for_more_rows_of_a_class_than_there_are() -> None:
    found = shipped.load()
    positives = int(found.labels[~found.past].sum())
    stream = production_stream(found, positive_share=0.9, rows=10**9)
    assert stream.labels.sum() <= positives
    assert stream.labels.mean() == pytest.approx(0.9, abs=0.001)
