"""The page and its picture, from what was measured alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from bench.profile import sampled, steps
from testbed.colours import COLOURS, INK
from testbed.pictures import save, styled

MEANINGS = {
    "wake": "the scheduler: what is due, and its task",
    "cache": "watches, and where route, Services, endpoints and targets stand in their cache",
    "query": "PromQL made, sent over HTTP, and the answer's bytes received",
    "parse": "the answer read and taken apart by arm; resets, beginnings, late samples",
    "learn": "memory and inference: posterior, e-values, breaks, half-lives",
    "decide": "arms' states, verdicts, strategy, guardrails, reasons",
    "status": "the document, its conditions and history, events",
    "write": "requests to the API server",
    "pass": "what orders these steps, and reads the spec",
    "metrics": "counted and exposed, each look at /metrics included",
    "log": "lines of the log",
    "election": "the lease",
    steps.LOOP: "the event loop, sockets, and what no step has called",
}
"""What is counted as which step."""
PICTURE = "profile.png"


def write(lines: list[dict[str, Any]], folder: Path) -> None:
    """Write profile.md and its picture into a folder."""
    with styled():
        save(_figure(lines), folder / PICTURE)
    (folder / "profile.md").write_text("\n".join(_page(lines)) + "\n", encoding="utf-8")


def _name(line: dict[str, Any]) -> str:
    return f"{line['resources']:,}, {line['weights']}"


def _page(lines: list[dict[str, Any]]) -> list[str]:
    names = [step for step in MEANINGS if any(step in line["steps"] for line in lines)]
    head = " | ".join(_name(line) for line in lines)
    rule = "|".join("---:" for _ in lines)
    text = [
        "# Where a tick's processor time goes",
        "",
        "Written by `make profile`: the operator on an embedded cluster, two arms a resource, an interval of "
        f"10 s, interrupted each {1000 * sampled.PERIOD:g} ms of its own processor time. Milliseconds a "
        "tick, by number of resources and whether their weights *rest* or may *move* at each tick. The "
        "innermost function of the operator on the stack says which step a moment belongs to; what a "
        "library does is the step's that called it. Alone, what the process does between ticks (lease, "
        "watches, its health) is in the figures of its few ticks.",
        "",
        f"![Milliseconds a tick by step]({PICTURE})",
        "",
        f"| step | what | {head} |",
        f"|---|---|{rule}|",
    ]
    for step in names:
        figures = " | ".join(f"{line['steps'].get(step, 0.0):.2f}" for line in lines)
        text.append(f"| {step} | {MEANINGS[step]} | {figures} |")
    text += [
        _row("**all**", lines, lambda line: f"**{line['ms']:.2f}**"),
        _row("requests that write, a tick", lines, lambda line: f"{line['writes'] or 0:.2f}"),
        _row("ticks sampled", lines, lambda line: f"{line['ticks']:,.0f}"),
        _row("samples", lines, lambda line: f"{line['samples']:,}"),
    ]
    last = next(line for line in reversed(lines) if line["weights"] == "rest")
    text += [
        "",
        f"## The costliest functions, {last['resources']:,} resources at rest",
        "",
        "With what they call.",
        "",
        "| function | ms a tick |",
        "|---|---:|",
        *(f"| `{name}` | {ms:.2f} |" for name, ms in last["functions"].items()),
    ]
    return text


def _row(name: str, lines: list[dict[str, Any]], figure: Callable[[dict[str, Any]], str]) -> str:
    return f"| {name} | | {' | '.join(figure(line) for line in lines)} |"


def _figure(lines: list[dict[str, Any]]) -> Figure:
    figure = Figure(figsize=(9.0, 0.9 + 0.55 * len(lines)), layout="constrained")
    axes = figure.subplots()
    names = [step for step in MEANINGS if any(step in line["steps"] for line in lines)]
    at = np.arange(len(lines))
    left = np.zeros(len(lines))
    for index, step in enumerate(names):
        width = np.array([line["steps"].get(step, 0.0) for line in lines])
        colour, hatch = COLOURS[index % len(COLOURS)], "///" if index >= len(COLOURS) else None
        axes.barh(at, width, left=left, label=step, color=colour, hatch=hatch, edgecolor="white", height=0.7)
        left += width
    for position, total in zip(at, left, strict=True):
        axes.text(float(total), float(position), f" {total:.1f}", va="center", color=INK)
    axes.set_yticks(at, [_name(line) for line in lines])
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlim(0, 1.1 * left.max())
    axes.set_xlabel("milliseconds of processor time a tick")
    figure.legend(loc="outside right center", frameon=False)
    return figure
