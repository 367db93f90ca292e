"""``python -m bench.decisions``: every figure that the decisions are held against, measured again.

Usage: python -m bench.decisions [--quick] [--jobs N] [--seeds N]
"""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import cost, drift, late, peers, promotion, regret, report, rollback
from bench.task import Row, Task, spread

BUILD = Path("build/bench")
DOCS = Path("docs/bench")


def _tasks(quick: bool, seeds: int) -> list[Task]:
    folder = str(BUILD.resolve() / "peers")
    peer_seeds = 10 if quick else 200
    result = [
        *drift.tasks(seeds, 10 if quick else 40),
        *promotion.tasks(seeds, 400 if quick else promotion.TIE_TICKS),
        *rollback.tasks(seeds, 1_000 if quick else rollback.HORIZON),
        *regret.tasks(seeds),
        *late.tasks(seeds),
    ]
    for library in peers.LIBRARIES:
        # One chunk makes the environment; more chunks would make it at the same time.
        result += spread(
            f"peer/{library}", peers.play, peer_seeds, peer_seeds, library=library, folder=folder
        )
    return result


def measure(tasks: list[Task], jobs: int) -> dict[str, Any]:
    """Run all tasks; results of one key are joined in the order of their seeds."""
    parts: dict[str, dict[int, Any]] = {}
    columns = (TextColumn("{task.description:44}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    context = get_context("spawn")
    with Progress(*columns) as progress, ProcessPoolExecutor(jobs, mp_context=context) as pool:
        bar = progress.add_task("measuring", total=len(tasks))
        waiting = {pool.submit(task.run, **task.arguments): task for task in tasks}
        for future in as_completed(waiting):
            task = waiting[future]
            parts.setdefault(task.key, {})[task.arguments["seed"]] = future.result()
            progress.update(bar, advance=1, description=f"measured {task.key}")
    return {key: _joined([found[seed] for seed in sorted(found)]) for key, found in parts.items()}


def _joined(parts: list[Any]) -> Any:
    return np.concatenate(parts) if isinstance(parts[0], np.ndarray) else parts[0]


def _rows(found: dict[str, Any], quick: bool) -> list[Row]:
    named: dict[str, dict[str, list[float]]] = {}
    for library in peers.LIBRARIES:
        named |= found[f"peer/{library}"]
    return [
        *regret.rows(found, named),
        *drift.rows(found),
        *rollback.rows(found, 1_000 if quick else rollback.HORIZON),
        *promotion.rows(found, 400 if quick else promotion.TIE_TICKS),
        *late.rows(found),
        *cost.rows(found["cost"]),
    ]


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--quick", action="store_true", help="few seeds, in three minutes: to see that it runs"
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: all cores)"
    )
    parser.add_argument("--seeds", type=int, help="seeds a figure (default: 1000, or 30 with --quick)")
    options = parser.parse_args()
    # One thread a process: the processes are what runs in parallel.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    seeds, start = options.seeds or (30 if options.quick else 1_000), time.monotonic()
    found = measure(_tasks(options.quick, seeds), options.jobs)
    found["cost"] = cost.play(seeds=1, seed=0)  # alone, so that nothing disturbs the clock
    rows = _rows(found, options.quick)
    # A quick look does not overwrite the page that a full run has written.
    docs = BUILD / "quick" if options.quick else DOCS
    report.write(rows, found, seeds, time.monotonic() - start, BUILD, docs)
    missed = [row["row"] for row in rows if row["met"] is False]
    print(
        f"{len(rows)} rows in {time.monotonic() - start:.0f} s → {BUILD}/decisions.json, {docs}/decisions.md"
    )
    print("all goals met" if not missed else "not met: " + "; ".join(missed))


if __name__ == "__main__":
    main()
