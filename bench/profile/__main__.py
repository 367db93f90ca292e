"""``python -m bench.profile``: where the operator's processor time goes, step by step.

The operator is sampled on an embedded cluster of its own, at 1 and at 1,000 BanditDeployments, with weights
that rest and weights that may move at each tick. What was measured is written to build/bench/profile.json,
docs/bench/profile.md and its picture. It takes about a quarter
of an hour.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.overhead.progress import reporter
from bench.profile import measure, page
from bench.report import as_json
from cluster.client import ClusterError, other_named

BUILD = Path("build/bench")
DOCS = Path("docs/bench")


def main(arguments: list[str] | None = None) -> None:
    """Measure, and write what was measured."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.profile",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--resources", type=int, nargs="+", default=[1, 1000], metavar="N",
        help="how many BanditDeployments, growing (default: 1 1000)",
    )  # fmt: skip
    parser.add_argument("--seconds", type=float, default=60.0, help="of each profile (default: 60)")
    parser.add_argument(
        "--page", action="store_true", help="write the page again from build/bench/profile.json"
    )
    parser.add_argument(
        "--quick", action="store_true", help="one and ten resources, 20 s each; the page is not touched"
    )
    options = parser.parse_args(arguments)
    if other_named():
        parser.error("the log of the embedded cluster's operator is read; unset KUBECONFIG and CLUSTER")
    build, docs = (BUILD / "quick", BUILD / "quick") if options.quick else (BUILD, DOCS)
    file = build / "profile.json"
    if not options.page:
        numbers = (1, 10) if options.quick else tuple(sorted(set(options.resources)))
        seconds = 20.0 if options.quick else options.seconds
        columns = (
            TextColumn("{task.description:40}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = []
        try:
            with Progress(*columns) as progress:
                bar = progress.add_task("profile", total=1 + 3 * len(numbers))
                cluster = build / "profile" / "cluster"
                for line in measure.measure(cluster, numbers, seconds, reporter(progress, bar)):
                    lines.append(line)
                    file.write_text(as_json(lines), encoding="utf-8")
        except ClusterError as error:
            sys.exit(f"bench.profile: {error}\n{len(lines)} lines are in {file}; --page makes a page of them")
    page.write(json.loads(file.read_text(encoding="utf-8")), docs)
    print(f"{file}, {docs}/profile.md")


if __name__ == "__main__":
    main()
