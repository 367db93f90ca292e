"""Fetches data sets into a folder of the form that the study reads."""

from __future__ import annotations

import csv
import gzip
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from bandit_study.archives import ArchiveError
from bandit_study.cache import cache_folder, file_digest
from bandit_study.data.folder import INDEX
from bandit_study.sources import SOURCES, Source
from bandit_study.sources.base import Unreachable

COLUMNS = ("name", "rows", "features", "time_order", "licence", "source", "sha256")
Progress = Callable[[str], None]


def data_folder() -> Path:
    """Return the folder that fetched sets are kept in."""
    return cache_folder() / "study" / "data"


def fetch(
    names: Sequence[str], progress: Progress, folder: Path | None = None, sources: Sequence[Source] = SOURCES
) -> list[str]:
    """Fetch the sets that are not there yet, and write the index.

    Args:
        names: Sets to fetch; all of them where there are none.
        progress: Called with each line worth showing.
        folder: Instead of ``data_folder()``.
        sources: Where sets come from.

    Returns:
        Names of the sets that are there now.
    """
    target = folder or data_folder()
    target.mkdir(parents=True, exist_ok=True)
    downloads = target / "downloads"
    downloads.mkdir(exist_ok=True)
    index = _read_index(target / INDEX)
    for source in sources:
        path = target / f"{source.name}.csv.gz"
        if names and source.name not in names:
            continue
        line = index.get(source.name)
        if path.exists() and line is not None and line["sha256"] == file_digest(path):
            progress(f"{source.name}: there already, {int(line['rows']):,} rows")
            continue
        progress(f"{source.name}: fetching {source.origin}; licence {source.licence}")
        try:
            frame = source.read(downloads)
        except (ArchiveError, Unreachable) as error:
            progress(f"{source.name}: left out: {error}")
            continue
        _write(path, frame)
        index[source.name] = {
            "name": source.name,
            "rows": str(len(frame)),
            "features": str(len(frame.columns) - 1),
            "time_order": source.time_order,
            "licence": source.licence,
            "source": source.origin,
            "sha256": file_digest(path),
        }
        _write_index(target / INDEX, index)
        progress(f"{source.name}: {len(frame):,} rows")
    return sorted(name for name in index if (target / f"{name}.csv.gz").exists())


def _write(path: Path, frame: pd.DataFrame) -> None:
    # Written aside and renamed, so that an interrupted run leaves no half file.
    # Without the time of writing in it, equal content gives an equal file.
    with (
        tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file,
        gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, mtime=0, filename="") as packed,
    ):
        frame.to_csv(packed, index=False)
    Path(file.name).replace(path)


def _read_index(path: Path) -> dict[str, dict[str, str]]:
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    return {line["name"]: line for line in lines if set(COLUMNS) <= set(line)}


def _write_index(path: Path, index: dict[str, dict[str, str]]) -> None:
    part = path.with_suffix(".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(index[name] for name in sorted(index))
    part.replace(path)
