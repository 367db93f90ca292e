"""What came of a path, seed by seed."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import average_precision_score

from bandit_study.data.table import Flags, Floats, Task
from bandit_study.engine.draws import Draws
from bandit_study.engine.play import NEVER, Path
from bandit_study.engine.settings import ALARM_COST, MISSED_COST, RECENT, STEADY
from bandit_study.engine.stream import Ints, Stream

HALF = 0.5

MEASURES = {
    "mean_reward": "mean reward",
    "late_reward": "mean reward in the second half",
    "balanced_accuracy": "balanced accuracy",
    "pr_auc": "PR-AUC",
    "cost": "cost per 1,000 requests",
    "mean_absolute_error": "mean absolute error",
    "harm_exposure": "harm exposure",
    "lasting_harm": "lasting harm",
    "rollbacks": "rollbacks",
    "false_rollbacks": "false rollbacks",
    "regretted_rollbacks": "regretted rollbacks",
    "promotions": "promotions",
    "wrong_promotions": "wrong promotions",
    "found_right_arm": "found the right arm",
    "time_to_right_arm": "chunks to the right arm",
}
"""Every measure by its key, in the order of the tables; those that a task does not have are left out."""


def measure(stream: Stream, draws: Draws, path: Path) -> dict[str, Floats]:
    """Return each measure of a path, shape (S,); keys of MEASURES."""
    rewards = stream.rewards[draws.rows, path.served]
    result = {"mean_reward": rewards.mean(axis=1), **_quality(stream, draws, path)}
    result["late_reward"] = rewards[:, stream.edges[stream.chunks // 2] :].mean(axis=1)
    chunk = stream.chunk_of
    with np.errstate(invalid="ignore"):  # NaN, an arm that is not there, is worse than nothing
        worse = stream.means < stream.means[:, :1]
        lastingly = stream.means_around < stream.means_around[:, :1]
    result["harm_exposure"] = worse[chunk, path.served].mean(axis=1)
    result["lasting_harm"] = lastingly[chunk, path.served].mean(axis=1)
    result |= rollbacks(stream, path) | promotions(stream, path) | right_arm(stream, path)
    return {name: np.asarray(result[name], dtype=float) for name in MEASURES if name in result}


def _quality(stream: Stream, draws: Draws, path: Path) -> dict[str, Floats]:
    """How good the answers were, in the usual measures of the task."""
    scores = stream.scores[draws.rows, path.served]
    target = stream.target[draws.rows]
    if stream.task is Task.REGRESSION:
        return {"mean_absolute_error": np.abs(scores - target).mean(axis=1)}
    positive, predicted = target == 1, scores >= stream.reward.threshold
    hit = (predicted & positive).sum(axis=1) / np.maximum(positive.sum(axis=1), 1)
    passed = (~predicted & ~positive).sum(axis=1) / np.maximum((~positive).sum(axis=1), 1)
    cost = MISSED_COST * (~predicted & positive) + ALARM_COST * (predicted & ~positive)
    areas = [
        average_precision_score(labels, answers) if labels.any() else np.nan
        for labels, answers in zip(positive, scores, strict=True)
    ]
    return {
        "balanced_accuracy": (hit + passed) / 2,
        "pr_auc": np.array(areas),
        "cost": 1000 * cost.mean(axis=1),
    }


def rollbacks(stream: Stream, path: Path) -> dict[str, Floats]:
    """Count the arms taken out, those that were no worse, and those that would have been better later."""
    shape = path.rolled_back_at.shape[0]
    counts = {name: np.zeros(shape) for name in ("rollbacks", "false_rollbacks", "regretted_rollbacks")}
    for seed, arm in np.argwhere(path.rolled_back_at != NEVER):
        end = int(path.rolled_back_at[seed, arm]) + 1
        counts["rollbacks"][seed] += 1
        counts["false_rollbacks"][seed] += all(
            means[arm] >= means[0] for means in _views(stream, int(stream.joins[arm]), end)
        )
        if end < stream.chunks:
            later = stream.mean(end, stream.chunks)
            counts["regretted_rollbacks"][seed] += later[arm] > later[0]
    return counts


def promotions(stream: Stream, path: Path) -> dict[str, Floats]:
    """Count the arms found best of all, and those found so wrongly."""
    shape = path.promoted_at.shape[0]
    counts = {name: np.zeros(shape) for name in ("promotions", "wrong_promotions")}
    for seed, arm in np.argwhere(path.promoted_at != NEVER):
        end = int(path.promoted_at[seed, arm]) + 1
        counts["promotions"][seed] += 1
        counts["wrong_promotions"][seed] += any(
            all(
                means[rival] > means[arm]
                for means in _views(stream, int(max(stream.joins[arm], stream.joins[rival])), end)
            )
            for rival in _rivals(stream, path.rolled_back_at[seed], int(arm), end)
        )
    return counts


def _rivals(stream: Stream, rolled_back_at: Ints, arm: int, end: int) -> list[int]:
    """Arms that were there, and not taken out, when an arm was found the best."""
    return [
        rival
        for rival in range(stream.serving(end - 1))
        if rival != arm and not 0 <= rolled_back_at[rival] < end
    ]


def _views(stream: Stream, since: int, end: int) -> list[Floats]:
    """Mean rewards before the end of a chunk: since an arm joined, and lately."""
    return [stream.mean(since, end), stream.mean(max(since, end - RECENT), end)]


def right_arm(stream: Stream, path: Path) -> dict[str, Floats]:
    """Whether, and after how many chunks, the traffic is for long enough with the best first arm.

    Where that never happens, the time is the length of the stream.
    """
    served = path.served == stream.best_single
    share = np.add.reduceat(served, stream.edges[:-1], axis=1) / stream.sizes
    settled, first = steady(share >= HALF)
    return {
        "found_right_arm": settled.astype(float),
        "time_to_right_arm": np.where(settled, first, stream.chunks).astype(float),
    }


def steady(held: Flags) -> tuple[Flags, Ints]:
    """Whether a condition (S, T) holds ten chunks on end, and the first chunk of the first such run, (S,)."""
    if held.shape[1] < STEADY:
        return np.zeros(len(held), dtype=bool), np.zeros(len(held), dtype=np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(held, STEADY, axis=1)
    runs: Flags = np.asarray(windows.all(axis=2))
    return np.asarray(runs.any(axis=1)), np.asarray(runs.argmax(axis=1))
