"""The constants of the procedure."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a run may vary; the defaults are those of ``docs/study.md``."""

    seeds: int = 30
    """How often each strategy meets each stream."""
    chunks: int = 400
    """Into how many chunks the production stream is cut at most."""
    least_chunk: int = 20
    """Least rows of a chunk; a short stream has fewer chunks."""
    train_rows: int = 30_000
    """Most rows that a model is trained on."""
    retrainings: int = 3
    """Models that join while the stream goes on."""
    rows: int | None = None
    """Most rows of a set, evenly spaced over it; None for all."""


QUICK = Settings(seeds=6, chunks=120, train_rows=3_000, rows=10_000)

TRAIN_SHARE, VALIDATION_SHARE = 0.3, 0.1
WINDOW_SHARE = 0.2
"""Share of the training part that ``recent`` and ``stale`` see."""
HELD_SHARE = 0.2
"""Share of the rows for a retraining that is held back to validate."""
DELAY_MEDIAN, DELAY_P95, DELAY_LONGEST = 2.0, 8.0, 16
"""How late labels come, in chunks."""
LAST_WINDOW = 10
"""Chunks whose labels the baseline last-window looks at."""
AROUND = 10
"""Chunks before and after one over which a lasting difference is meant."""
RECENT = 20
"""Chunks before a verdict over which it is checked."""
STEADY = 10
"""Chunks on end for which an arm must have half of the traffic, to be the one chosen."""
SKEW_FACTOR = 0.01
"""What the injected break multiplies a feature by."""
MISSED_COST, ALARM_COST = 5.0, 1.0
