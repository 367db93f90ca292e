"""Hands a stream to others: as a world to simulate, or as rewards of one seed, chunk by chunk."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import yaml

from study.data.table import Floats, Table
from study.engine.answers import make_stream
from study.engine.draws import draw
from study.engine.settings import Settings
from study.engine.stream import Stream
from study.engine.traffic import Traffic

INTERVAL = 30.0
"""Seconds that a chunk stands for in a world; the operator's default interval."""


class Replay:
    """One seed of a stream, served by weights that someone else chooses: the real operator, for instance.

    Attributes:
        names: The arms; the baseline arm is the first.
        joins: Chunk from which on each of them can serve.
        chunks: How many chunks there are.
    """

    def __init__(self, stream: Stream, seed: int = 0) -> None:
        self.names = stream.names
        self.joins = stream.joins
        self.chunks = stream.chunks
        draws = draw(stream, seed + 1)
        one = slice(seed, seed + 1)
        draws = type(draws)(draws.rows[one], draws.route[one], draws.delay[one])
        self._traffic = Traffic(stream, draws)

    def serve(self, weights: dict[str, float]) -> dict[str, tuple[float, float]]:
        """Serve the next chunk; return the trials and rewards of each arm whose labels came in it.

        Args:
            weights: Weight of each arm, of any sum above 0; arms left out have none.
        """
        shares = np.array([[weights.get(name, 0.0) for name in self.names]], dtype=float)
        trials, rewards = self._traffic.serve(shares / shares.sum())
        return {name: (float(trials[0, arm]), float(rewards[0, arm])) for arm, name in enumerate(self.names)}


def write_world(
    table: Table, settings: Settings, folder: Path, *, skewed: bool = False, cache: Path | None = None
) -> Path:
    """Write a world of `bandit-operator simulate`: NAME.yaml, and NAME.csv with the rates.

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
    scores = next(found for _, found in stream.validation if len(found) > arm)
    return {
        "name": stream.names[arm],
        "rate": {"csv": f"{stream.name}.csv", "column": stream.names[arm]},
        "servesFrom": int(stream.joins[arm]),
        "validationScore": round(scores[arm], 6),
    }


def _filled(means: Floats, stream: Stream) -> Floats:
    first = means[stream.joins, np.arange(len(stream.names))]
    return np.where(np.isnan(means), first, means)
