"""Handwritten digits: 1,797 images of 8 × 8 pixels, and whether each shows five or more."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from sklearn.datasets import load_digits

from bandit_study.sources import shipped
from bandit_study.sources.base import Source


def read(_folder: Path) -> pd.DataFrame:
    """Return the stream made of it."""
    bunch = load_digits()
    return shipped.stream(bunch, (bunch.target >= 5).astype(int))


SOURCE = Source(
    name="digits",
    time_order="none (drawn at random, noise grows halfway)",
    licence="CC BY 4.0 (UCI)",
    origin=shipped.source_text("digits"),
    read=read,
)
