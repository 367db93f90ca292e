"""Trains the models of the demo and draws the traffic that they meet.

The story: the model that validates best is served with a training/serving skew in one feature and is the
worst in production, until it is fixed. ``prepare`` measures that this is so and says the figures.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import sklearn
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from bandit_study.cache import cache_folder
from demo.data import Progress, load
from demo.dataset import Dataset, Stream, production_stream
from demo.rollout import Model, Rollout

NAME = "income"
"""Of the BanditDeployment and of the route that it moves."""
TRAINED_SHARE = 0.75  # of the past; the rest validates
NEGATIVES_PER_POSITIVE = (
    4  # in training; more cost time and bring nothing, since classes are weighted equally
)

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


def make_models() -> dict[str, Any]:
    """Return the untrained arms by name: four kinds of models that answer one row in about 1 ms.

    Each gives both classes the same weight, as balanced accuracy does.
    """
    return {
        "boosting": HistGradientBoostingClassifier(
            max_iter=80, learning_rate=0.15, class_weight="balanced", random_state=0
        ),
        "extra-trees": ExtraTreesClassifier(
            n_estimators=10, max_depth=8, class_weight="balanced", random_state=0, n_jobs=1
        ),
        "logistic": make_pipeline(
            StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=300)
        ),
        "naive-bayes": make_pipeline(FunctionTransformer(np.log1p), GaussianNB(priors=[0.5, 0.5])),
    }


@dataclasses.dataclass(frozen=True)
class Arm(Model):
    """A model whose balanced accuracy is known: ``validation`` is that on the past it was not trained on."""

    production: float
    """Balanced accuracy on the stream."""
    skewed: float
    """Balanced accuracy on the stream where it is served with the skew."""


@dataclasses.dataclass(frozen=True)
class Prepared:
    """All that the demo needs."""

    folder: Path
    """Where the files are."""
    source: str
    """Sentence about the data."""
    features: list[str]
    """Names of the columns."""
    stream: Path
    """.npz file that the replayer plays."""
    priors: dict[str, float]
    """Share of each class in the stream, for the balanced-accuracy reward."""
    arms: dict[str, Arm]
    """The arms by name."""
    best: str
    """Name of the arm that validates best: the one to serve with the skew."""
    skew_feature: str
    """Feature that the skew falls on."""
    skew_factor: float
    """Factor of the skew."""
    skew_cause: str
    """Sentence about it."""

    shadow_share: float | None = None
    """Share of the requests that every arm scores in the shadow; None for no shadow."""

    def rollout(self) -> Rollout:
        """Return what goes onto the cluster: all arms, the best of them with the skew."""
        return Rollout(
            name=NAME,
            arms=self.arms,
            reward="balanced-accuracy",
            reward_settings={"priors": self.priors},
            manifest="rollout.yaml" if self.shadow_share is None else "rollout-shadow.yaml",
            skew={self.best: {self.skew_feature: self.skew_factor}},
            shadow_share=self.shadow_share,
            newcomer=None if self.shadow_share is None else self.best,
        )


def prepare(progress: Progress, cache: Path | None = None, folder: Path | None = None) -> Prepared:
    """Train the models, or take them from the cache if neither data nor code have changed.

    Args:
        progress: Called with each line worth showing.
        cache: Instead of ``bandit_study.cache.cache_folder()``.
        folder: Folder with a copy of the data, instead of ``demo.data.data_folder()``.
    """
    data = load(progress, cache, folder)
    target = (cache or cache_folder()) / "demo" / f"models-{_key(data)}"
    if (target / "manifest.json").exists():
        progress(f"models: unchanged, from {target}")
    else:
        _train_into(target, data, progress)
    prepared = read_prepared(target)
    _tell(prepared, progress)
    return prepared


def read_prepared(folder: Path) -> Prepared:
    """Read what ``prepare`` left in a folder."""
    manifest = json.loads((folder / "manifest.json").read_text())
    arms = {
        name: Arm(name, folder / f"{name}.joblib", folder / f"{name}.json", **scores)
        for name, scores in manifest.pop("arms").items()
    }
    return Prepared(folder=folder, stream=folder / "stream.npz", arms=arms, **manifest)


def _key(data: Dataset) -> str:
    """Return a hash of all that the result depends on: the data, this code, and scikit-learn's version."""
    code = b"".join((Path(__file__).with_name(name)).read_bytes() for name in ("models.py", "dataset.py"))
    content = hashlib.sha256(
        code + data.digest().encode() + data.source.encode() + sklearn.__version__.encode()
    )
    return content.hexdigest()[:16]


def _train_into(target: Path, data: Dataset, progress: Progress) -> None:
    """Fill the folder; it appears as a whole, so that an interrupted run leaves nothing half done."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        folder = Path(scratch) / "models"
        folder.mkdir()
        stream = production_stream(data)
        np.savez(folder / "stream.npz", features=data.features, values=stream.values, labels=stream.labels)
        scores = _train(folder, data, stream, progress)
        manifest = {
            "source": data.source,
            "features": data.features,
            "priors": stream.priors,
            "arms": scores,
            "best": max(scores, key=lambda name: scores[name]["validation"]),
            "skew_feature": data.skew.feature,
            "skew_factor": data.skew.factor,
            "skew_cause": data.skew.cause,
        }
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=2))
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)


def _train(folder: Path, data: Dataset, stream: Stream, progress: Progress) -> dict[str, dict[str, float]]:
    (values, labels), (held_values, held_labels) = _split(data)
    skewed = stream.values.copy()
    skewed[:, data.features.index(data.skew.feature)] *= data.skew.factor
    scores = {}
    for name, model in make_models().items():
        started = time.monotonic()
        with threadpool_limits(
            1
        ):  # on a busy machine OpenMP's threads wait for each other longer than they work
            model.fit(values, labels)
        score = {
            "validation": float(balanced_accuracy_score(held_labels, model.predict(held_values))),
            "production": float(balanced_accuracy_score(stream.labels, model.predict(stream.values))),
            "skewed": float(balanced_accuracy_score(stream.labels, model.predict(skewed))),
        }
        joblib.dump(model, folder / f"{name}.joblib")
        card = {
            "name": name,
            "features": data.features,
            "categories": data.categories,
            "balanced_accuracy": score,
        }
        (folder / f"{name}.json").write_text(json.dumps(card, indent=2))
        scores[name] = score
        progress(f"models: {name} trained on {len(labels):,} rows in {time.monotonic() - started:.1f} s")
    return scores


def _split(data: Dataset) -> tuple[tuple[Floats, Labels], tuple[Floats, Labels]]:
    """Return rows to train on, with most negatives left out, and rows to validate on, as they come."""
    past = np.flatnonzero(data.past)
    cut = int(TRAINED_SHARE * len(past))
    trained, held = past[:cut], past[cut:]
    rng = np.random.default_rng(0)
    positives, negatives = trained[data.labels[trained] == 1], trained[data.labels[trained] == 0]
    kept = rng.permutation(negatives)[: NEGATIVES_PER_POSITIVE * len(positives)]
    trained = rng.permutation(np.concatenate([positives, kept]))
    return (data.values[trained], data.labels[trained]), (data.values[held], data.labels[held])


def _tell(prepared: Prepared, progress: Progress) -> None:
    progress("models: balanced accuracy    validated  in production  served with the skew")
    for arm in prepared.arms.values():
        mark = "  <- validates best" if arm.name == prepared.best else ""
        progress(
            f"models:   {arm.name:<22}{arm.validation:9.3f}{arm.production:15.3f}{arm.skewed:22.3f}{mark}"
        )
    progress(f"models: {prepared.best} is served with a skew: {prepared.skew_cause}")


if __name__ == "__main__":
    prepare(print)
