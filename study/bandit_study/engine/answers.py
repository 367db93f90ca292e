"""Trains the arms of a set and asks each for its answers, once; the rest of the study is arithmetic."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import sklearn
from threadpoolctl import threadpool_limits

from bandit_study.cache import cache_folder
from bandit_study.data.table import Floats, Table
from bandit_study.engine import models
from bandit_study.engine.rewards import Reward, choose
from bandit_study.engine.settings import SKEW_FACTOR, Settings
from bandit_study.engine.split import Split, retrainings, split
from bandit_study.engine.stream import Stream

Progress = Callable[[str], None]
Model = models.Fitted | models.Constant
_MODULES = ("answers.py", "models.py", "rewards.py", "settings.py", "split.py")


@dataclasses.dataclass(frozen=True)
class Skew:
    """A break that is injected: one arm is handed one feature in another unit, from a chunk on."""

    arm: int
    """Index of the arm."""
    feature: int
    """Index of the feature."""
    chunk: int
    """Chunk from which on."""


def make_stream(
    table: Table, settings: Settings, progress: Progress, *, skewed: bool = False, cache: Path | None = None
) -> tuple[Stream, Skew | None]:
    """Train the arms and return their answers to the production stream, from the cache where nothing changed.

    Args:
        table: The data set.
        settings: The constants of the run.
        progress: Called with what is being done.
        skewed: Whether the break is injected.
        cache: Instead of ``cache_folder()``.
    """
    table = table.thinned(settings.rows)
    parts = split(len(table.target), settings)
    reward = choose(table.task, table.target[: parts.train])
    key = f"{table.name}{'+skew' if skewed else ''}-{_key(table, settings)}"
    path = (cache or cache_folder()) / "study" / "answers" / f"{key}.npz"
    if not path.exists():
        # On a busy machine OpenMP's threads wait for each other longer than they work.
        with threadpool_limits(1):
            _compute(path, table, parts, settings, reward, progress, skewed)
    with np.load(path, allow_pickle=False) as kept:
        about, scores = json.loads(str(kept["about"])), kept["scores"]
    target = table.target[parts.production :]
    rewards = np.column_stack([reward.of(column.astype(float), target) for column in scores.T])
    stream = Stream(
        name=table.name + ("+skew" if skewed else ""),
        task=table.task,
        reward=reward,
        names=tuple(about["names"]),
        scores=scores,
        target=target,
        rewards=rewards,
        edges=parts.edges - parts.production,
        joins=np.array(about["joins"], dtype=np.int64),
        validation=tuple((chunk, tuple(validation)) for chunk, validation in about["validation"]),
    )
    return stream, Skew(**about["skew"]) if about["skew"] else None


def _key(table: Table, settings: Settings) -> str:
    """Return a hash of all that the answers depend on."""
    code = b"".join(Path(__file__).with_name(name).read_bytes() for name in _MODULES)
    facts = (table.digest, table.features, dataclasses.astuple(settings)[1:], sklearn.__version__)
    return hashlib.sha256(code + repr(facts).encode()).hexdigest()[:16]


def _compute(
    path: Path,
    table: Table,
    parts: Split,
    settings: Settings,
    reward: Reward,
    progress: Progress,
    skewed: bool,
) -> None:
    production = table.values[parts.production :]
    held = slice(parts.train, parts.production)
    arms = first_arms(table, parts, settings, progress)
    validation = [(0, _validate(arms, table, held, reward))]
    skew = _worst_skew(arms, table, parts, reward, validation[0][1]) if skewed else None
    names, joins = [recipe.name for recipe in models.FIRST_ARMS], [0] * len(arms)
    for number, again in enumerate(retrainings(parts, settings), start=1):
        progress(f"training retrained-{number}")
        arms.append(models.train(models.BOOSTING, table, *again.train, settings.train_rows))
        names.append(f"retrained-{number}")
        joins.append(again.chunk)
        validation.append((again.chunk, _validate(arms, table, slice(*again.held), reward)))
    progress("asking every arm for its answers")
    scores = np.column_stack([arm.scores(production) for arm in arms]).astype(np.float32)
    if skew is not None:
        start = int(parts.edges[skew.chunk]) - parts.production
        broken = production[start:].copy()
        broken[:, skew.feature] *= SKEW_FACTOR
        scores[start:, skew.arm] = arms[skew.arm].scores(broken)
    about = {
        "names": names,
        "joins": joins,
        "validation": validation,
        "skew": dataclasses.asdict(skew) if skew else None,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and renamed, so that an interrupted run leaves no half file.
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as file:
        np.savez(file, about=json.dumps(about), scores=scores)
    Path(file.name).replace(path)


def first_arms(table: Table, parts: Split, settings: Settings, progress: Progress) -> list[Model]:
    """Train the arms that are there from the beginning, in the order of ``models.FIRST_ARMS``."""
    arms: list[Model] = []
    for recipe in models.FIRST_ARMS:
        progress(f"training {recipe.name}")
        first, end = (round(share * parts.train) for share in recipe.window)
        arms.append(models.train(recipe.algorithm, table, first, end, settings.train_rows))
    return arms


def _validate(arms: list[Model], table: Table, rows: slice, reward: Reward) -> list[float]:
    return [
        float(reward.of(arm.scores(table.values[rows]), table.target[rows]).mean()) if rows.stop > rows.start
        # Nothing was held back: no arm is known to be better.
        else 0.0
        for arm in arms
    ]  # fmt: skip


def _worst_skew(
    arms: list[Model], table: Table, parts: Split, reward: Reward, scores: list[float]
) -> Skew | None:
    """Choose the break: of the arm that validated best, by the feature for which it hurts most."""
    arm = int(np.argmax(scores))
    values, target = (
        table.values[parts.train : parts.production],
        table.target[parts.train : parts.production],
    )

    def earns(feature: int) -> float:
        broken: Floats = values.copy()
        broken[:, feature] *= SKEW_FACTOR
        return float(reward.of(arms[arm].scores(broken), target).mean())

    numeric = np.flatnonzero(~table.categorical)
    if not numeric.size:
        return None
    worst = min(numeric.tolist(), key=earns)
    return Skew(arm=arm, feature=int(worst), chunk=parts.chunks // 2)
