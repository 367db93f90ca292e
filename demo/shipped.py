"""A small set that comes with scikit-learn, for machines that reach no package registry."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_breast_cancer

from demo.dataset import Dataset, Skew

ROWS = 20_000  # of each half, drawn again and again from some 285 patients
# One measure of size only, so that a mistake in it is not made good by the others.
FEATURES = (
    "mean texture",
    "mean smoothness",
    "mean symmetry",
    "worst perimeter",
    "worst texture",
    "worst concavity",
)
NOISE = 0.5  # standard deviation of the noise added to each draw, in those of the feature


def load() -> Dataset:
    """Return breast cancer Wisconsin (diagnostic): 569 patients, drawn with replacement and blurred by noise.

    The first half of the patients are the past, the second half production, so that no patient is in both.
    The noise makes the task hard enough for models to differ.
    """
    bunch = load_breast_cancer()
    table = bunch.data[:, [list(bunch.feature_names).index(name) for name in FEATURES]]
    rng = np.random.default_rng(0)
    patients = rng.permutation(len(table))
    halves = np.array_split(patients, 2)
    drawn = np.concatenate([rng.choice(half, ROWS) for half in halves])
    noise = rng.normal(scale=NOISE * table.std(axis=0), size=(len(drawn), len(FEATURES)))
    values = np.maximum(table[drawn] + noise, 0.0)
    return Dataset(
        name="breast-cancer-wisconsin",
        source="breast cancer Wisconsin (diagnostic), 569 patients, resampled, from scikit-learn (CC BY 4.0)",
        features=list(FEATURES),
        values=values,
        labels=1 - bunch.target[drawn].astype(np.int64),  # 1 is malignant
        past=np.repeat([True, False], ROWS),
        categories={},
        skew=Skew(
            feature="worst perimeter",
            factor=0.1,
            cause="the new device reports centimetres where training had millimetres",
        ),
    )
