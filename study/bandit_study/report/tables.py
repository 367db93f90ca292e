"""The tables of the page, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bandit_operator.core.strategies import DEFAULT_STRATEGY
from bandit_study.engine.measures import MEASURES
from bandit_study.engine.play import SHADOWS
from bandit_study.report.figures import (
    LEARNING,
    PATHS,
    USUAL,
    WITHIN_REACH,
    Result,
    better,
    figure,
    per_thousand,
)

PERCENTS = ("harm_exposure", "lasting_harm", "found_right_arm")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """Return a Markdown table whose first ``words`` columns are text and the others figures."""
    marks = ["---"] * words + ["---:"] * (len(head) - words)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, marks, *rows]) + "\n"


def sets(results: Sequence[Result]) -> str:
    """Which streams there are, and which arms are best in them."""
    head = [
        "stream",
        "time order",
        "rows",
        "positives",
        "chunks × rows",
        "reward",
        "validated best",
        "best of six",
    ]
    rows = []
    for result in results:
        arms = [arm for arm in result["arms"] if arm["joins"] == 0]
        validated = max(arms, key=lambda arm: float(arm["validation"]))["name"]
        positives = f"{result['mean_target']:.1%}" if result["task"] == "classification" else "a number"
        size = result["requests"] // result["chunks"]
        cells = [result["name"], result["time_order"].split(" (")[0], f"{result['rows']:,}", positives]
        cells += [f"{result['chunks']} × {size:,}", result["reward"], validated, result["best_single"]]
        rows.append(cells)
    return table(head, rows, 2)


def differences(results: Sequence[Result], reference: str) -> str:
    """Rewards gained per 1,000 requests against a reference, set by set."""
    paths = [path for path in PATHS if path != reference]
    rows = []
    for result in results:
        intervals = {path: per_thousand(result, path, f"vs {reference}") for path in paths}
        within = [
            interval[0]
            for path, interval in intervals.items()
            if path in WITHIN_REACH and interval is not None
        ]
        best = max(within) if within else np.inf
        cells = [result["name"]]
        for path, interval in intervals.items():
            if interval is None:
                cells.append("–")
                continue
            text = f"{interval[0]:+.1f}" + ("" if better(interval) else "°")
            cells.append(f"**{text}**" if path in WITHIN_REACH and interval[0] == best else text)
        rows.append(cells)
    return table(["stream", *paths], rows)


def summary(results: Sequence[Result]) -> str:
    """What each way comes to over all streams."""
    head = ["", "mean rank", "above constant", "below", "above last-window", "below"]
    head += ["median per 1,000 v. constant", "in the second half", "worst per 1,000"]
    rows = []
    ranks = mean_ranks(results)
    for path in WITHIN_REACH:
        against = {
            reference: [per_thousand(result, path, f"vs {reference}") for result in results]
            for reference in ("constant", "last-window")
        }
        gains = [interval[0] for interval in against["constant"] if interval is not None]
        late = [per_thousand(result, path, "vs constant", "late_reward") for result in results]
        later = [interval[0] for interval in late if interval is not None]
        cells = [path, f"{ranks[path]:.1f}"]
        for reference, intervals in against.items():
            signs = [better(interval) for interval in intervals]
            same = path == reference
            cells += ["–", "–"] if same else [str(signs.count(1)), str(signs.count(-1))]
        cells += [f"{np.median(gains):+.1f}", f"{np.median(later):+.1f}", f"{min(gains):+.1f}"]
        rows.append(cells)
    return table(head, rows)


def shadows(results: Sequence[Result]) -> str:
    """What a shadow brings and costs, beside the same strategy without one and scoring every row."""
    head = ["", "model calls a request", "mean per 1,000 v. constant", "median", "worst"]
    head += ["above every bandit", "above ValidationBest", "at least last-window"]
    head += ["harm exposure", "chunks to the right arm", "false rollbacks"]
    rows = []
    for path in ("ValidationBest", DEFAULT_STRATEGY, *SHADOWS, "last-window"):
        gains = [gain(result, path) for result in results]
        calls = [
            1.0 + SHADOWS.get(path, 1.0 if path == "last-window" else 0.0) * arms(one) for one in results
        ]
        rivals = [
            sum(gain(result, path) > max(gain(result, other) for other in others) for result in results)
            for others in (LEARNING, ("ValidationBest",))
        ]
        even = sum(gain(result, path) >= gain(result, "last-window") for result in results)
        cells = [path, f"{np.mean(calls):.2f}", f"{np.mean(gains):+.1f}", f"{np.median(gains):+.1f}"]
        cells += [f"{min(gains):+.1f}", *map(str, rivals), str(even)]
        for key in ("harm_exposure", "time_to_right_arm", "false_rollbacks"):
            values = [interval[0] for one in results if (interval := figure(one, path, key)) is not None]
            cells.append(_number(key, float(np.mean(values))) if values else "–")
        rows.append(cells)
    return table(head, rows)


def gain(result: Result, path: str) -> float:
    """Rewards per 1,000 requests more than always the baseline arm; −inf where it was not run."""
    interval = per_thousand(result, path, "vs constant")
    return -np.inf if interval is None else interval[0]


def arms(result: Result) -> float:
    """How many arms are there in the mean over the chunks of a stream."""
    return float(np.mean([1.0 - arm["joins"] / result["chunks"] for arm in result["arms"]])) * len(
        result["arms"]
    )


def mean_ranks(results: Sequence[Result]) -> dict[str, float]:
    """Mean over the sets of each way's rank by mean reward, 1 for the highest; ties share a rank."""
    intervals = {path: [figure(result, path, "mean_reward") for result in results] for path in WITHIN_REACH}
    values = np.array(
        [[interval[0] if interval else np.nan for interval in intervals[path]] for path in intervals]
    )
    ranks = [1 + (values > row).sum(axis=0) + ((values == row).sum(axis=0) - 1) / 2 for row in values]
    return {path: float(rank.mean()) for path, rank in zip(intervals, ranks, strict=True)}


def safety(results: Sequence[Result]) -> str:
    """Harm and verdicts of the strategies, means over the streams."""
    head = ["", "harm exposure", "lasting harm", "rollbacks", "false", "regretted", "promotions", "wrong"]
    head += ["found the right arm", "chunks until then"]
    keys = ["harm_exposure", "lasting_harm", "rollbacks", "false_rollbacks", "regretted_rollbacks"]
    keys += ["promotions", "wrong_promotions", "found_right_arm", "time_to_right_arm"]
    rows = []
    for path in ("best-single", "oracle", "last-window", *USUAL, *LEARNING):
        cells = [path]
        for key in keys:
            intervals = [figure(result, path, key) for result in results]
            values = [interval[0] for interval in intervals if interval is not None]
            cells.append(_number(key, float(np.mean(values))) if values else "–")
        rows.append(cells)
    return table(head, rows)


def measured(results: Sequence[Result], measure: str) -> str:
    """Return one measure of all ways, set by set."""
    rows = []
    for result in results:
        intervals = [figure(result, path, measure) for path in PATHS]
        if any(interval is not None for interval in intervals):
            cells = ["–" if interval is None else f"{interval[0]:.4f}" for interval in intervals]
            rows.append([result["name"], *cells])
    return table(["stream", *PATHS], rows) if rows else ""


def whole(result: Result) -> str:
    """Every measure of one set with its interval."""
    known = [name for name in MEASURES if any(figure(result, path, name) is not None for path in PATHS)]
    rows = []
    for path in PATHS:
        cells = [path]
        for name in known:
            interval = figure(result, path, name)
            cells.append("–" if interval is None else _with_interval(name, interval))
        rows.append(cells)
    return table(["", *(MEASURES[name] for name in known)], rows)


def _with_interval(name: str, interval: tuple[float, float, float]) -> str:
    mean, low, high = interval
    if high - low < 1e-9 * max(1.0, abs(mean)):
        return _number(name, mean)
    scale = 100 if name in PERCENTS else 1
    return f"{_number(name, mean)} ± {_short((high - low) / 2 * scale)}"


def _number(name: str, value: float) -> str:
    return f"{value:.1%}" if name in PERCENTS else _short(value)


def _short(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.4f}".rstrip("0").rstrip(".") or "0"
