"""What a small arm of a route that stands still gets while the operator moves other routes of its gateway.

Gateways that start their weighted round robin again with each configuration begin with the heaviest
backend: where some route changes all the time, small arms of all routes starve.
"""

from __future__ import annotations

import collections
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from bench.overhead import scale
from bench.overhead.environment import NAMESPACE, Environment
from testbed.rollout import Rollout
from testbed.waiting import wait_until

WEIGHTS = {"small": 500, "large": 9500}
MEANT = 0.05
"""Share of the small arm."""
RATE = 12
"""Requests a second: so few that a round robin that begins again seldom comes to the small arm."""
INTERVAL = 10  # seconds
SETTLE_SECONDS = 60.0
"""By when new resources move their weights at each tick."""


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    numbers: tuple[int, ...]
    """Of other resources, growing, all of which move at every tick."""
    seconds: float
    """Of requests for each number."""

    @property
    def steps(self) -> int:
        """Of progress."""
        return 1 + len(self.numbers)


FULL = Plan(numbers=(0, 1, 20, 200), seconds=90)
QUICK = Plan(numbers=(0, 20), seconds=30)


def measure(environment: Environment, plan: Plan, progress: Callable[[str], None]) -> dict[str, Any]:
    """Measure with ever more resources that move."""
    progress("shares: two models behind a route that stands still")
    url = _still_route(environment)
    made: list[Rollout] = []
    lines = []
    for number in plan.numbers:
        progress(f"shares: {number:,} other resources move")
        new = [Rollout(environment.cluster, f"s{index:04d}", NAMESPACE) for index in range(len(made), number)]
        made += new
        if new:
            scale.create(environment, new, INTERVAL, scale.MOVING)
        with scale.turning(environment, made, INTERVAL):
            if new:
                environment.await_route_write(new[-1].name, time.time(), SETTLE_SECONDS)
            began = time.time()
            counts = _requests(url, plan.seconds)
            ended = time.time()
        writes = [write for one in made for write in environment.route_writes(began, ended, one.name)]
        total = sum(counts.values())
        lines.append(
            {
                "resources": number,
                "requests": total,
                "failed": counts["failed"],
                "share": counts["small"] / total,
                "writes": len(writes),
                "seconds_with_a_write": len({int(write) for write in writes}),
                "seconds": ended - began,
            }
        )
    return {"plan": plan.__dict__, "lines": lines}


def _still_route(environment: Environment) -> str:
    """Start a route with a large and a small arm that nothing moves; gives its URL."""
    still = Rollout(environment.cluster, "still", NAMESPACE, WEIGHTS)
    services = still.services()
    for arm, service in zip(still.arms, services, strict=True):
        container = {"image": "model:dev", "env": [{"name": "MODEL", "value": arm}]}
        ready = {"tcpSocket": {"port": 8000}, "periodSeconds": 1}
        environment.deploy(arm, {**container, "readinessProbe": ready})
        service["spec"]["selector"] = {"app": arm}
    environment.apply([*services, still.route_object()])
    url = f"{environment.cluster.endpoints.gateway}/still/"
    wait_until(lambda: httpx.post(url, timeout=5).status_code == 200, "the still route answers", 30)
    return url


def _requests(url: str, seconds: float) -> collections.Counter[str]:
    """Send requests at a constant rate; gives how many each model answered, and how many none did."""
    counts: collections.Counter[str] = collections.Counter()
    with httpx.Client(timeout=5) as client:
        began = time.monotonic()
        for number in range(int(seconds * RATE)):
            time.sleep(max(0.0, began + number / RATE - time.monotonic()))
            answer = client.post(url)
            counts[answer.headers.get("x-model", "failed") if answer.status_code == 200 else "failed"] += 1
    return counts
