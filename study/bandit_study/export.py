"""Hands a stream on as a world to simulate."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import yaml

from bandit_study.data.table import Floats, Table
from bandit_study.engine.answers import make_stream
from bandit_study.engine.settings import Settings
from bandit_study.engine.stream import Stream

INTERVAL = 30.0
"""Seconds that a chunk stands for in a world; the operator's default interval."""


def write_world(
    table: Table, settings: Settings, folder: Path, *, skewed: bool = False, cache: Path | None = None
) -> Path:
    """Write a world of ``bandit-operator simulate``: NAME.yaml, and NAME.csv with the rates.

    The rate of an arm in a chunk is its mean reward over all rows of it; before it joins, its first one.
    Labels come at once there: a world counts trials when they are served, the study when their label comes.

    Returns:
        Path of the YAML file.
    """
    stream, _ = make_stream(table, settings, lambda _text: None, skewed=skewed, cache=cache)
    folder.mkdir(parents=True, exist_ok=True)
    rates = _filled(stream.means, stream)
    with (folder / f"{stream.name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["chunk", "requests", *stream.names])
        for chunk in range(stream.chunks):
            writer.writerow([chunk, int(stream.sizes[chunk]), *(f"{rate:.6f}" for rate in rates[chunk])])
    content = {
        "name": stream.name,
        "ticks": stream.chunks,
        "interval": INTERVAL,
        "requests": {"csv": f"{stream.name}.csv", "column": "requests"},
        "baseline": stream.names[0],
        "arms": [_arm(stream, arm) for arm in range(len(stream.names))],
    }
    path = folder / f"{stream.name}.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def _arm(stream: Stream, arm: int) -> dict[str, object]:
    scores = next(validation for _, validation in stream.validation if len(validation) > arm)
    return {
        "name": stream.names[arm],
        "rate": {"csv": f"{stream.name}.csv", "column": stream.names[arm]},
        "servesFrom": int(stream.joins[arm]),
        "validationScore": round(scores[arm], 6),
    }


def _filled(means: Floats, stream: Stream) -> Floats:
    first = means[stream.joins, np.arange(len(stream.names))]
    return np.where(np.isnan(means), first, means)
