"""The sections of the page: how each part was measured, its table and a frank reading."""

from __future__ import annotations

import math
from typing import Any

from bench.overhead import latency as paths
from bench.overhead import reaction as live
from bench.overhead import shares as others
from bench.overhead import wording
from bench.overhead.paired import PERCENTILES
from bench.overhead.scale import PATIENCE_SECONDS
from bench.overhead.wording import interval, number

LATENCY = """## Requests

The same two Pods, a model that answers at once, are reached over a Service, over a route of the gateway
that stands still, and over one whose weights the operator moves at every tick, {interval:g} s apart. In
each of {rounds} rounds every path gets {rate:,} requests a second for {seconds:g} s, from vegeta in a
Pod of its own, then as many as {workers} connections can for {full_seconds:g} s; each round begins with
another path. While the other two are measured the operator is paused. Intervals are of Student's
t over the differences within rounds. In the rounds of the moved route the operator wrote it {writes}
times.

"""
SCALE = """## What a tick costs

Resources with two arms, each with a route and Services of its own, at equal rewards. Where weights
*rest*, every tick reads, learns and decides all the same, and `minShare` keeps the weights; where they
*move*, another arm has the better rewards in each window, and every tick changes them. Each line is
{seconds:g} s long and begins once the operator is over the
change of all resources at once that makes the line, at the latest after {patience:g} s.
The operator's processor time and memory are those that it exposes itself, requests are counted from the
API server's audit log, writes of etcd from the API server's metrics (of BanditDeployments and HTTPRoutes,
what the gateway writes into a route's status included), queries by Prometheus itself. Lists are not among
a tick's reads: every five minutes each kind is listed once, however many resources there are. *ms a tick*
is processor time beyond that of an operator without resources.

"""
FLEET = """## Many resources, divided

{resources:,} resources as above at {interval} s, divided among {shards} replicas (`shards` of the chart), and
at rest. All replicas read all resources, and each decides its own. Processor, memory and counts are of all
of them together, and *ms a tick* is all of their processor time.

"""
FLEET_BEHIND = """
**They did not keep up**: {kept:.0%} of the ticks happened in time. On these cores etcd, API server, gateway,
a Prometheus that looks each second and {shards} operators share what there is; the operators got {cores}
cores between them. Late ticks lose no reward. Each operator watches and keeps all resources, and takes
{memory} MiB: shards divide the work of ticks, and not that.
"""
NOT_IN_THE_PATH = """\
The operator is not in the data path: what a request pays for is the gateway, which a cluster with
Gateway API has anyway, and that it takes over new weights. With the operator dead or uninstalled, requests
take the same way.
"""
NOT_KEPT_UP = """\
**It did not keep up**: {kept:.0%} of the ticks happened in time. Late ticks lose no reward, their windows
are read one by one afterwards; but give such an operator a core of its own, or a longer interval."""
TRIED = """
Where a goal is not met, this was tried. *Processor*: a resting tick took 11 ms when everything was asked and
decided one by one. What is due together asks by one request and is learned and decided in one call now, a
status that says nothing new is written once a minute, and nothing is computed twice. [The
profile](profile.md) shows what is left: plain Python about each resource, a fifth of it in the largest step.
Larger groups than those of 24 make cheaper ticks that begin later. With uvloop in the place of asyncio's own
event loop a tick of 1,000 resources takes 9 % less, at rest (3.3 and 3.0 ms) and moving (11.7 and 10.7), and
the process 2 MiB more: too little for another part that could fail. *Memory*: scipy is not imported any more
(58 MiB), and of watched objects only what is read is kept. Fewer arenas of malloc change nothing, no
docstrings 2 MiB, and rich and jinja2, which the log's library and the web pages import, are 5. The rest is
numpy, aiohttp, kopf with the Kubernetes client, pydantic, and the operator itself.
"""
COLUMNS = (
    "resources", "interval", "weights", "ticks in time", "cores", "ms a tick", "MiB", "late, mean s",
    "late, 99 % below s", "queries a tick", "API reads a tick", "API writes a tick",
    "etcd writes a tick", "API server, cores",
)  # fmt: skip
SHARES = """## What a small arm gets while others move

A route that nothing moves gives {meant:.0%} to one of its two arms and gets {rate} requests a second
for {seconds:g} s. Meanwhile the operator moves other routes of the same gateway at every tick,
{interval} s apart. The gateway, Traefik, takes over a new configuration within {throttle:g} s here (its own
default is 2 s) and starts each round robin again with it; so what counts is in how many seconds some
route was written, not how many were. Resources whose intervals are the same move in the same moment.

"""
THROTTLE = 0.1
"""Seconds between two configurations of the embedded cluster's gateway."""
REACTION = """## From a broken model to its route

Each rollout has two model servers in Pods of their own and gets {rate:g} requests a second through the
gateway, each of which is a reward or none; Prometheus looks each second. The operator is as shipped, but
for an interval of {interval} s, and finds `settle` itself. The first of two equally good models has all of
the traffic; then the second is given its share by hand, and the operator only watches for {watched:g} s (mode
`Observe`). It is let act, and the second model breaks, in the same moment, whichever part of the interval
that is. Each case was played {rounds} times. *Harmed* are the requests that the broken
model answered within {seconds:g} s; seconds are those until the API server had the route with half of the
share that the model had when it broke, and with none. The median, and in brackets the lowest and the
highest.

| case | share when it broke | harmed | seconds to half | seconds to 0 | failed requests |
|---|---|---|---|---|---|
"""
BETTER = """
A model that is clearly better, {canary:g} beside {stable:g}, begins without weight. *Lost* are the
rewards that requests at the other one did not earn, within {seconds:g} s from the moment that the resource
was applied.

| seconds to its first weight | seconds to {all:.0%} | lost | failed requests |
|---|---|---|---|
"""
SHADOW = """## What a shadow costs served requests

No cluster, but the processes alone: an arm answers {rate:g} requests a second, and blocks of {block}
requests of which a shadow server has copies answered by {arms} arms alternate with blocks without copies,
{pairs} of each. Client, collector, shadow server and all arms share {cores} cores, so this is what a shadow
costs at its worst: on a cluster only what the serving arm does for it remains. Time of a served request with
copies as a multiple of that without: the median of the pairs of blocks, with the lowest and the highest.

| copied | | with : without | lowest – highest |
|---|---|---|---|
"""


def latency(part: dict[str, Any], picture: str) -> str:
    """Return the section about requests."""
    summary = paths.summary(part)
    plan = part["plan"]
    writes = summary["route_writes"]["moved"]
    text = LATENCY.format(**plan | {"rounds": len(part["rounds"])}, writes=writes)
    text += "| | Service | still route | moved route | still less Service | moved less still |\n"
    text += "|---|---|---|---|---|---|\n"
    for name in (*PERCENTILES, "throughput"):
        one = summary[name]
        digits = 3 if name == "throughput" else 2
        cells = [number(one[path], digits) for path in paths.PATHS]
        for pair in ("static - direct", "moved - static"):
            mean, between = one[pair]
            cells.append(f"{number(mean)} ({interval(between)})")
        label = "answers a second" if name == "throughput" else f"{name}, ms"
        text += f"| {label} | {' | '.join(cells)} |\n"
    near, far = part["after_write"]["near"], part["after_write"]["far"]
    failed = sum(summary["failed"].values())
    text += f"\nOf {sum(summary['requests'].values()):,} requests {failed or 'none'} failed."
    if near["count"] and far["count"]:
        text += (
            f" Requests in the second after a route write took {number(near['p50'])} ms at the median and"
            f" {number(near['p99'])} ms at the 99th percentile; the others of the same rounds"
            f" {number(far['p50'])} and {number(far['p99'])} ms."
        )
    picture = f"![Latency and throughput over the three paths, round by round]({picture})"
    return f"{text}\n\n{NOT_IN_THE_PATH}\n{picture}\n"


def scale(part: dict[str, Any], picture: str) -> str:
    """Return the section about ticks."""
    text = SCALE.format(**part["plan"], patience=PATIENCE_SECONDS)
    text += f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|\n"
    for line in part["lines"]:
        every = f"{line['interval']} s" if line["interval"] else ""
        cells = [
            f"{line['resources']:,}",
            every,
            wording.WEIGHT_NAMES[line["weights"]],
            f"{min(wording.share_of_ticks(line), 1.0):.0%}" if every else "",
            number(line["cores"]),
        ]
        cells += [number(wording.milliseconds_a_tick(part, line)), number(line["memory_mib"], 3)]
        counted = ("lag_mean", "lag_p99", "queries", "api_reads", "api_writes", "etcd_writes", "api_cores")
        cells += [number(line[name]) for name in counted]
        text += f"| {' | '.join(cells)} |\n"
    if "start_up" in part:
        first, every = (number(part["start_up"][name]) for name in ("first", "all"))
        text += f"\nAn operator that starts with all of them makes its first decision {first} s after its"
        text += f" process began, and has made one for each after {every} s.\n"
    text += "\n" + _reading(part) + TRIED
    return text + f"\n![Processor, memory and lag by number of resources]({picture})\n"


def fleet(part: dict[str, Any], _picture: str) -> str:
    """Return the section about replicas that divide the resources."""
    plan = part["plan"]
    names = (
        "cores", "ms", "memory_mib", "lag_mean", "lag_p99", "queries", "api_reads", "api_writes", "api_cores",
    )  # fmt: skip
    titles = (
        "cores", "ms a tick", "MiB", "late, mean s", "late, 99 % below s", "queries a tick",
        "API reads a tick", "API writes a tick", "API server, cores",
    )  # fmt: skip
    line = part | {"resources": plan["resources"], "interval": plan["interval"]}
    line["ms"] = 1e3 * line["cores"] * line["seconds"] / line["ticks"] if line["ticks"] else None
    kept = wording.share_of_ticks(line)
    text = FLEET.format(**plan) + f"| ticks in time | {' | '.join(titles)} |\n{'|---' * (len(names) + 1)}|\n"
    text += f"| {min(kept, 1.0):.0%} | {' | '.join(number(line[name], 3) for name in names)} |\n"
    if wording.keeps_up(line):
        return text
    memory = number(part["memory_mib"] / plan["shards"], 3)
    return text + FLEET_BEHIND.format(
        kept=kept, shards=plan["shards"], cores=number(part["cores"]), memory=memory
    )


def _reading(part: dict[str, Any]) -> str:
    """Say what the figures mean for those who run many resources."""
    lines = [line for line in part["lines"] if line["resources"]]
    largest = max(line["resources"] for line in lines)
    text = "The status of a resource that rests is written at most once a minute, whatever its interval.\n"
    idle = part["lines"][0]
    for line in lines:
        if line["resources"] != largest or line["weights"] != "settled":
            continue
        memory = (line["memory_mib"] - idle["memory_mib"]) / largest * 1024
        text += (
            f"\n**{largest:,} resources at {line['interval']} s** take {number(line['cores'])} of a core and"
            f" {number(line['memory_mib'], 3)} MiB, {number(memory)} KiB a resource:"
        )
        text += f" set `resources.requests` of the chart to cpu {_cpu(line['cores'])} and memory"
        text += f" {_memory(line['memory_mib'])}. "
        if not wording.keeps_up(line):
            text += NOT_KEPT_UP.format(kept=wording.share_of_ticks(line))
        else:
            text += "It kept up."
            if line["caught_up"]:
                text += (
                    f" All of them changed at once were a backlog of {number(line['caught_up'])} s more than"
                    " an interval."
                )
        text += (
            f" One look at its `/metrics`, then {number(line['scrape_kib'], 3)} KiB, took"
            f" {number(line['scrape_ms'])} ms through the API server; nothing else scraped it.\n"
        )
    return text


def shares(part: dict[str, Any], picture: str) -> str:
    """Return the section about small arms."""
    text = SHARES.format(
        meant=others.MEANT, rate=others.RATE, interval=others.INTERVAL, throttle=THROTTLE, **part["plan"]
    )
    text += "| other routes that move | their writes a minute | seconds with a write, of 60 | requests |"
    text += " failed | share of the small arm |\n|---|---|---|---|---|---|\n"
    for line in part["lines"]:
        minutes = line["seconds"] / 60
        cells = [
            f"{line['resources']:,}",
            number(line["writes"] / minutes),
            number(line["seconds_with_a_write"] / minutes),
            f"{line['requests']:,}",
            f"{line['failed']}",
            f"{line['share']:.2%}",
        ]
        text += f"| {' | '.join(cells)} |\n"
    return text + f"\n![Share of the small arm by number of routes that move]({picture})\n"


def reaction(part: dict[str, Any], picture: str) -> str:
    """Return the section about models that break, and one that is better."""
    plan = part["plan"]
    text = REACTION.format(rate=live.RATE, interval=live.INTERVAL, watched=live.WATCHED_SECONDS, **plan)
    for title in live.BREAKS:
        found = live.runs_of(part, title)
        cells = [title, *(_spread(found, name) for name in ("start", "harmed", "half", "out"))]
        text += f"| {' | '.join(cells)} | {sum(one['failed'] for one in found)} |\n"
    text += BETTER.format(seconds=plan["better_seconds"], all=live.ALL, **live.BETTER)
    cells = [_spread(part["better"], name) for name in ("first", "nearly", "lost")]
    text += f"| {' | '.join(cells)} | {sum(one['failed'] for one in part['better'])} |\n"
    return text + f"\n![Share of each model over time, from the moment that it broke]({picture})\n"


def _spread(runs: list[dict[str, Any]], name: str) -> str:
    median, (low, high) = wording.median_and_range([one[name] for one in runs])
    return f"{number(median)} ({number(low)} – {number(high)})"


def shadow(part: dict[str, Any], _picture: str) -> str:
    """Return the section about shadows."""
    text = SHADOW.format(**part["plan"])
    for one in part["figures"]:
        cells = (f"{one['share']:.0%}", f"p{one['percentile']:g}", f"{one['ratio']:.2f}")
        text += f"| {' | '.join(cells)} | {one['lowest']:.2f} – {one['highest']:.2f} |\n"
    return text


def _cpu(cores: float) -> str:
    """Half as much again as was taken, in steps of 50 thousandths of a core."""
    return f"{50 * math.ceil(1.5 * cores * 1000 / 50)}m"


def _memory(mebibytes: float) -> str:
    """Half as much again as was taken, in steps of 64 MiB."""
    return f"{64 * math.ceil(1.5 * mebibytes / 64)}Mi"
