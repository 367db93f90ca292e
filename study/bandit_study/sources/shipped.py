"""Makes streams of the small sets that scikit-learn ships."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

ROWS = 24_000
PAST_SHARE = 0.4
"""Share of the rows drawn for training and validation, from rows that never come in production."""
NOISE = 0.5
"""Standard deviation of the noise added to each draw, in those of the feature."""


def stream(bunch: Any, target: Any) -> pd.DataFrame:
    """Draw a stream with replacement from a small set, blurred by noise.

    Part of the rows make the past and the others production, so that none is in both. The noise
    makes the task hard enough for models to differ; halfway through production it grows by half,
    so that there is a drift.

    Args:
        bunch: What scikit-learn returns.
        target: The label of each row.
    """
    values, labels = np.asarray(bunch.data, dtype=float), np.asarray(target)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(values))
    cut = int(PAST_SHARE * len(order))
    past = int(PAST_SHARE * ROWS)
    rows = np.concatenate([rng.choice(order[:cut], past), rng.choice(order[cut:], ROWS - past)])
    scale = np.where(np.arange(ROWS) < (past + ROWS) // 2, NOISE, 1.5 * NOISE)
    noise = rng.normal(size=(ROWS, values.shape[1])) * values.std(axis=0) * scale[:, None]
    names = [str(name) for name in bunch.feature_names]
    frame = pd.DataFrame((values[rows] + noise).round(5), columns=names)
    return frame.assign(target=labels[rows])


def source_text(name: str) -> str:
    """Return the origin of a set, for the index."""
    return f"shipped with scikit-learn ({name}), drawn with replacement and blurred"
