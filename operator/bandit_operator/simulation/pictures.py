"""Pictures and a page of a simulation. matplotlib is imported only when one is drawn."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bandit_operator.core.durations import unit_of
from bandit_operator.simulation.summary import Summary


class NoPictures(RuntimeError):
    """matplotlib is not installed."""


class Unwritten(OSError):
    """A file cannot be written; the message names it."""


def figure(summaries: Sequence[Summary]) -> Any:
    """Return a figure: each strategy's shares over time, and the regret of all.

    Raises:
        NoPictures: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise NoPictures(
            "pictures need matplotlib, which is not installed; pip install matplotlib"
        ) from error
    count = len(summaries) + 1
    result = Figure(figsize=(5.2 * count, 3.6), layout="constrained")
    FigureCanvasAgg(result)
    axes = result.subplots(1, count)
    unit, seconds = unit_of(max(summary["ticks"] * summary["interval"] for summary in summaries))

    def times(summary: Summary) -> list[float]:
        return [(tick + 1) * summary["interval"] / seconds for tick in summary["weight_ticks"]]

    for axis, summary in zip(axes, summaries, strict=False):
        names = [arm["name"] for arm in summary["arms"]]
        shares = list(zip(*summary["weights"], strict=True))
        axis.stackplot(times(summary), *shares, labels=names, linewidth=0)
        axis.set(title=f"{summary['strategy']}: mean share of traffic", xlabel=unit, ylim=(0, 1))
        axis.margins(0)
        axis.legend(loc="lower right", fontsize="small")
    for summary in summaries:
        axes[-1].plot(times(summary), summary["regret_path"], label=summary["strategy"])
    axes[-1].set(title="Rewards lost against the best arm", xlabel=unit, ylim=(0, None))
    axes[-1].legend(fontsize="small")
    return result


def png(summaries: Sequence[Summary]) -> bytes:
    """Return the figure as PNG; raises NoPictures as :func:`figure` does."""
    buffer = io.BytesIO()
    figure(summaries).savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()


def page(summaries: Sequence[Summary], table: Sequence[Sequence[str]]) -> str:
    """Return one HTML page with figure and table that needs no other file."""
    image = base64.b64encode(png(summaries)).decode("ascii")
    head, *body = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in table]
    rows = "".join(f"<tr>{row}</tr>" for row in body)
    title = html.escape(f"Simulation of {summaries[0]['world']}")
    return (
        f"<!doctype html><meta charset=utf-8><title>{title}</title>"
        "<style>body{font:15px system-ui;margin:2rem}td{padding:.2rem .8rem;text-align:right}"
        "thead td{font-weight:600}td:nth-child(-n+2){text-align:left}</style>"
        f"<h1>{title}</h1><img alt='Shares of traffic and regret over time' style='max-width:100%'"
        f" src='data:image/png;base64,{image}'><table><thead><tr>{head}</tr></thead>{rows}</table>"
    )


def write(path: Path, content: str | bytes) -> None:
    """Write a file, whose folder is there.

    Raises:
        Unwritten: It cannot be written, as on a disk that is full.
    """
    try:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    except OSError as error:
        raise Unwritten(f"{path}: it cannot be written: {error.strerror}; name another") from error
