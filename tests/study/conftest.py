"""Small streams, made up."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandit_study.data.table import Table, Task
from bandit_study.engine.rewards import Reward
from bandit_study.engine.settings import Settings
from bandit_study.engine.stream import Stream
from tests.support.tables import made_up_table


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Constants with which a set runs in a moment."""
    return Settings(seeds=3, chunks=80, train_rows=300)


@pytest.fixture
def make_stream() -> Callable[..., Stream]:
    """Make a stream whose arms earn at random, at rates by chunk and arm."""

    def make(
        rates: Any, size: int = 100, joins: tuple[int, ...] | None = None, name: str = "made-up"
    ) -> Stream:
        rates = np.asarray(rates, dtype=float)
        chunks, arms = rates.shape
        rng = np.random.default_rng(0)
        rewards = (rng.random((chunks * size, arms)) < np.repeat(rates, size, axis=0)).astype(float)
        target = rng.integers(0, 2, chunks * size).astype(float)
        scores = np.where(rewards == 1, target[:, None], 1 - target[:, None]) * 0.8 + 0.1
        since = joins or (0,) * arms
        scores_at = tuple(
            (chunk, tuple(0.5 + 0.01 * arm for arm in range(sum(join <= chunk for join in since))))
            for chunk in sorted(set(since))
        )
        return Stream(
            name=name,
            task=Task.CLASSIFICATION,
            reward=Reward("accuracy", {}, 0.5),
            names=tuple(f"arm{arm}" for arm in range(arms)),
            scores=scores.astype(np.float32),
            target=target,
            rewards=rewards,
            edges=np.arange(chunks + 1) * size,
            joins=np.array(since),
            validation=scores_at,
        )

    return make


@pytest.fixture(scope="session")
def make_table() -> Callable[..., Table]:
    """Make a set that models can learn, with a category and gaps."""
    return made_up_table


@pytest.fixture
def write_set(tmp_path: Path) -> Callable[..., Path]:
    """Write sets into a folder as the study reads them: lines of CSV by name."""

    def write(**sets: str) -> Path:
        index = ["name,time_order,licence,source"]
        for name, text in sets.items():
            with gzip.open(tmp_path / f"{name}.csv.gz", "wt", encoding="utf-8") as file:
                file.write(text)
            index.append(f"{name},daily,CC0,made up")
        (tmp_path / "INDEX.csv").write_text("\n".join(index) + "\n")
        return tmp_path

    return write


@pytest.fixture
def rows_of() -> Callable[..., list[str]]:
    """Lines of a set that can be read: a number, a text and a target."""

    def lines(count: int = 400) -> list[str]:
        return ["amount,place,target", *(f"{row / 7:.3f},{'abc'[row % 3]},{row % 2}" for row in range(count))]

    return lines
