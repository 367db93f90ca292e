"""``python -m bench.chaos``: every fault that is known, on a cluster under a steady load.

Each fault is injected into a rollout of its own while requests go through the real gateway, and what the
operator does is held to what it promises: no request fails from two seconds after a fault on while an arm
can serve, no arm is taken out that was never worse, no reward is lost or counted twice beyond what is
stated, and Ready=True is never said while a promise is broken.

build/chaos/report.json has a row for each fault, docs/chaos.md and its picture are made from it. A fault
that is played again with --only replaces its row, so a run that was stopped, or one fault that has been
mended, does not take the whole. The whole takes about 30 minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.chaos import page
from bench.chaos.fault import Fault
from bench.chaos.faults import FAULTS
from bench.chaos.live import RATE
from bench.chaos.play import AT_ONCE, Row, play_all
from bench.chaos.scene import open_stage
from cluster.client import ClusterError, other_named

BUILD = Path("build/chaos")
DOCS = Path("docs")


def chosen(names: Sequence[str] | None, quick: bool) -> list[type[Fault]]:
    """Return the faults of these names, or of all; ``quick`` leaves the small selection of them."""
    return [
        fault for fault in FAULTS if (names is None or fault.name in names) and (fault.quick or not quick)
    ]


def run(faults: Sequence[type[Fault]], folder: Path, keep: Callable[[Row], None]) -> list[Row]:
    """Play faults on a fresh cluster whose state lies in a folder, and return their figures.

    Args:
        faults: the faults.
        folder: of the cluster.
        keep: called with the figures of each as soon as it was played.
    """
    columns = (TextColumn("{task.description:70}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    playing: set[str] = set()
    with Progress(*columns) as progress:
        bar = progress.add_task("a cluster starts", total=len(faults))

        def began(name: str) -> None:
            playing.add(name)
            progress.update(bar, description=", ".join(sorted(playing))[:70])

        def ended(row: Row) -> None:
            keep(row)
            playing.discard(row["fault"])
            word = "ok" if row["ok"] else f"NOT OK: {'; '.join(row['problems'])}"
            progress.console.print(f"{row['fault']:42} {row['seconds']:5.0f} s  {word}", highlight=False)
            progress.update(bar, advance=1)

        with open_stage(folder) as stage:
            return play_all(stage, faults, began, ended)


def report_of(rows: Sequence[Row], seconds: float, before: dict[str, Any]) -> dict[str, Any]:
    """Return the report: these rows, and those of an earlier run of faults that were not played now."""
    by_name = {row["fault"]: row for row in before.get("faults", [])} | {row["fault"]: row for row in rows}
    played = [by_name[fault.name] for fault in FAULTS if fault.name in by_name]
    kept = bool(before) and len(rows) < len(played)
    return {
        "seconds": before.get("seconds", 0.0) if kept else seconds,
        "cores": os.cpu_count(), "rate": RATE, "at_once": AT_ONCE, "faults": played,
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    """Play, and write what it came to; ends with 1 where a fault is not ok."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick", action="store_true",
        help="a few of the worst in three minutes, to see that it runs; the page is not touched",
    )  # fmt: skip
    parser.add_argument(
        "--only", nargs="*", choices=[fault.name for fault in FAULTS], metavar="FAULT",
        help="play these again, or none: write the page only; --list tells their names",
    )  # fmt: skip
    parser.add_argument("--list", action="store_true", help="tell what each fault is, and play nothing")
    options = parser.parse_args(arguments)
    if options.list:
        for fault in FAULTS:
            print(f"{fault.name}\n    {fault.injected}\n    → {fault.expected}")
        return
    if other_named():
        parser.error("processes of the embedded cluster are stopped and killed; unset KUBECONFIG and CLUSTER")
    build, docs = (BUILD / "quick", BUILD / "quick") if options.quick else (BUILD, DOCS)
    faults, file = chosen(options.only, options.quick), build / "report.json"
    before = (
        json.loads(file.read_text(encoding="utf-8")) if options.only is not None and file.exists() else {}
    )
    began, played = time.monotonic(), list[Row]()

    def keep(row: Row) -> None:
        played.append(row)
        page.keep(report_of(played, time.monotonic() - began, before), build)

    rows: list[Row] = []
    try:
        rows = run(faults, build, keep) if faults else []
    except (ClusterError, AssertionError) as error:
        sys.exit(f"bench.chaos: {error}")
    report = report_of(rows, time.monotonic() - began, before)
    page.write(report, build, docs)
    bad = [row["fault"] for row in report["faults"] if not row["ok"]]
    print(f"{len(report['faults'])} faults, {len(bad)} not ok → {build}/report.json, {docs}/chaos.md")
    if bad:
        sys.exit(f"not ok: {', '.join(bad)}")


if __name__ == "__main__":
    main()
