"""Runs one data set: trains, plays every strategy and baseline, and sums up."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bandit_operator.core.strategies import STRATEGIES
from bandit_study.data.known import known
from bandit_study.data.table import Floats, Table
from bandit_study.engine import baselines
from bandit_study.engine.answers import Skew, make_stream
from bandit_study.engine.draws import draw
from bandit_study.engine.intervals import mean_interval, paired
from bandit_study.engine.measures import measure
from bandit_study.engine.play import SHADOWS, Path, play
from bandit_study.engine.settings import Settings
from bandit_study.engine.stream import Ints, Stream

Progress = Callable[[str], None]
Result = dict[str, Any]
PATHS = (*baselines.BASELINES, *STRATEGIES, *SHADOWS)
"""All that is compared: the baselines, then the strategies, then the default one with a shadow."""
COMPARED = (baselines.REFERENCE, "last-window")
"""Paths that differences are taken to."""
POINTS = 100
"""Most points of a curve that is kept for the pictures."""


def run_dataset(table: Table, settings: Settings, progress: Progress, *, skewed: bool = False) -> Result:
    """Return everything that came of a set, ready to be written as JSON.

    Args:
        table: The data set.
        settings: The constants of the run.
        progress: Called with what is being done.
        skewed: Whether the break is injected.
    """
    begun = time.process_time()
    stream, skew = make_stream(table, settings, progress, skewed=skewed)
    draws = draw(stream, settings.seeds)
    at = np.unique(np.linspace(0, stream.chunks - 1, min(stream.chunks, POINTS)).astype(int))
    measures: dict[str, dict[str, Floats]] = {}
    shares: dict[str, list[list[float | None]]] = {}
    for number, name in enumerate(PATHS, start=1):
        progress(f"{name} ({number} of {len(PATHS)})")
        path = (
            baselines.serve(stream, draws, name) if name in baselines.BASELINES else play(stream, draws, name)
        )
        measures[name] = measure(stream, draws, path)
        shares[name] = _rounded(_shares(stream, path)[at])
    return {
        **_about(table, stream, settings, skew),
        "seconds": round(time.process_time() - begun, 1),
        "measures": {name: _summed_up(measures, name) for name in PATHS},
        "curves": {"chunks": at.tolist(), "means": _rounded(stream.means_around[at]), "shares": shares},
    }


def _about(table: Table, stream: Stream, settings: Settings, skew: Skew | None) -> Result:
    scores: dict[int, float] = {}
    for _, validation in stream.validation:
        for arm, score in enumerate(validation):
            scores.setdefault(arm, score)
    return {
        "name": stream.name,
        "task": str(table.task),
        "rows": len(table.target),
        "features": len(table.features),
        "mean_target": float(table.target.mean()),
        "time_order": table.time_order,
        "ordered": table.ordered,
        "months": known(table.name).months,
        "licence": table.licence,
        "source": table.source,
        "reward": stream.reward.name,
        "seeds": settings.seeds,
        "chunks": stream.chunks,
        "requests": len(stream.target),
        "best_single": stream.names[stream.best_single],
        "skew": None
        if skew is None
        else {
            "arm": stream.names[skew.arm],
            "feature": table.features[skew.feature],
            "chunk": skew.chunk,
        },
        "arms": [
            {
                "name": name,
                "joins": int(stream.joins[arm]),
                "validation": scores[arm],
                "mean_reward": float(stream.mean(int(stream.joins[arm]), stream.chunks)[arm]),
            }
            for arm, name in enumerate(stream.names)
        ],
    }


def _summed_up(measures: dict[str, dict[str, Floats]], name: str) -> dict[str, Any]:
    result = {}
    for measure_name, values in measures[name].items():
        kept: dict[str, Any] = {"mean": mean_interval(values)}
        for reference in COMPARED:
            kept[f"vs {reference}"] = paired(values, measures[reference][measure_name])
        result[measure_name] = kept
    return result


def _shares(stream: Stream, path: Path) -> Floats:
    """Share of each chunk's requests that each arm served, over all seeds, shape (T, K)."""
    counts: Ints = np.zeros((stream.chunks, len(stream.names)), dtype=np.int64)
    for served in path.served:
        np.add.at(counts, (stream.chunk_of, served), 1)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _rounded(values: Floats) -> list[list[float | None]]:
    return [[None if np.isnan(value) else round(float(value), 4) for value in row] for row in values]
