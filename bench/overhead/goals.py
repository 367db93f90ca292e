"""What the project promises of its overhead, and whether that holds."""

from __future__ import annotations

from typing import Any

from bench.overhead import latency, reaction, shares, wording
from bench.task import Row, row

MOST = 1000
"""Resources that one operator is meant for."""
EVERY = 10
"""Their interval in seconds."""


def rows(parts: dict[str, Any]) -> list[Row]:
    """Return a row for each promise that was measured."""
    promises: list[Row] = []
    if "latency" in parts:
        promises += _of_requests(parts["latency"])
    if "scale" in parts:
        promises += _of_ticks(parts["scale"]) + _of_one_tick(parts["scale"]) + _of_the_most(parts["scale"])
        promises += _of_records(parts["scale"])
    if "shares" in parts:
        promises += _of_shares(parts["shares"])
    if "reaction" in parts:
        promises += _of_breaks(parts["reaction"]) + _of_the_better(parts["reaction"])
    return promises


def table(promises: list[Row]) -> str:
    """Return the rows as a table."""
    lines = ["| | goal | measured | 95 % interval | met |", "|---|---|---|---|---|"]
    for one in promises:
        low, high = one["ci"]
        interval = "" if low == high else wording.interval(one["ci"])
        met = "yes" if one["met"] else "**no**"
        goal = f"≤ {wording.number(one['goal'])}" if one["goal"] else "none"
        lines.append(f"| {one['row']} | {goal} | {wording.number(one['ours'])} | {interval} | {met} |")
    return "\n".join(lines) + "\n"


def _of_requests(part: dict[str, Any]) -> list[Row]:
    summary = latency.summary(part)
    every = part["plan"]["interval"]
    return [
        _plain(f"requests that failed while weights moved each {every:g} s", 0.0, summary["failed"]["moved"]),
        row(
            "median latency, moved route less still route, milliseconds", 0.1,
            summary["p50"]["moved - static"],
        ),
        row(
            "99th percentile of latency, moved route less still route, milliseconds", 1.0,
            summary["p99"]["moved - static"],
        ),
    ]  # fmt: skip


def _of_ticks(part: dict[str, Any]) -> list[Row]:
    """Hold the ticks of operators that keep up to what a tick may take; one that catches up takes more."""
    lines = [line for line in part["lines"] if line["ticks"] and wording.keeps_up(line)]
    if not lines:
        return []
    promises = [
        _plain(
            "reads of the API server in a tick, worst case", 0.01, max(line["api_reads"] for line in lines)
        ),
        _plain("queries to Prometheus in a tick, worst case", 1.05, max(line["queries"] for line in lines)),
    ]
    moving = [line["api_writes"] for line in lines if line["weights"] == "moving"]
    if moving:
        promises.append(_plain("writes to the API server in a tick that moves weights", 2.05, max(moving)))
    settled = [
        60 * line["api_writes"] * line["ticks"] / line["seconds"] / line["resources"]
        for line in lines
        if line["weights"] == "settled"
    ]
    if settled:
        worst = max(settled)
        promises.append(_plain("writes a minute of a resource whose weights rest, worst case", 1.1, worst))
    return promises


def _of_shares(part: dict[str, Any]) -> list[Row]:
    line = part["lines"][-1]
    lacking = max(0.0, 1 - line["share"] / shares.MEANT)
    return [
        _plain(
            f"part of its share that a small arm lacks while {line['resources']:,} others move", 0.2, lacking
        )
    ]


def _of_breaks(part: dict[str, Any]) -> list[Row]:
    """Medians; the interval is from the lowest to the highest, which holds for 97 % of six runs."""
    promises = []
    for title, case in reaction.BREAKS.items():
        found = reaction.runs_of(part, title)
        wanted = {
            "harmed": ("requests harmed", case.harmed),
            "half": ("seconds to half its share", case.half),
            "out": ("seconds to weight 0", case.out),
        }
        for figure, (what, goal) in wanted.items():
            if goal is not None:
                values = wording.median_and_range([one[figure] for one in found])
                promises.append(row(f"{title}: {what} (median)", goal, values))
    return promises


def _of_the_better(part: dict[str, Any]) -> list[Row]:
    wanted = {
        "first": ("seconds to its first weight", float(reaction.INTERVAL)),
        "nearly": (f"seconds to {reaction.ALL:.0%} of the traffic", 60.0),
        "lost": (f"rewards lost in {part['plan']['better_seconds']:g} s", 400.0),
    }
    return [
        row(
            f"{reaction.BETTER_TITLE}: {what} (median)",
            goal,
            wording.median_and_range([one[figure] for one in part["better"]]),
        )
        for figure, (what, goal) in wanted.items()
    ]


def _of_the_most(part: dict[str, Any]) -> list[Row]:
    line = wording.line_of(part, MOST, EVERY, "settled")
    if line is None:
        return []
    where = f"{MOST:,} resources at {EVERY} s"
    missed = max(0.0, 1 - wording.share_of_ticks(line))
    promises = [
        _plain(f"share of ticks that were missed, {where}", 0.005, missed),
        _plain(f"processor of the operator, {where}, cores", 0.2, line["cores"]),
        _plain(f"memory of the operator, {where}, MiB", 250.0, line["memory_mib"]),
        _plain(f"how late 99 % of the ticks begin at most, {where}, seconds", 0.5, line["lag_p99"]),
    ]
    if line["caught_up"] is not None:
        promises.append(_plain(f"all changed at once, {where}, seconds", 20.0, line["caught_up"]))
    if "start_up" in part:
        first = part["start_up"]["first"]
        promises.append(_plain(f"start to the first decision, {MOST:,} resources, seconds", 15.0, first))
    return promises


def _of_records(part: dict[str, Any]) -> list[Row]:
    """What comes of the decisions that the resources have on record, made again after each line."""
    found = [line["replayed"] for line in part["lines"] if "replayed" in line]
    if not found:
        return []
    most, decisions = max(one["resources"] for one in found), sum(one["decisions"] for one in found)
    on_record = f"{decisions:,} decisions on record, of up to {most:,} resources"
    differ = sum(one["differ"] for one in found)
    return [_plain(f"of {on_record}, those that differ when made again", 0.0, differ)]


def _of_one_tick(part: dict[str, Any]) -> list[Row]:
    """Processor time of one tick of operators that keep up, and the memory of one without a resource."""
    found = {
        weights: [
            milliseconds
            for line in part["lines"]
            if line["weights"] == weights
            and wording.keeps_up(line)
            and (milliseconds := wording.milliseconds_a_tick(part, line)) is not None
        ]
        for weights in ("settled", "moving")
    }
    promises = [
        _plain(f"processor time of a tick that {what}, worst case, milliseconds", goal, max(found[weights]))
        for weights, what, goal in (("settled", "rests", 2.0), ("moving", "moves weights", 5.0))
        if found[weights]
    ]
    idle = wording.line_of(part, 0, None, "none")
    if idle is not None:
        promises.append(_plain("memory of an operator without resources, MiB", 90.0, idle["memory_mib"]))
    return promises


def _plain(name: str, goal: float, value: float) -> Row:
    """A figure that is counted, and so has no interval."""
    return row(name, goal, (value, [value, value]))
