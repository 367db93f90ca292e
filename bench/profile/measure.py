"""Samples the operator on a cluster of its own, at some numbers of resources, resting and moving."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from bench.overhead import scale
from bench.overhead.environment import NAMESPACE, Environment, open_environment
from bench.profile import sampled
from cluster.client import ClusterError
from testbed.installation import OPERATOR_NAMESPACE
from testbed.rollout import Rollout

INTERVAL = 10  # seconds
MOST_FUNCTIONS = 25
"""Functions that the page lists."""
WEIGHTS = {"rest": scale.SETTLED, "move": scale.MOVING}


def measure(
    folder: Path, numbers: tuple[int, ...], seconds: float, progress: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    """Sample each number of resources, resting and then moving, and give each line as it is measured.

    Args:
        folder: For the cluster's state.
        numbers: Of resources, growing.
        seconds: Of each profile.
        progress: Called at the beginning of each step with its name.

    Yields:
        Of each line ``resources``, ``weights``, ``ticks``, ``samples``, ``ms`` a tick in all, ``writes``
        (requests a tick), ``steps`` (ms a tick by step) and ``functions`` (ms a tick of the costliest of
        ours, with what they call).

    Raises:
        ClusterError: A part of the cluster does not start, or the operator's log does not reach back.
    """
    progress("a cluster starts")
    made: list[Rollout] = []
    with open_environment(folder, sampled.__name__) as environment:
        environment.rewards.put({})
        for number in numbers:
            progress(f"making {number:,} resources")
            indices = range(len(made), number)
            new = [Rollout(environment.cluster, f"r{index:04d}", NAMESPACE) for index in indices]
            made += new
            scale.create(environment, new, INTERVAL, scale.SETTLED)
            scale.rest(INTERVAL, 3)
            for weights in WEIGHTS:
                progress(f"{number:,} resources, weights {weights}")
                yield _line(environment, made, weights, seconds)


def _line(environment: Environment, made: list[Rollout], weights: str, seconds: float) -> dict[str, Any]:
    with scale.turning(environment, made, INTERVAL) if weights == "move" else nullcontext():
        scale.change(environment, made, INTERVAL, WEIGHTS[weights])
        scale.await_in_time(environment)
        start = time.time()
        spent = scale.spent_in(environment, seconds)
        end = time.time()
    by_step, by_function = _samples(environment, start, end)
    samples = by_step.total()
    if not samples:
        raise ClusterError(f"the log has no samples of {len(made):,} resources, weights {weights}")
    ticks = spent["ticks"]
    each = 1000.0 * sampled.PERIOD / ticks if ticks else 0.0
    return {
        "resources": len(made),
        "weights": weights,
        "ticks": ticks,
        "samples": samples,
        "ms": each * samples,
        "writes": spent["api_writes"],
        "steps": {step: each * number for step, number in by_step.most_common()},
        "functions": {name: each * number for name, number in by_function.most_common(MOST_FUNCTIONS)},
    }


def _samples(environment: Environment, start: float, end: float) -> tuple[Counter[str], Counter[str]]:
    """How many moments between two times belong to each step, and have each function on their stack."""
    logs = environment.cluster.kubectl("logs", "-n", OPERATOR_NAMESPACE, environment.operator_pod)
    by_step: Counter[str] = Counter()
    by_function: Counter[str] = Counter()
    for line in logs.splitlines():
        if not line.startswith(sampled.MARK):
            continue
        said = json.loads(line.removeprefix(sampled.MARK))
        # A line of which most lies inside is counted whole, so that both ends even out.
        inside = min(end, said["to"]) - max(start, said["from"])
        if inside > 0.5 * (said["to"] - said["from"]):
            by_step.update(said["steps"])
            by_function.update(said["functions"])
    return by_step, by_function
