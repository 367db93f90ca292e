"""Reads Parquet files; where no library for them is installed, with one beside, not in, this environment."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bandit_study.sources.base import Unreachable

LIBRARY, VERSION = "pyarrow", "24.0.0"
INSTALL_SECONDS = 600
_CONVERT = """
import sys
import pyarrow.csv, pyarrow.parquet
for path in sys.argv[1:]:
    pyarrow.csv.write_csv(pyarrow.parquet.read_table(path), path + ".csv")
"""


def read(paths: Sequence[Path], folder: Path) -> list[pd.DataFrame]:
    """Return the frames of Parquet files.

    Args:
        paths: The files.
        folder: Where the library is installed and files are written, if there is none.

    Raises:
        Unreachable: the library cannot be installed.
    """
    if importlib.util.find_spec(LIBRARY) is not None:
        return [pd.read_parquet(path) for path in paths]
    tools = (folder / LIBRARY).resolve()
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    install += ["--only-binary", ":all:", "--target", str(tools), f"{LIBRARY}=={VERSION}"]
    convert = [sys.executable, "-c", _CONVERT, *(str(path) for path in paths)]
    try:
        if not (tools / LIBRARY).exists():
            subprocess.run(install, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)
        environment = {**os.environ, "PYTHONPATH": str(tools)}
        subprocess.run(
            convert, check=True, capture_output=True, text=True, env=environment, timeout=INSTALL_SECONDS
        )
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip() or str(error)).splitlines()[-1]
        raise Unreachable(f"{LIBRARY} {VERSION}, which reads Parquet, failed: {last}") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise Unreachable(f"{LIBRARY} {VERSION}, which reads Parquet, failed: {error}") from error
    return [pd.read_csv(f"{path}.csv", low_memory=False) for path in paths]
