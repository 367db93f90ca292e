"""Trains the arms of a stream as the study does, and writes them as files that can be served."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier
from threadpoolctl import threadpool_limits

from bandit_study.data.table import Table, Task
from bandit_study.engine.answers import first_arms, make_stream
from bandit_study.engine.models import Constant, Fitted
from bandit_study.engine.settings import Settings
from bandit_study.engine.split import split
from bandit_study.engine.stream import Stream
from bandit_study.errors import StudyError
from demo.rollout import Model, Rollout

NAME = "replay"
REWARDS = ("accuracy", "balanced-accuracy", "regression-error")
"""Reward functions that need no more of an arm than its prediction."""
MOST_BYTES = 1_000_000
"""Largest model that a ConfigMap holds."""
Progress = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A stream with its arms, ready to be served."""

    stream: Stream
    """What the study knows: what each arm earns on each row."""
    rollout: Rollout
    """What goes onto the cluster."""
    rows: Path
    """.npz file with the rows of the production stream, in the order of time."""
    months: float | None
    """How many months the production stream spans, None where that is unknown."""


def prepare(
    table: Table, settings: Settings, folder: Path, months: float | None, progress: Progress
) -> Prepared:
    """Train the arms and write them, and the rows, into a folder.

    Args:
        table: The data set.
        settings: The constants; few training rows keep the models small enough for a ConfigMap.
        folder: Where the files go.
        months: How long the whole set is.
        progress: Called with what is being done.

    Raises:
        StudyError: the set has a reward that needs more than predictions, or a model is too large.
    """
    table = table.thinned(settings.rows)
    parts = split(len(table.target), settings)
    table = filled(table, parts.train)
    stream, _ = make_stream(table, settings, progress)
    if stream.reward.name not in REWARDS:
        raise StudyError(
            f"{table.name}: its reward is {stream.reward.name}; a replay takes sets with {', '.join(REWARDS)}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with threadpool_limits(1):
        fitted = first_arms(table, parts, settings, progress)
    scores = stream.validation[0][1]
    arms = {
        name: write_model(folder, name, model, table, stream.reward.threshold, score)
        for name, model, score in zip(stream.names, fitted, scores, strict=True)
    }
    rows = folder / "rows.npz"
    labels = stream.target.astype(np.int64) if table.task is Task.CLASSIFICATION else stream.target
    np.savez(rows, features=list(table.features), values=table.values[parts.production :], labels=labels)
    rollout = Rollout(
        name=NAME,
        arms=arms,
        reward=stream.reward.name,
        reward_settings=stream.reward.settings,
        manifest="replay.yaml",
    )
    production = (len(table.target) - parts.production) / len(table.target)
    return Prepared(stream, rollout, rows, None if months is None else months * production)


def filled(table: Table, train: int) -> Table:
    """Return the table without gaps: the Open Inference Protocol carries finite numbers only.

    A missing value becomes the median of its column in the training part, or the category next to it.
    """
    medians = [
        np.median(known) if (known := column[~np.isnan(column)]).size else 0.0
        for column in table.values[:train].T
    ]
    middle = np.where(table.categorical, np.round(medians), medians)
    values = np.where(np.isnan(table.values), middle, table.values)
    return dataclasses.replace(table, values=values, digest=f"{table.digest} filled")


def write_model(
    folder: Path, name: str, fitted: Fitted | Constant, table: Table, threshold: float, score: float
) -> Model:
    """Write one arm as ``bandit-serving arm`` takes it; a class is predicted from the set's threshold on.

    Raises:
        StudyError: the arm cannot be served, or is too large.
    """
    if isinstance(fitted, Constant) or len(fitted.columns) < len(table.features):
        raise StudyError(f"{table.name}: {name} did not see every feature in training; take another set")
    estimator = fitted.estimator
    if table.task is Task.CLASSIFICATION:
        estimator = FixedThresholdClassifier(
            FrozenEstimator(estimator), threshold=threshold, response_method="predict_proba"
        ).fit(table.values[:2], [0, 1])
    model, card = folder / f"{name}.joblib", folder / f"{name}.json"
    joblib.dump(estimator, model, compress=("xz", 6))
    size = model.stat().st_size
    if size > MOST_BYTES:
        raise StudyError(
            f"{model}: has {size:,} bytes, a ConfigMap holds {MOST_BYTES:,}; train on fewer rows"
        )
    card.write_text(json.dumps({"name": name, "features": list(table.features)}), encoding="utf-8")
    return Model(name, model, card, score)
