"""``python -m bench.decisions``: every figure that the decisions are held against, measured again.

Usage: python -m bench.decisions [--quick] [--jobs N] [--seeds N] [--only GROUP …]

Each group is written as soon as it is measured, to build/bench/parts, and the table and the
page are made from all groups that are there: a run that was stopped goes on with --only.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import (
    cost,
    drift,
    harm,
    late,
    paired,
    peers,
    promotion,
    regret,
    report,
    returning,
    rollback,
    scores,
    wrong_delay,
)
from bench.task import Row, Task, spread

BUILD = Path("build/bench")
DOCS = Path("docs/bench")
GROUPS = (
    "regret",
    "drift",
    "returning",
    "rollback",
    "harm",
    "promotion",
    "late",
    "wrong_delay",
    "paired",
    "scores",
    "cost",
)
SEEDS = 500
"""Seeds a figure: a share of .05 has an interval that ends at .07, and all of it takes half an hour."""
PEER_SEEDS = 200
"""Seeds of the libraries, which take seconds each; their error is part of every comparison."""
QUICK_TICKS = {"rollback": 1_000, "promotion": 400, "paired": 300}


def _peers(seeds: int) -> list[Task]:
    """Tasks of every library that can be installed; environments are made here, one after the other."""
    result: list[Task] = []
    for library in peers.LIBRARIES:
        python = peers.environment(library, BUILD.resolve() / "peers")
        if python is not None:
            chunk = max(5, seeds // 8)
            result += spread(f"peer/{library}", peers.play, seeds, chunk, python=str(python), library=library)
    return result


def _tasks(group: str, quick: bool, seeds: int) -> list[Task]:
    match group:
        case "regret":
            return _peers(10 if quick else PEER_SEEDS) + regret.tasks(seeds)
        case "drift":
            return drift.tasks(seeds, 10 if quick else 40)
        case "rollback":
            return rollback.tasks(seeds, QUICK_TICKS[group] if quick else rollback.HORIZON)
        case "promotion":
            return promotion.tasks(seeds, QUICK_TICKS[group] if quick else promotion.TIE_TICKS)
        case "late":
            return late.tasks(seeds)
        case "returning":
            return returning.tasks(max(10, seeds // 10))
        case "paired":
            return paired.tasks(max(20, seeds // 2), QUICK_TICKS[group] if quick else paired.HORIZON)
        case "harm":
            return harm.tasks(max(30, seeds // 5))
        case "scores":
            return scores.tasks(max(20, seeds // 5))
        case "wrong_delay":
            return wrong_delay.tasks(max(20, seeds // 5))
        case _:
            return []


def measure(group: str, tasks: list[Task], jobs: int) -> dict[str, Any]:
    """Run all tasks; results of one key are joined in the order of their seeds."""
    parts: dict[str, dict[int, Any]] = {}
    columns = (TextColumn("{task.description:44}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    context = get_context("spawn")
    with Progress(*columns) as progress, ProcessPoolExecutor(jobs, mp_context=context) as pool:
        bar = progress.add_task(f"measuring {group}", total=len(tasks))
        waiting = {pool.submit(task.run, **task.arguments): task for task in tasks}
        for future in as_completed(waiting):
            task = waiting[future]
            parts.setdefault(task.key, {})[task.arguments["seed"]] = future.result()
            progress.update(bar, advance=1, description=f"measured {task.key}")
    return {key: _joined([by_seed[seed] for seed in sorted(by_seed)]) for key, by_seed in parts.items()}


def _joined(parts: list[Any]) -> Any:
    return np.concatenate(parts) if isinstance(parts[0], np.ndarray) else peers.joined(parts)


def _rows(group: str, figures: dict[str, Any], quick: bool) -> list[Row]:
    match group:
        case "regret":
            named: dict[str, dict[str, list[float]]] = {}
            for library in peers.LIBRARIES:
                named |= figures.get(f"peer/{library}", {})
            return regret.rows(figures, named)
        case "drift":
            return drift.rows(figures)
        case "rollback":
            return rollback.rows(figures, QUICK_TICKS[group] if quick else rollback.HORIZON)
        case "promotion":
            return promotion.rows(figures, QUICK_TICKS[group] if quick else promotion.TIE_TICKS)
        case "late":
            return late.rows(figures)
        case "returning":
            return returning.rows(figures)
        case "harm":
            return harm.rows(figures)
        case "wrong_delay":
            return wrong_delay.rows(figures)
        case "scores":
            return scores.rows(figures)
        case "paired":
            return paired.rows(figures, QUICK_TICKS[group] if quick else paired.HORIZON)
        case _:
            return cost.rows(figures["cost"])


def _measure(group: str, quick: bool, seeds: int, jobs: int) -> report.Part:
    start = time.monotonic()
    tasks = _tasks(group, quick, seeds)
    # Costs are measured alone, so that nothing disturbs the clock.
    figures = measure(group, tasks, jobs) if tasks else {"cost": cost.play(seeds=1, seed=0)}
    return {
        "group": group,
        "seeds": seeds,
        "seconds": time.monotonic() - start,
        "rows": _rows(group, figures, quick),
        "cost": figures.get("cost"),
    }


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--quick", action="store_true", help="few seeds, in three minutes: to see that it runs"
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: all cores)"
    )
    parser.add_argument("--seeds", type=int, help=f"seeds a figure (default: {SEEDS}, or 30 with --quick)")
    parser.add_argument(
        "--only", nargs="+", choices=GROUPS, default=GROUPS, help="measure these groups again"
    )
    options = parser.parse_args()
    # One thread a process: the processes are what runs in parallel.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    seeds = options.seeds or (30 if options.quick else SEEDS)
    # A quick look does not overwrite what a full run has measured.
    build, docs = (BUILD / "quick", BUILD / "quick") if options.quick else (BUILD, DOCS)
    folder = build / "parts"
    folder.mkdir(parents=True, exist_ok=True)
    for group in options.only:
        part = _measure(group, options.quick, seeds, options.jobs)
        (folder / f"{group}.json").write_text(report.as_json(part), encoding="utf-8")
    files = [folder / f"{group}.json" for group in GROUPS]
    parts: list[report.Part] = [
        json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()
    ]
    report.write(parts, build, docs)
    rows = [row for part in parts for row in part["rows"]]
    missed = [row["row"] for row in rows if row["met"] is False]
    print(f"{len(rows)} rows → {build}/decisions.json, {docs}/decisions.md")
    print("all goals met" if not missed else "not met: " + "; ".join(missed))


if __name__ == "__main__":
    main()
