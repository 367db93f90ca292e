"""The picture of a run: what each fault's Ready said over time, and when requests failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from testbed.colours import COLOURS, FAINT, INK
from testbed.pictures import save, styled

WIDTH = 9.0  # inches; GitHub shows about 900 pixels
SHOWN = 100.0
"""Seconds after the first stroke that are shown."""
BEFORE = 5.0
BLUE, ORANGE, GREEN, *_, RED = COLOURS
SAID = {"True": GREEN, "False": ORANGE, "Unknown": INK}


def draw(rows: list[dict[str, Any]], file: Path) -> None:
    """Draw a line for each fault, from the report's rows."""
    with styled():
        save(_figure([row for row in rows if row.get("timeline")]), file)


def _figure(rows: list[dict[str, Any]]) -> Figure:
    figure = Figure(figsize=(WIDTH, 1.2 + 0.2 * len(rows)), layout="constrained")
    axis = figure.subplots()
    for height, row in enumerate(reversed(rows)):
        timeline = row["timeline"]
        for status, colour in SAID.items():
            spans = [
                (max(start, -BEFORE), min(end, SHOWN) - max(start, -BEFORE))
                for start, end in timeline["ready"].get(status, [])
                if start < SHOWN and end > -BEFORE
            ]
            axis.broken_barh(spans, (height - 0.3, 0.6), facecolors=colour, alpha=0.55, linewidth=0)
        strokes = [at for at in timeline["strokes"] if at < SHOWN]
        axis.plot(strokes, [height] * len(strokes), "|", color=INK, markersize=7)
        first = [at for at in timeline["failed_at_first"] if at < SHOWN]
        axis.plot(first, [height] * len(first), ".", color=BLUE, markersize=3)
        failed = [at for at in timeline["failed"] if at < SHOWN]
        axis.plot(failed, [height] * len(failed), "x", color=RED, markersize=5)
    axis.set_yticks(range(len(rows)), [row["fault"] for row in reversed(rows)], fontsize="small")
    axis.set_ylim(-0.6, len(rows) - 0.4)
    axis.set_xlim(-BEFORE, SHOWN)
    axis.set_xlabel("seconds after the first stroke")
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="x", color=FAINT)
    axis.set_axisbelow(True)
    marks: list[Artist] = [
        Patch(color=colour, alpha=0.55, label=f"Ready={status}") for status, colour in SAID.items()
    ]
    marks += [
        Line2D([], [], color=INK, marker="|", linestyle="", label="the fault strikes"),
        Line2D([], [], color=BLUE, marker=".", linestyle="", label="failed at once, or with no arm to serve"),
        Line2D([], [], color=RED, marker="x", linestyle="", label="failed otherwise"),
    ]
    figure.legend(handles=marks, fontsize="small", frameon=False, loc="outside upper center", ncols=3)
    return figure
