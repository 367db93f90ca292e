"""Diabetes: 442 patients, and how far the disease has come a year later: a regression."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from sklearn.datasets import load_diabetes

from bandit_study.sources import shipped
from bandit_study.sources.base import Source


def read(_folder: Path) -> pd.DataFrame:
    """Return the stream made of it."""
    bunch = load_diabetes()
    return shipped.stream(bunch, bunch.target)


SOURCE = Source(
    name="diabetes_progression",
    time_order="none (drawn at random, noise grows halfway)",
    licence="free to use (Efron et al., 2004)",
    origin=shipped.source_text("diabetes"),
    read=read,
)
