"""The arms: real models of scikit-learn, of different algorithms and training windows."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from bandit_study.data.table import Flags, Floats, Table, Task
from bandit_study.engine.settings import WINDOW_SHARE

BASELINE = "linear"
BOOSTING = "boosting"
MOST_CATEGORIES = 15
"""Categories of a feature that get a column of their own in the linear model."""
ROWS_AT_ONCE = 50_000


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How an arm is made."""

    name: str
    """Name of the arm."""
    algorithm: str
    """One of ``linear``, ``boosting``, ``forest`` and ``tree``."""
    window: tuple[float, float] = (0.0, 1.0)
    """Part of the training rows that it sees: first and last share, between 0 and 1."""


FIRST_ARMS = (
    Recipe(BASELINE, "linear"),
    Recipe(BOOSTING, "boosting"),
    Recipe("forest", "forest"),
    Recipe("overfit", "tree"),
    Recipe("recent", "linear", (1.0 - WINDOW_SHARE, 1.0)),
    Recipe("stale", "boosting", (0.0, WINDOW_SHARE)),
)
"""The arms that are there from the beginning, the baseline first."""


@dataclasses.dataclass(frozen=True)
class Constant:
    """What stands for a model where its training rows have one class only."""

    value: float
    """The score of every row."""

    def scores(self, values: Floats) -> Floats:
        """Return the same score for every row."""
        return np.full(len(values), self.value)


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A trained model."""

    estimator: Any
    """The pipeline."""
    task: Task
    """What it predicts."""
    columns: npt.NDArray[np.int64]
    """Indices of the features that it sees: those that had a value when it was trained."""

    def scores(self, values: Floats) -> Floats:
        """Return the probability of class 1, or the predicted number, of each row."""
        parts = []
        for start in range(0, len(values), ROWS_AT_ONCE):
            part = values[start : start + ROWS_AT_ONCE, self.columns]
            if self.task is Task.CLASSIFICATION:
                parts.append(self.estimator.predict_proba(part)[:, 1])
            else:
                parts.append(self.estimator.predict(part))
        return np.concatenate(parts) if parts else np.zeros(0)


def train(algorithm: str, table: Table, first: int, end: int, most: int) -> Fitted | Constant:
    """Train on at most ``most`` rows, evenly spaced between ``first`` and ``end``."""
    rows = np.unique(np.linspace(first, end - 1, min(most, end - first)).astype(int))
    values, target = table.values[rows], table.target[rows]
    columns = np.flatnonzero(~np.isnan(values).all(axis=0))
    if len(np.unique(target)) < 2 or not columns.size:
        return Constant(float(target.mean()))
    model = _pipeline(algorithm, table.task, table.categorical[columns])
    with warnings.catch_warnings():
        # A linear model that has not quite converged is an arm like any other.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(values[:, columns], target)
    return Fitted(model, table.task, columns)


def _pipeline(algorithm: str, task: Task, categorical: Flags) -> Any:
    classes = task is Task.CLASSIFICATION
    match algorithm:
        case "linear":
            numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
            codes = OneHotEncoder(
                max_categories=MOST_CATEGORIES, handle_unknown="infrequent_if_exist", sparse_output=False
            )
            columns = [("numbers", numbers, ~categorical), ("codes", codes, categorical)]
            model = LogisticRegression(max_iter=200) if classes else Ridge()
            return make_pipeline(ColumnTransformer(columns), model)
        case "boosting":
            kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
            return kind(max_iter=100, early_stopping=False, random_state=0)
        case "forest":
            kind = ExtraTreesClassifier if classes else ExtraTreesRegressor
            return kind(n_estimators=50, min_samples_leaf=5, n_jobs=1, random_state=0)
        case "tree":
            kind = DecisionTreeClassifier if classes else DecisionTreeRegressor
            return kind(random_state=0)
    raise ValueError(f"{algorithm!r} is no algorithm of the study")
