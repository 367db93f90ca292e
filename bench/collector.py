"""``python -m bench.collector``: how many events a second the reward collector takes.

Usage: python -m bench.collector [--quick] [--only DATABASE …]

The collector runs as a process of its own, as it does in a Pod, and gets predictions and their labels
over HTTP from this one, so two cores are in use. An event counts when its batch is answered with 200,
that is when it is on disk; each request is joined and rewarded on the way. What is sent is written before
the clock starts.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.report import as_json
from bench.served import running
from bench.task import Row
from testbed.postgresql import postgresql

BUILD = Path("build/bench")
DOCS = Path("docs/bench")
DATABASES = ("SQLite", "PostgreSQL")
GOAL = 5_000.0  # events a second, batched, with SQLite
BATCH = 500  # what the sample arm and the replayer send
CONNECTIONS = {BATCH: 4, 1: 64}

HEAD = """# The reward collector, measured

Written by `python -m bench.collector`: a collector in a process of its own gets predictions and their labels
over HTTP, joins them, counts their rewards and answers once they are on disk. Events a second, the median of
{rounds} rounds of {events} on {cores} cores that collector, client and database share, with the slowest and
the fastest round. Disks differ: each transaction waits for one, and gathers what has come meanwhile.

| | goal | events a second | slowest – fastest | met |
|---|---|---|---|---|
"""


@contextlib.contextmanager
def _database(name: str, folder: Path) -> Iterator[str]:
    if name == "SQLite":
        yield str(folder / "rewards.db")
        return
    with postgresql() as server:
        yield server.create_database()


def _bodies(first: int, events: int, batch: int) -> list[tuple[str, bytes]]:
    """Write requests: a batch of predictions, then one of their labels, until there are enough events."""
    bodies = []
    for start in range(first, first + events // 2, batch):
        ids = [f"request-{number:09d}" for number in range(start, start + batch)]
        predictions = [
            {"id": i, "route": "income", "arm": "ab"[n % 2], "outputs": {"predict": 1}}
            for n, i in enumerate(ids)
        ]
        labels = [{"id": i, "route": "income", "label": n % 3 % 2} for n, i in enumerate(ids)]
        bodies += [("predictions", json.dumps(predictions).encode()), ("labels", json.dumps(labels).encode())]
    return bodies


async def _send(url: str, bodies: list[tuple[str, bytes]], connections: int) -> float:
    """Post all bodies over some connections, each waiting for its answers, and return the seconds."""
    left = iter(bodies)
    headers = {"Content-Type": "application/json"}

    async def one_connection(client: aiohttp.ClientSession) -> None:
        for kind, body in left:
            async with client.post(f"{url}/v1/{kind}", data=body, headers=headers) as answer:
                if answer.status != 200:
                    raise RuntimeError(f"HTTP {answer.status}: {await answer.text()}")

    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector) as client:
        started = time.perf_counter()
        await asyncio.gather(*(one_connection(client) for _ in range(connections)))
        return time.perf_counter() - started


def measure(name: str, batch: int, events: int, rounds: int, progress: Progress) -> Row:
    """Return the row of one database and batch size."""
    bar = progress.add_task(f"{name}, {batch} in a batch", total=rounds)
    rates = []
    BUILD.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=BUILD) as folder,
        _database(name, Path(folder)) as database,
        running("collector", environment={"BANDIT_SERVING_COLLECTOR_DATABASE": database}) as url,
    ):
        for number in range(rounds):
            bodies = _bodies(number * events, events, batch)
            rates.append(events / asyncio.run(_send(url, bodies, CONNECTIONS[batch])))
            progress.advance(bar)
        _check(url, rounds * events)
    goal = GOAL if (name, batch) == ("SQLite", BATCH) else None
    median = statistics.median(rates)
    size = "one by one" if batch == 1 else f"{batch} in a batch"
    return Row(
        row=f"{name}, {size}, {CONNECTIONS[batch]} connections",
        goal=goal,
        ours=median,
        ci=[min(rates), max(rates)],
        peer=None,
        peer_name=None,
        met=None if goal is None else median >= goal,
    )


def _check(url: str, events: int) -> None:
    """Raise unless every request was joined and rewarded once."""
    with urllib.request.urlopen(f"{url}/v1/summary") as answer:
        arms = json.load(answer)["routes"]["income"]["arms"].values()
    trials = sum(arm["trials"] for arm in arms)
    if trials != events // 2:
        raise RuntimeError(f"{trials} trials were counted of {events // 2}")


def page(rows: list[Row], events: dict[int, int], rounds: int) -> str:
    """Return the page of some rows."""
    sizes = f"{events[BATCH]:,} events in batches or {events[1]:,} one by one"
    text = HEAD.format(rounds=rounds, events=sizes, cores=os.cpu_count())
    for row in rows:
        goal = "" if row["goal"] is None else f"≥ {row['goal']:,.0f}"
        met = {True: "yes", False: "**no**", None: ""}[row["met"]]
        low, high = row["ci"]
        text += f"| {row['row']} | {goal} | {row['ours']:,.0f} | {low:,.0f} – {high:,.0f} | {met} |\n"
    return text


def main() -> None:
    """Measure, and write build/bench/collector.json and docs/bench/collector.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few events: to see that it runs")
    parser.add_argument(
        "--only", nargs="+", choices=DATABASES, default=DATABASES, help="these databases only"
    )
    options = parser.parse_args()
    rounds = 2 if options.quick else 5
    events = {BATCH: 10_000, 1: 1_000} if options.quick else {BATCH: 100_000, 1: 10_000}
    columns: Any = (
        TextColumn("{task.description:32}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns) as progress:
        rows = [
            measure(name, batch, count, rounds, progress)
            for name in options.only
            for batch, count in events.items()
        ]
    # A look at a part does not overwrite what a full run has measured.
    whole = not options.quick and len(rows) == len(DATABASES) * len(events)
    build, docs = (BUILD, DOCS) if whole else (BUILD / "quick", BUILD / "quick")
    for folder in (build, docs):
        folder.mkdir(parents=True, exist_ok=True)
    (build / "collector.json").write_text(as_json(rows), encoding="utf-8")
    (docs / "collector.md").write_text(page(rows, events, rounds), encoding="utf-8")
    for row in rows:
        print(f"{row['row']}: {row['ours']:,.0f} events a second")
    print(f"{len(rows)} rows → {build}/collector.json, {docs}/collector.md")


if __name__ == "__main__":
    main()
