"""Requests to the same Pods over three paths: a Service, a route that stands still, a route that is moved."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import numpy as np

from bench.overhead.environment import NAMESPACE, Environment
from bench.overhead.load import LoadGenerator, Results
from bench.overhead.paired import PERCENTILES, difference, order
from cluster.client import ClusterError
from testbed.rollout import Rollout
from testbed.waiting import wait_until

INTERVAL = 5.0  # seconds, the shortest that the API allows
PATHS = ("direct", "static", "moved")
REWARDS = (60.0, 0.5)  # a second and arm, and their mean: equal arms, whose weights never settle
AFTER_WRITE = 1.0  # seconds after a route write in which requests are looked at by themselves
MOVE_SECONDS = 60.0
TRIES = 5
"""Most times that the requests of one path and round are sent."""


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rounds: int
    """Rounds of all three paths."""
    seconds: float
    """Of requests at a constant rate, each path and round."""
    rate: int
    """Requests a second of those."""
    full_seconds: float
    """Of requests as fast as they are answered, each path and round."""
    workers: int
    """Connections of those."""

    @property
    def steps(self) -> int:
        """Of progress."""
        return 1 + self.rounds * len(PATHS)


FULL = Plan(rounds=5, seconds=9, rate=300, full_seconds=4, workers=16)
QUICK = Plan(rounds=2, seconds=6, rate=200, full_seconds=3, workers=16)


def measure(environment: Environment, plan: Plan, progress: Callable[[str], None]) -> dict[str, Any]:
    """Measure all rounds.

    Raises:
        ClusterError: The operator writes no route while requests take the moved path.
    """
    progress("latency: models, routes and vegeta are started")
    urls, moved = _set_up(environment)
    load = LoadGenerator(environment)
    rounds: list[dict[str, Any]] = []
    since_write: list[Results] = []
    writes: list[float] = []
    for number in range(plan.rounds):
        by_path: dict[str, Any] = {}
        for path in order(PATHS, number):
            _move(environment, moved, path == "moved")
            steady, full = send(environment, load, plan, urls[path], path)
            by_path[path] = _figures(environment, steady, full)
            if path == "moved":
                since_write.append(steady)
                writes += environment.route_writes(steady.sent[0] - AFTER_WRITE, steady.sent[-1], "moved")
            progress(f"latency: round {number + 1}, {path}: p50 {by_path[path]['p50']:.2f} ms")
        rounds.append(by_path)
    environment.bench.kubectl("delete", "bd", "moved")
    return {
        "plan": {"interval": INTERVAL, **plan.__dict__},
        "rounds": rounds,
        "after_write": near_writes(since_write, writes),
    }


def send(
    environment: Environment, load: LoadGenerator, plan: Plan, url: str, path: str
) -> tuple[Results, Results]:
    """Send the requests of one path and round: at a constant rate, then as fast as they are answered.

    A moved path that was not moved meanwhile, because the operator was late, was a still one: once more.

    Raises:
        ClusterError: It is not moved however often one tries.
    """
    for _ in range(TRIES):
        steady = load.at_rate(url, plan.rate, plan.seconds)
        full = load.at_most(url, plan.workers, plan.full_seconds)
        if path != "moved" or environment.route_writes(steady.sent[0], steady.sent[-1], "moved"):
            return steady, full
    raise ClusterError(f"in {TRIES} times {plan.seconds:g} s the operator wrote no route of the moved path")


def near_writes(results: list[Results], writes: list[float]) -> dict[str, Any]:
    """Compare the requests of the second after a route write with the others of the same rounds.

    Returns:
        Number and percentiles in milliseconds of both, ``near`` and ``far``; None where there are none.
    """
    sent = np.concatenate([one.sent for one in results])
    latency = np.concatenate([one.latency for one in results])
    near = np.zeros(len(sent), dtype=bool)
    for write in writes:
        near |= (sent >= write) & (sent < write + AFTER_WRITE)
    return {
        "writes": len(writes),
        **{name: _percentiles(latency[chosen]) for name, chosen in (("near", near), ("far", ~near))},
    }


def summary(part: dict[str, Any]) -> dict[str, Any]:
    """Return means over rounds and paired differences of every figure and path."""
    rounds = part["rounds"]
    result: dict[str, Any] = {}
    for figure in (*PERCENTILES, "throughput"):
        by_path = {path: [one[path][figure] for one in rounds] for path in PATHS}
        result[figure] = {path: float(np.mean(values)) for path, values in by_path.items()}
        for after, before in (("static", "direct"), ("moved", "static")):
            result[figure][f"{after} - {before}"] = difference(by_path[after], by_path[before])
    for count in ("requests", "failed", "route_writes"):
        result[count] = {path: sum(one[path][count] for one in rounds) for path in PATHS}
    return result


def _set_up(environment: Environment) -> tuple[dict[str, str], Rollout]:
    """Start everything; gives the URL of each path, and the rollout that is moved."""
    ready = {"tcpSocket": {"port": 8000}, "periodSeconds": 1}
    ports = [{"name": "http", "containerPort": 8000}]
    environment.deploy("model", {"image": "model:dev", "ports": ports, "readinessProbe": ready}, replicas=2)
    static, moved = (Rollout(environment.cluster, name, NAMESPACE) for name in ("static", "moved"))
    direct = Rollout(environment.cluster, "direct", NAMESPACE, {"only": 1})
    services = [service for one in (direct, static, moved) for service in one.services()]
    for service in services:
        service["spec"]["selector"] = {"app": "model"}
    environment.rewards.steer("moved", good=REWARDS, bad=REWARDS)
    guardrails = {"minTrials": 1, "minChange": "0"}
    # What forgets at once is led by chance, so that most ticks are worth a write.
    strategy = {"type": "Thompson", "thompson": {"halfLife": "2s"}}
    environment.apply([*services, static.route_object(), moved.route_object()])
    environment.apply([moved.resource(interval=f"{INTERVAL:g}s", guardrails=guardrails, strategy=strategy)])
    for route in (static, moved):
        probe = f"{environment.cluster.endpoints.gateway}/{route.name}/"
        wait_until(partial(_answers, probe), f"{route.name} answers through the gateway", 30)
    gateway = "http://traefik.gateway"
    urls = {
        "direct": f"http://direct-only.{NAMESPACE}/v2/models/m/infer",
        "static": f"{gateway}/static/v2/models/m/infer",
        "moved": f"{gateway}/moved/v2/models/m/infer",
    }
    return urls, moved


def _answers(url: str) -> bool:
    return httpx.post(url, timeout=5).status_code == 200


def _move(environment: Environment, moved: Rollout, on: bool) -> None:
    """Let the operator move the weights or not, and see that it does."""
    since = time.time()
    moved.patch({"mode": "Active" if on else "Paused"})
    if on:
        environment.await_route_write("moved", since, MOVE_SECONDS)


def _figures(environment: Environment, steady: Results, full: Results) -> dict[str, Any]:
    return {
        **_percentiles(steady.latency),
        "throughput": full.rate,
        "failed": steady.failed + full.failed,
        "requests": len(steady.sent) + len(full.sent),
        "route_writes": len(environment.route_writes(steady.sent[0], full.sent[-1], "moved")),
    }


def _percentiles(latency: Any) -> dict[str, Any]:
    """Return percentiles in milliseconds, and of how many requests."""
    values = {
        name: float(np.percentile(latency, at)) if len(latency) else None for name, at in PERCENTILES.items()
    }
    return {"count": len(latency), **values}
