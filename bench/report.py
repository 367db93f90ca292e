"""Writes what was measured: JSON for machines, a page with pictures for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from bench.task import Row
from testbed.colours import COLOURS, INK
from testbed.pictures import save, styled

HEAD = """# Decisions, measured

Everything on this page is written by `python -m bench.decisions`, which plays the very functions
that the operator runs. Intervals are 95 % confidence intervals. A *goal* is what the project set
itself; *met* compares the measured figure with it. Measured here: {measured}.

- **Regret** is what was lost against always the best arm. Stable arms: 10,000 requests in 100 ticks;
  A2 = (.9, .8), B10 = .1, .05×3, .02×3, .01×3, C10 = .5, .4×9. *Lai–Robbins* is the asymptotic lower bound;
  below it is normal at this length.
- **Drift worlds**: four arms, 2,000 ticks of 100 requests, every arm keeps 1 %. The worst ratio is to the
  best of all strategies in this run, world by world.
- **False rollback**: the share of runs in which an arm as good as the baseline is ever taken out; α = .05.
  Ticks of −30/+270 % multiply one arm's rate by .7 in nine ticks of ten and by 3.7 in the tenth, so that it
  is equal in the mean; *all or nothing* rewards every request of a tick or none.
- **Delay told × 2**: labels come by a median of 208 s and a 95th percentile of 899 s, and the operator is
  told twice that. Arms are equal, weights are the default's own.
- **With verdicts / without**: four arms, 2,000 ticks of 100 requests, in worlds in which losers come back.
  Rolled-back arms are tried again as in the operator.
- **Scores**: validation scores of four arms at .3, .27, .25, .2, which are the rates, the rates in reversed
  order, or noise as wide; 1,000 ticks of 100 requests, every arm keeps 1 %. Regret is relative to that of the
  same strategy without scores.
- **Harmed**: requests that a model still answers after it has broken, one tick being one interval; ticks are
  counted from the first that shows it.
- **Detection delay** is in units of the information bound log(1/α)/D, and of log(T/α)/D after a break
  at tick 3,000, the price of holding the promise for T = 10,000 ticks.
- **Promotion** is in units of T*·log(1/α), below which no test can name the best arm.

"""


class Part(TypedDict):
    """What one group of figures came to."""

    group: str
    seeds: int
    seconds: float
    rows: list[Row]
    cost: dict[str, Any] | None


def as_json(value: Any) -> str:
    """Return JSON for people too, numpy's scalars included."""
    return json.dumps(value, indent=1, ensure_ascii=False, default=_plain) + "\n"


def write(parts: list[Part], build: Path, docs: Path) -> None:
    """Write decisions.json under ``build``, and decisions.md with pictures under ``docs``."""
    build.mkdir(parents=True, exist_ok=True)
    docs.mkdir(parents=True, exist_ok=True)
    rows = [row for part in parts for row in part["rows"]]
    (build / "decisions.json").write_text(as_json(rows), encoding="utf-8")
    measured = ", ".join(
        f"{part['group']} with {part['seeds']:,} seeds in {part['seconds'] / 60:.0f} min"
        for part in parts
        if part["group"] != "cost"
    )
    page = HEAD.format(measured=measured or "costs only") + _table(rows)
    costs = next((part["cost"] for part in parts if part["cost"]), None)
    for name, title in draw(rows, costs, docs).items():
        page += f"\n![{title}]({name}.png)\n"
    (docs / "decisions.md").write_text(page, encoding="utf-8")


def draw(rows: list[Row], costs: dict[str, Any] | None, docs: Path) -> dict[str, str]:
    """Draw what there are figures for; gives the title of each picture by the name of its file."""
    titles = {}
    with styled():
        pictures = {
            "drift": ("Regret in the drift worlds", _drift(rows)),
            "rollback": ("How often an arm that is no worse is taken out", _rollback(rows)),
            "cost": ("Cost of a decision", _cost(costs) if costs else None),
        }
        for name, (title, figure) in pictures.items():
            if figure is not None:
                save(figure, docs / f"{name}.png")
                titles[name] = title
    return titles


def _plain(value: Any) -> Any:
    """Return numpy's scalars as Python's."""
    return value.item()


def _table(rows: list[Row]) -> str:
    lines = ["| | goal | measured | 95 % interval | compared with | met |", "|---|---|---|---|---|---|"]
    for row in rows:
        goal = "" if row["goal"] is None else f"≤ {_short(row['goal'])}"
        low, high = row["ci"]
        peer = "" if row["peer"] is None else f"{_short(row['peer'])} ({row['peer_name']})"
        interval = "" if low == high else f"{_short(low)} – {_short(high)}"
        met = {True: "yes", False: "**no**", None: ""}[row["met"]]
        lines.append(f"| {row['row']} | {goal} | {_short(row['ours'])} | {interval} | {peer} | {met} |")
    return "\n".join(lines) + "\n"


def _short(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) < 10 else f"{value:.1f}"


def _drift(rows: list[Row]) -> Figure | None:
    prefix = "ContrastThompson regret per 1,000: "
    worlds = [row for row in rows if row["row"].startswith(prefix)]
    if not worlds:
        return None
    at = np.arange(len(worlds))
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axis = figure.subplots()
    errors = [row["ours"] - row["ci"][0] for row in worlds]
    axis.bar(at - 0.2, [row["ours"] for row in worlds], 0.4, yerr=errors, label="ContrastThompson")
    axis.bar(at + 0.2, [row["peer"] or 0 for row in worlds], 0.4, label="best yardstick of each world")
    axis.set_xticks(at, [row["row"].removeprefix(prefix) for row in worlds], rotation=15)
    axis.set(
        ylabel="regret per 1,000 requests", xlabel="world", title="One strategy, nothing tuned per world"
    )
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)
    return figure


def _rollback(rows: list[Row]) -> Figure | None:
    nulls = [row for row in rows if row["row"].startswith("false rollback")]
    if not nulls:
        return None
    at = np.arange(len(nulls))
    figure = Figure(figsize=(9, 0.8 + 0.36 * len(nulls)), layout="constrained")
    axis = figure.subplots()
    axis.barh(at - 0.2, [row["ours"] for row in nulls], 0.4, label="bandit-operator")
    for peer, label in (
        ("z-test each tick", "a z-test at every tick"),
        ("the shadow alone", "its shadow alone"),
    ):
        mine = [index for index, row in enumerate(nulls) if row["peer_name"] == peer]
        axis.barh(at[mine] + 0.2, [nulls[index]["peer"] or 0 for index in mine], 0.4, label=label)
    axis.axvline(0.05, color=INK, linewidth=1.2, linestyle="--", label="what is promised: 5 %")
    axis.set_yticks(at, [_world(row["row"]) for row in nulls])
    axis.invert_yaxis()
    axis.set(xlabel="share of runs in which an arm that is no worse is taken out", xlim=(0, 1))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.0f} %"))
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, loc="outside upper center", ncols=4)
    return figure


def _world(title: str) -> str:
    """The world that a row is about, and whether there is a shadow in it."""
    what, world = title.split(": ", 1)
    return f"shadow: {world}" if what.endswith("with a shadow") else world


def _cost(costs: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for number, strategy in enumerate(costs["decision"]):
        style = "--" if number >= len(COLOURS) else "-"  # more strategies than colours
        left.semilogx(costs["arms"], costs["decision"][strategy], marker=".", linestyle=style, label=strategy)
        right.semilogx(costs["arms"], np.array(costs["stored"][strategy]) / 1024, marker=".", linestyle=style)
    left.set(xlabel="arms", ylabel="million multiplications", title="Cost of a decision")
    right.set(xlabel="arms", ylabel="KiB", title="Memory in status")
    for axis in (left, right):
        axis.set_xticks(costs["arms"], costs["arms"])
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_ylim(bottom=0)
        axis.spines[["top", "right"]].set_visible(False)
    figure.legend(
        *left.get_legend_handles_labels(),
        fontsize="small",
        frameon=False,
        loc="outside lower center",
        ncols=5,
    )
    return figure
