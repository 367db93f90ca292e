"""``python -m bench.overhead``: what the operator costs, measured on a cluster.

Six parts, all but the last on a fresh embedded cluster of its own with the operator from its chart:

latency   requests to the same model Pods straight through a Service, through a route that stands still, and
          through a route whose weights the operator moves at every tick; paired, round by round
scale     processor time and memory of the operator, and what it asks of API server, etcd and Prometheus, at
          1 to 1,000 BanditDeployments
fleet     the same of three replicas that divide 5,000 among them
shares    what a small arm of a still route gets while 1 to 200 other routes of its gateway are moved
reaction  what a model that breaks costs with real requests, and how soon its route has none for it; and how
          soon a better model has all
shadow    what users wait for while a share of their requests is copied to a shadow server; paired, by block

Each part is written to build/bench/overhead/parts as soon as it is measured, and build/bench/overhead.json,
docs/bench/overhead.md, docs/bench/fleet.md (scale and fleet) and their pictures are made from all parts that
are there: a run that was stopped goes on with --only. The whole takes about two hours; nothing else should
run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.overhead import fleet, latency, page, reaction, scale, shadow, shares
from bench.overhead.environment import open_environment
from bench.overhead.progress import reporter
from bench.report import as_json
from cluster.client import ClusterError, other_named

BUILD = Path("build/bench")
DOCS = Path("docs/bench")
ON_A_CLUSTER: dict[str, Any] = {
    "latency": latency,
    "scale": scale,
    "fleet": fleet,
    "shares": shares,
    "reaction": reaction,
}
PARTS = ON_A_CLUSTER | {"shadow": shadow}


def measure(name: str, quick: bool, folder: Path) -> dict[str, Any]:
    """Measure one part, whose state, that of its cluster if it has one, lies in a folder."""
    part = PARTS[name]
    plan = part.QUICK if quick else part.FULL
    started = time.monotonic()
    columns = (TextColumn("{task.description:60}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task(f"{name}: its parts start", total=plan.steps)
        with open_environment(folder) if name in ON_A_CLUSTER else _empty(folder) as where:
            measured: dict[str, Any] = part.measure(where, plan, reporter(progress, bar))
        progress.update(bar, completed=plan.steps, description=f"{name}: measured")
    return {"seconds": time.monotonic() - started, **measured}


@contextlib.contextmanager
def _empty(folder: Path) -> Iterator[Path]:
    """A folder in that one, which goes with what was put into it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        yield Path(inner)


def main(arguments: list[str] | None = None) -> None:
    """Measure, and write what was measured."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.overhead",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick", action="store_true", help="in ten minutes: to see that it runs; the page is not touched"
    )
    parser.add_argument(
        "--only", nargs="*", choices=tuple(PARTS), default=tuple(PARTS), metavar="PART",
        help="measure these parts again (%(choices)s), or none: write the page only",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    if other_named():
        parser.error("the audit log of the embedded cluster is read; unset KUBECONFIG and CLUSTER")
    # A quick look does not overwrite what a full run has measured.
    build, docs = (BUILD / "quick", BUILD / "quick") if options.quick else (BUILD, DOCS)
    folder = build / "overhead" / "parts"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for name in options.only:
            measured = measure(name, options.quick, build / "overhead" / "cluster")
            (folder / f"{name}.json").write_text(as_json(measured), encoding="utf-8")
    except (ClusterError, AssertionError) as error:
        sys.exit(f"bench.overhead: {error}")
    parts = {
        name: json.loads(file.read_text(encoding="utf-8"))
        for name in PARTS
        if (file := folder / f"{name}.json").exists()
    }
    pages = page.write(parts, build, docs)
    print(f"{', '.join(parts) or 'nothing'} → {build}/overhead.json{''.join(f', {one}' for one in pages)}")


if __name__ == "__main__":
    main()
