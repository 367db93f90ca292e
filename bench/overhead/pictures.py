"""The pictures of the page, from the measured parts alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from bench.overhead import reaction, shares, wording
from bench.overhead.latency import PATHS
from bench.overhead.paired import PERCENTILES
from testbed.colours import COLOURS, FAINT, INK
from testbed.pictures import save, styled

WIDTH = 9.0  # inches; GitHub shows about 900 pixels


def draw(parts: dict[str, Any], folder: Path) -> dict[str, str]:
    """Draw a picture of each part that is there; gives their file names by part."""
    drawers = {"latency": _latency, "scale": _scale, "shares": _shares, "reaction": _reaction}
    names = {}
    for part, measured in parts.items():
        if part not in drawers:
            continue
        names[part] = f"overhead-{part}.png"
        with styled():
            save(drawers[part](measured), folder / names[part])
    return names


def _figure(height: float, columns: int, rows: int = 1) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = list(np.ravel(figure.subplots(rows, columns)))
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", color=FAINT)
        axis.set_axisbelow(True)
    return figure, axes


def _latency(part: dict[str, Any]) -> Figure:
    """Show every round as a line over the three paths, so that what differs within rounds is seen."""
    figure, axes = _figure(3.2, 4)
    for axis, figure_name in zip(axes, (*PERCENTILES, "throughput"), strict=True):
        rounds = np.array([[one[path][figure_name] for path in PATHS] for one in part["rounds"]])
        at = np.arange(len(PATHS))
        axis.plot(at, rounds.T, color=FAINT, linewidth=1)
        for position, colour in zip(at, COLOURS, strict=False):
            axis.plot(np.full(len(rounds), position), rounds[:, position], ".", color=colour)
        axis.plot(at, rounds.mean(0), color=INK, linewidth=1.6, marker="_", markersize=14)
        axis.set_ylim(0, 1.08 * rounds.max())
        axis.set_xlim(-0.4, len(PATHS) - 0.6)
        axis.set_xticks(at, [wording.PATH_NAMES[path] for path in PATHS], rotation=30, ha="right")
        unit = "answers a second" if figure_name == "throughput" else "milliseconds"
        axis.set_title(f"{figure_name}\n{unit}", fontsize="medium")
    return figure


def _scale(part: dict[str, Any]) -> Figure:
    figure, (left, middle, right) = _figure(3.4, 3)
    lines = [line for line in part["lines"] if line["resources"]]
    groups = sorted({(line["weights"], line["interval"]) for line in lines}, reverse=True)
    for colour, (weights, interval) in zip(COLOURS, groups, strict=False):
        chosen = [line for line in lines if (line["weights"], line["interval"]) == (weights, interval)]
        x = [line["resources"] for line in chosen]
        label = f"{interval} s" + (", every tick moves" if weights == "moving" else "")
        style = {"color": colour, "marker": "o", "markersize": 4, "label": label}
        left.plot(x, [line["cores"] for line in chosen], **style)  # type: ignore[arg-type]  # one style for three
        middle.plot(x, [line["memory_mib"] for line in chosen], **style)  # type: ignore[arg-type]  # as above
        right.plot(x, [line["lag_mean"] for line in chosen], **style)  # type: ignore[arg-type]  # as above
    left.set_yscale("log")
    right.set_yscale("log")
    middle.set_ylim(bottom=0)
    titles = ("processor\ncores", "resident memory\nMiB", "ticks begin late by\nseconds, mean")
    numbers = sorted({line["resources"] for line in lines})
    for axis, title in zip((left, middle, right), titles, strict=True):
        axis.set_xscale("log")
        axis.set_xticks(numbers, [f"{number:,}" for number in numbers])
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_xlabel("BanditDeployments")
        axis.set_title(title, fontsize="medium")
    for axis in (left, right):
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.yaxis.set_minor_formatter(NullFormatter())
    figure.legend(
        *left.get_legend_handles_labels(),
        fontsize="small",
        frameon=False,
        loc="outside lower center",
        ncols=3,
    )
    return figure


def _shares(part: dict[str, Any]) -> Figure:
    """The share of the small arm by number of routes that move, against what is meant."""
    figure, (axis,) = _figure(2.6, 1)
    lines = part["lines"]
    at = np.arange(len(lines))
    axis.axhline(100 * shares.MEANT, color=COLOURS[0], linewidth=1, label="meant")
    axis.plot(at, [100 * line["share"] for line in lines], "o", color=COLOURS[1], label="realised")
    axis.set_xticks(at, [f"{line['resources']:,}" for line in lines])
    axis.set_ylim(bottom=0)
    axis.set_xlabel("other routes of the gateway that the operator moves at every tick")
    axis.set_title("share of the small arm\npercent", fontsize="medium")
    axis.legend(fontsize="small", frameon=False, loc="lower left")
    return figure


def _reaction(part: dict[str, Any]) -> Figure:
    """Show each model's share as a line over time, one a run."""
    plan = part["plan"]
    cases = [(title, reaction.runs_of(part, title), plan["seconds"], COLOURS[1]) for title in reaction.BREAKS]
    cases.append((reaction.BETTER_TITLE, part["better"], plan["better_seconds"], COLOURS[0]))
    figure, axes = _figure(4.6, 3, rows=2)
    for axis, (title, runs, last, colour) in zip(axes, cases, strict=True):
        for run in runs:
            at, share = zip(*run["shares"], (last, run["shares"][-1][1]), strict=True)
            axis.step(at, [100 * one for one in share], where="post", color=colour, linewidth=1)
        axis.set_xlim(0, last)
        axis.set_ylim(0, 100)
        axis.set_title(title, fontsize="medium")
    figure.supxlabel("seconds after the model broke, or after its resource was applied", fontsize="medium")
    figure.supylabel("share of the traffic, percent", fontsize="medium")
    return figure
