"""The live view of the demo on a terminal, and plain lines where there is none."""

from __future__ import annotations

import io
import math
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from demo.log_view import LogView
from demo.story import StepState, Story
from demo.view_model import ArmView, StepView, ViewModel, view_model_of

REFRESHES = 4  # a second
LINE_SECONDS = 0.5
EVENTS_SHOWN = 5
PICTURE_WIDTH, PICTURE_HEIGHT = 124, 40
NARROW, LOW = 110, 34
"""Columns below which bars and intervals are left out, lines below which steps and events are."""
PICTURED = "leads"
STATE_STYLES = {
    "Active": "green",
    "Joining": "cyan",
    "Restoring": "cyan",
    "Draining": "yellow",
    "RolledBack": "red",
    "Unavailable": "yellow",
}
_MARKS = {
    StepState.LATER: ("·", "dim"),
    StepState.NOW: ("▸", "bold cyan"),
    StepState.DONE: ("✔", "green"),
    StepState.FAILED: ("✘", "bold red"),
}


@contextmanager
def display(story: Story, console: Console, *, plain: bool, picture: Path | None) -> Iterator[None]:
    """Show the story while the block runs.

    Args:
        story: The story, which goes on in the block.
        console: Where to show it.
        plain: LogView even on a terminal.
        picture: SVG file for the view once the loser is back and leads; none is written if None.
    """
    if picture is not None:
        story.noted = lambda key: write_picture(view_model_of(story), picture) if key == PICTURED else None
    if console.is_terminal and not plain:
        with Live(
            get_renderable=lambda: render(view_model_of(story), Room(*console.size)),
            console=console,
            refresh_per_second=REFRESHES,
        ):
            yield
    else:
        with _printing(story, console):
            yield


@contextmanager
def _printing(story: Story, console: Console) -> Iterator[None]:
    lines, done = LogView(), threading.Event()

    def print_new() -> None:
        for line in lines.new(view_model_of(story)):
            console.print(line, markup=False, highlight=False, soft_wrap=True)

    def go_on() -> None:
        while not done.wait(LINE_SECONDS):
            print_new()

    thread = threading.Thread(target=go_on, name="lines", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        print_new()


def write_picture(model: ViewModel, path: Path) -> None:
    """Write the view of a moment as SVG."""
    console = Console(record=True, width=PICTURE_WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(render(model, Room(PICTURE_WIDTH, PICTURE_HEIGHT)))
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without the fonts that it would load from elsewhere; the reader's own monospaced one will do.
    path.write_text(re.sub(r"@font-face \{.*?\}", "", console.export_svg(title="make demo"), flags=re.DOTALL))


class Room(NamedTuple):
    """Characters that a terminal has."""

    columns: int
    lines: int


def render(model: ViewModel, room: Room) -> RenderableType:
    """Return the whole view, or as much of it as there is room for: numbers first, events last."""
    steps = model.steps
    if room.lines < LOW:
        steps = tuple(step for step in steps if step.state in (StepState.NOW, StepState.FAILED))
    parts: list[RenderableType] = [
        Panel(_arms(model, room), title=_title(model), title_align="left", border_style="blue"),
        _numbers(model),
        Panel(_steps(steps), title="the story", title_align="left", border_style="blue"),
    ]
    if room.lines >= LOW:
        parts.append(Panel(_events(model), title="newest events", title_align="left", border_style="blue"))
    return Group(*parts)


def _title(model: ViewModel) -> str:
    minutes, seconds = divmod(int(model.seconds), 60)
    phase = f" · {model.phase}" if model.phase else ""
    return (
        f"BanditDeployment income · {minutes}:{seconds:02d}{phase} · {model.ticks} ticks of {model.interval}"
    )


def _arms(model: ViewModel, room: Room) -> Table:
    width = 14 if room.columns >= NARROW else 0
    headings = (
        ("arm", "weight", "mean reward (95%)", "P(best)", "worse? e-value of threshold", "state", "Pods")
        if width
        else ("arm", "weight", "mean", "P(best)", "evidence", "state", "Pods")
    )
    table = Table(box=None, expand=True, pad_edge=False, padding=(0, 1))
    for heading in headings:
        table.add_column(heading, header_style="bold", no_wrap=True)
    for arm in model.arms:
        table.add_row(
            Text(arm.name + (" *" if arm.name == model.baseline else ""), style="bold"),
            Text.assemble((bar(arm.share, width), "blue"), f"{arm.share:7.1%}"),
            Text(mean_of(arm) if width else _short_mean_of(arm)),
            Text("" if arm.probability_best is None else f"{arm.probability_best:.3f}"),
            _evidence(arm, width, baseline=arm.name == model.baseline),
            Text(arm.state, style=STATE_STYLES.get(arm.state, "")),
            Text(pods_of(arm)),
        )
    return table


def bar(share: float, width: int) -> str:
    """Return a bar of ``width`` characters filled to a share between 0 and 1, in steps of an eighth."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")).ljust(width)


def mean_of(arm: ArmView) -> str:
    """Return the mean with its interval, in words where there is none."""
    if arm.mean is None:
        return "no rewards yet"
    if arm.interval is None:
        return f"{arm.mean:.3f}"
    return f"{arm.mean:.3f} ({arm.interval[0]:.3f}–{arm.interval[1]:.3f})"


def _short_mean_of(arm: ArmView) -> str:
    if arm.mean is None:
        return "no rewards"
    half = "" if arm.interval is None else f" ±{(arm.interval[1] - arm.interval[0]) / 2:.2f}"
    return f"{arm.mean:.2f}{half}"


def pods_of(arm: ArmView) -> str:
    """Return ready Pods of those that there are, and how many are wanted if that differs."""
    wanted, there, ready = arm.pods
    return f"{ready}/{there}" if wanted == there else f"{ready}/{there} → {wanted}"


def evidence_share(evidence: float, threshold: float) -> float:
    """Return how far evidence is on a log scale from 1 (nothing known) to the threshold, 0 to 1."""
    if evidence <= 1:
        return 0.0
    return min(1.0, math.log(evidence) / math.log(threshold))


def _evidence(arm: ArmView, width: int, *, baseline: bool) -> Text:
    if baseline:
        return Text("* baseline: the others against it" if width else "* baseline", style="dim")
    if arm.evidence is None or arm.threshold is None:
        return Text("")
    share = evidence_share(arm.evidence, arm.threshold)
    style = "red" if share >= 1 else "yellow" if share > 0.5 else "green"
    shown = f"{arm.evidence:.3g}" if arm.evidence < 1e4 else f"{arm.evidence:.0e}"
    label = f"{shown} of {arm.threshold:g}"
    return Text.assemble((bar(share, width), style), "│ ", label) if width else Text(label, style=style)


def _numbers(model: ViewModel) -> Table:
    table = Table(box=None, pad_edge=True, padding=(0, 2), show_header=False)
    _one_line_each(table, 2)
    failed = Text(f"{model.failed:,} failed", style="bold red" if model.failed else "green")
    table.add_row("traffic", Text.assemble(f"{model.requests:,} requests ({model.rate:g}/s), ", failed))
    table.add_row(
        "rewards", f"{model.rewards_sent:,} labels sent, {model.rewards_counted:,} counted by the operator"
    )
    if model.decision is not None:
        seconds, reason, message = model.decision
        table.add_row("decision", _cut(f"{seconds:5.0f} s  ", (reason, "bold"), f"  {message}"))
    return table


def _one_line_each(table: Table, columns: int) -> None:
    """Let all but the last column keep their width, so that the last is the one that is cut."""
    for _ in range(columns - 1):
        table.add_column(no_wrap=True)
    table.add_column()


def _cut(*parts: str | tuple[str, str]) -> Text:
    """Return a text that ends with an ellipsis where there is no more room on the line."""
    text = Text.assemble(*parts)
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _steps(steps: Sequence[StepView]) -> Table:
    table = Table.grid(padding=(0, 1))
    for step in steps:
        mark, style = _MARKS[step.state]
        table.add_row(Text(mark, style=style), Text(step.text, style=style), Text(_when(step), style="dim"))
    return table


def _when(step: StepView) -> str:
    return "" if step.seconds is None else f"{step.seconds:.0f} s"


def _events(model: ViewModel) -> Table:
    table = Table.grid(padding=(0, 1))
    _one_line_each(table, 3)
    for seconds, reason, note in model.events[-EVENTS_SHOWN:]:
        table.add_row(Text(f"{seconds:5.0f} s", style="dim"), Text(reason, style="bold"), _cut(note))
    for _ in range(EVENTS_SHOWN - len(model.events)):
        table.add_row("", "", "")
    return table
