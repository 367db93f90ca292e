"""The pictures of the page."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter
from PIL import Image

from bandit_study.report.figures import (
    LEARNING,
    Result,
    figure,
    long_streams,
    per_thousand,
    plain,
    skewed,
)

SHOWN = ("last-window", "ABTest", "ValidationBest", "Thompson", "ContrastThompson")
MOST_STREAMS = 4
INK = "#7a7a7a"
"""Text and lines, which can be read on a white page and on a dark one; pictures have no background."""
_STYLE: dict[Any, Any] = {
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor", "legend.facecolor"), "none"),
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
    "grid.color": INK,
    "legend.edgecolor": INK,
}
MARKS = {"best-single": "x", "last-window": "s", "Naive": "v", "ValidationBest": "^", "ABTest": "D"}


@mpl.rc_context(_STYLE)
def draw(results: Sequence[Result], folder: Path) -> dict[str, str]:
    """Draw all pictures into a folder; returns the text of each by its file's name."""
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted(long_streams(results), key=_to_gain, reverse=True)
    pictures = {
        "gains.png": ("Rewards gained against the baseline arm, by stream and way", gains(plain(results))),
        "streams.png": ("What the arms earn over time, and who serves", paths(ordered[:MOST_STREAMS])),
        "skew.png": ("Who serves before and after the injected break", paths(skewed(results)[:MOST_STREAMS])),
    }
    texts = {}
    for name, (text, drawn) in pictures.items():
        if drawn is not None:
            FigureCanvasAgg(drawn)
            _save(drawn, folder / name)
            texts[name] = text
    return texts


def _save(picture: Figure, file: Path) -> None:
    """Save with a palette: pictures of few colours are committed, and a quarter of the size that way."""
    drawn = BytesIO()
    picture.savefig(drawn, dpi=110)
    # The one method of Pillow's that keeps transparency.
    few = Image.open(drawn).quantize(128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(file, optimize=True)


def _to_gain(result: Result) -> float:
    """What changing the arm from chunk to chunk could gain over the best one: where there is most to see."""
    oracle, single = (figure(result, path, "mean_reward") for path in ("oracle", "best-single"))
    return oracle[0] - single[0] if oracle and single else 0.0


def gains(results: Sequence[Result]) -> Figure | None:
    """One line a stream: rewards per 1,000 requests more than the baseline arm's, with intervals."""
    if not results:
        return None
    picture = Figure(figsize=(10, 1.2 + 0.42 * len(results)), layout="constrained")
    axis = picture.subplots()
    for path in (*MARKS, *LEARNING):
        intervals = [per_thousand(result, path, "vs constant") for result in results]
        at = [row for row, interval in enumerate(intervals) if interval is not None]
        values = np.array([interval for interval in intervals if interval is not None])
        if not len(values):
            continue
        axis.errorbar(
            values[:, 0],
            at,
            xerr=np.abs(values[:, 1:] - values[:, :1]).T,
            fmt=MARKS.get(path, "o"),
            markersize=5,
            linewidth=1,
            alpha=0.85,
            label=path,
            color=INK if path in MARKS else None,
            markerfacecolor="none" if path in MARKS else None,
        )
    axis.axvline(0, color=INK, linewidth=1)
    axis.set_yticks(range(len(results)), [result["name"] for result in results])
    axis.invert_yaxis()
    # A few rewards matter on one stream and hundreds on another.
    axis.set_xscale("symlog", linthresh=10)
    axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set(xlabel="rewards per 1,000 requests more than the baseline arm's, 95 % intervals")
    axis.grid(axis="x", alpha=0.3)
    picture.legend(fontsize="small", ncols=6, loc="outside lower center")
    return picture


def paths(results: Sequence[Result]) -> Figure | None:
    """One row a stream: mean reward of each arm over time, then the shares of some ways."""
    if not results:
        return None
    count = len(SHOWN) + 1
    picture = Figure(figsize=(3 * count, 2.5 * len(results)), layout="constrained")
    grid = picture.subplots(len(results), count, squeeze=False)
    for row, result in zip(grid, results, strict=True):
        curves, names = result["curves"], [arm["name"] for arm in result["arms"]]
        at = curves["chunks"]
        colours = [f"C{arm}" for arm in range(len(names))]
        means = np.array(curves["means"], dtype=float)
        for arm, name in enumerate(names):
            row[0].plot(at, means[:, arm], color=colours[arm], linewidth=1.2, label=name)
        row[0].set_ylabel(result["name"], fontsize="x-small")
        row[0].set_title("mean reward around")
        for axis, path in zip(row[1:], SHOWN, strict=True):
            shares = np.array(curves["shares"][path], dtype=float).T
            axis.stackplot(at, shares, colors=colours, linewidth=0)
            axis.set(title=path, ylim=(0, 1))
            axis.margins(0)
        if result["skew"] is not None:
            for axis in row:
                axis.axvline(result["skew"]["chunk"], color=INK, linestyle="--", linewidth=1)
    for axis in grid[-1]:
        axis.set_xlabel("chunk")
    handles, names = grid[-1][0].get_legend_handles_labels()
    picture.legend(handles, names, loc="outside lower center", ncols=len(names), fontsize="small")
    return picture
