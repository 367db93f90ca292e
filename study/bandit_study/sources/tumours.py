"""Breast cancer Wisconsin (diagnostic): 569 patients, and whether each tumour is malignant."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from sklearn.datasets import load_breast_cancer

from bandit_study.sources import shipped
from bandit_study.sources.base import Source


def read(_folder: Path) -> pd.DataFrame:
    """Return the stream made of it."""
    bunch = load_breast_cancer()
    return shipped.stream(bunch, 1 - bunch.target)


SOURCE = Source(
    name="breast_cancer",
    time_order="none (drawn at random, noise grows halfway)",
    licence="CC BY 4.0 (UCI)",
    origin=shipped.source_text("breast cancer Wisconsin"),
    read=read,
)
