"""What a decision costs, as ratios that mean the same on any machine, and how it grows with the arms."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bandit_operator.core import memory as mem
from bandit_operator.core.assess import rollback_evidence
from bandit_operator.core.evaluate import Evaluate
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import Arm
from bandit_operator.core.strategies import STRATEGIES
from bench.task import Row, row

ARMS = [2, 3, 5, 8, 12, 16, 20]
BATCH = 1_000


def _seconds(work: Callable[[], Any], repeats: int = 15) -> float:
    """Shortest of some runs: what it costs when nothing else uses the processor."""
    work()
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return float(best)


def _unit() -> Callable[[], Any]:
    """Return the yardstick: a million multiplications by numpy."""
    values = np.full(1_000_000, 1.000001)
    return lambda: values * values


def _experiment(strategy: str, arms: int) -> Experiment:
    names = tuple(Arm(f"arm{k}") for k in range(arms))
    return Experiment("cost", names, "arm0", STRATEGIES[strategy]())


def _evaluate(experiment: Experiment, memory: mem.Memory) -> None:
    every = np.ones(len(memory.arms), dtype=bool)
    against = rollback_evidence(experiment, memory)
    Evaluate.together([Evaluate(experiment, memory, every, every, against)])


def play(seeds: int, seed: int) -> dict[str, Any]:  # noqa: ARG001 - called like every other task
    """Cost in yardsticks of learning from and deciding by strategy and K, of a batch, and bytes stored."""
    rng, unit = np.random.default_rng(6), _seconds(_unit())
    decision: dict[str, list[float]] = {}
    stored: dict[str, list[int]] = {}
    for strategy in STRATEGIES:
        decision[strategy], stored[strategy] = [], []
        for arms in ARMS:
            experiment = _experiment(strategy, arms)
            memory = mem.initial(experiment)
            tick = np.stack([np.full(arms, 100.0), rng.binomial(100, 0.1, arms) * 1.0])
            for _ in range(5):
                memory = mem.update_moments(experiment, memory, tick, 30.0)

            def decide(
                experiment: Experiment = experiment, memory: mem.Memory = memory, tick: Any = tick
            ) -> None:
                _evaluate(experiment, mem.update_moments(experiment, memory, tick, 30.0))

            decision[strategy].append(_seconds(decide, 7) / unit)
            stored[strategy].append(len(json.dumps(mem.to_json(memory))))
    experiment = _experiment("Thompson", 4)
    one, many = mem.initial(experiment), mem.initial(experiment, (BATCH,))
    tick = np.stack([np.full(4, 100.0), np.array([9.0, 10.0, 11.0, 12.0])])
    ticks = np.broadcast_to(tick, (BATCH, 2, 4)).copy()
    single = _seconds(lambda: mem.update_moments(experiment, one, tick, 30.0))
    batch = _seconds(lambda: mem.update_moments(experiment, many, ticks, 30.0))
    return {
        "arms": ARMS,
        "decision": decision,
        "stored": stored,
        "batch_speedup": BATCH * single / batch,
        "unit": unit,
    }


def rows(figures: dict[str, Any]) -> list[Row]:
    """Cost at 10 arms and more, growth and bytes."""
    result = []
    for strategy in ("Thompson", "ContrastThompson"):
        costs, sizes = figures["decision"][strategy], figures["stored"][strategy]
        growth = float(np.polyfit(np.log(figures["arms"]), np.log(costs), 1)[0])
        result += [
            _row(f"{strategy}: exponent of K in the cost of a decision, K = 2…20", growth, 2.0),
            _row(f"{strategy}: cost of a decision at K = 20 in that at K = 2", costs[-1] / costs[0], None),
            _row(f"{strategy}: KiB in status at K = 3", sizes[1] / 1024, 4.0),
            _row(f"{strategy}: KiB in status at K = 20", sizes[-1] / 1024, 104.0),
        ]
    result.append(
        _row(
            "1,000 resources updated in a batch: times faster than one by one", figures["batch_speedup"], None
        )
    )
    return result


def _row(name: str, value: float, goal: float | None) -> Row:
    return row(name, goal, (value, [value, value]))
