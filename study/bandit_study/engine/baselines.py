"""What a bandit has to beat: ways to choose an arm without the operator, two of them out of reach."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bandit_study.data.table import Floats
from bandit_study.engine.draws import Draws
from bandit_study.engine.play import NEVER, Path
from bandit_study.engine.settings import LAST_WINDOW
from bandit_study.engine.stream import Ints, Stream


def constant(stream: Stream, _draws: Draws) -> Ints:
    """Return the baseline arm for every chunk, shape (1, T)."""
    return np.zeros((1, stream.chunks), dtype=np.int64)


def best_single(stream: Stream, _draws: Draws) -> Ints:
    """Return for every chunk the first arm that is best over the whole stream, shape (1, T)."""
    return np.full((1, stream.chunks), stream.best_single)


def oracle(stream: Stream, _draws: Draws) -> Ints:
    """Return the arm that is best in each chunk over all its rows, shape (1, T)."""
    return np.asarray(np.nanargmax(stream.means, axis=1)[None, :])


def last_window(stream: Stream, draws: Draws) -> Ints:
    """Return the arm with the best mean over all labels of the last ten chunks, shape (S, T).

    It is scored on every labelled row, whichever arm served it, but only on labels that came before
    the chunk, and on rows since it joined. Before any label the baseline arm serves.
    """
    trials, rewards = _arrived(stream, draws)
    window_trials, window_rewards = _last(trials), _last(rewards)
    means = np.where(window_trials > 0, window_rewards / np.maximum(window_trials, 1), -np.inf)
    return np.asarray(means.argmax(axis=2))


def _arrived(stream: Stream, draws: Draws) -> tuple[Floats, Floats]:
    """Trials and rewards of every arm by the chunk in which their labels come, each (S, T, K)."""
    chunks, arms = stream.chunks, len(stream.names)
    shape = (draws.seeds, chunks, arms)
    trials, rewards = np.zeros(shape), np.zeros(shape)
    for seed in range(draws.seeds):
        come = stream.chunk_of + draws.delay[seed]
        for arm in range(arms):
            counted = (come < chunks) & (stream.chunk_of >= stream.joins[arm])
            at = come[counted]
            trials[seed, :, arm] = np.bincount(at, minlength=chunks)
            earned = stream.rewards[draws.rows[seed][counted], arm]
            rewards[seed, :, arm] = np.bincount(at, earned, minlength=chunks)
    return trials, rewards


def _last(values: Floats) -> Floats:
    """Sum over the ten chunks before each chunk."""
    total = np.concatenate([np.zeros_like(values[:, :1]), np.cumsum(values, axis=1)], axis=1)
    end = np.arange(values.shape[1])
    return np.asarray(total[:, end] - total[:, np.maximum(end - LAST_WINDOW, 0)])


BASELINES: dict[str, Callable[[Stream, Draws], Ints]] = {
    "constant": constant,
    "best-single": best_single,
    "oracle": oracle,
    "last-window": last_window,
}
"""By name; each returns the one arm that serves each chunk."""
REFERENCE = "constant"
"""What differences are taken to."""


def serve(stream: Stream, draws: Draws, baseline: str) -> Path:
    """Let a baseline choose the arm of every chunk."""
    chosen = BASELINES[baseline](stream, draws)
    served = np.broadcast_to(chosen[:, stream.chunk_of], draws.rows.shape).astype(np.uint8)
    never = np.full((draws.seeds, len(stream.names)), NEVER)
    return Path(served, never, never)
