"""A data set that is made up."""

from __future__ import annotations

import numpy as np

from bandit_study.data.table import Table, Task


def made_up_table(rows: int = 3000, task: Task = Task.CLASSIFICATION, name: str = "made-up") -> Table:
    """Return a set that models can learn, with a category and gaps."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(rows, 3))
    values[:, 1] = rng.integers(0, 4, rows)
    score = values[:, 0] + 0.5 * values[:, 1] + rng.normal(scale=0.5, size=rows)
    values[rng.random(rows) < 0.05, 2] = np.nan
    target = (score > np.median(score)).astype(float) if task is Task.CLASSIFICATION else score
    flags = np.array([False, True, False])
    return Table(name, task, ("x", "kind", "gaps"), values, flags, target, "made up", digest="0")
