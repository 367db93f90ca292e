"""What several replicas spend that divide very many resources, each holding one shard."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.overhead import counters, scale
from bench.overhead.environment import NAMESPACE, Environment
from testbed.rollout import Rollout
from testbed.waiting import wait_until

MADE_AT_ONCE = 500
PATIENCE_SECONDS = 120.0
"""After which each replica must have a shard."""
ACCEPTED_SECONDS = 600.0
"""After which the gateway must have looked at each route."""
LOOK_SECONDS = 5.0
"""From one look at all routes to the next."""


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    resources: int
    interval: int
    """Seconds."""
    shards: int
    seconds: float

    @property
    def steps(self) -> int:
        """Of progress."""
        return 4 + -(-self.resources // MADE_AT_ONCE)


FULL = Plan(resources=5000, interval=60, shards=3, seconds=120)
QUICK = Plan(resources=60, interval=10, shards=3, seconds=20)


def measure(environment: Environment, plan: Plan, progress: Callable[[str], None]) -> dict[str, Any]:
    """Divide that many resources at rest, and measure all replicas together."""
    progress("fleet: operator and gateway end, and leave the machine to those who make resources")
    made = [Rollout(environment.cluster, f"r{index:04d}", NAMESPACE) for index in range(plan.resources)]
    environment.rewards.put(scale.equal_rewards(made))
    environment.stop_operator()
    # Each of ten thousand Services and routes would be a new configuration of all that are there already.
    with environment.without_gateway():
        for start in range(0, plan.resources, MADE_AT_ONCE):
            new = made[start : start + MADE_AT_ONCE]
            progress(f"fleet: making resources, {start + len(new):,} of {plan.resources:,}")
            scale.apply(environment, new, plan.interval, scale.SETTLED)
    progress("fleet: the gateway takes over the routes")
    wait_until(lambda: _all_accepted(environment), "each route is accepted", ACCEPTED_SECONDS, LOOK_SECONDS)
    progress(f"fleet: {plan.shards} replicas start")
    environment.install_operator(f"shards={plan.shards}")
    wait_until(lambda: _each_has_one(environment, plan.shards), "each has a shard", PATIENCE_SECONDS)
    progress(f"fleet: {plan.resources:,} resources at {plan.interval} s in {plan.shards} shards")
    begun = time.monotonic()
    scale.rest(plan.interval, 2)
    caught_up = scale.await_in_time(environment)
    waited = None if caught_up is None else time.monotonic() - begun
    return {"plan": plan.__dict__, "caught_up": waited, **scale.spent_in(environment, plan.seconds)}


def _all_accepted(environment: Environment) -> bool:
    words = "{range .items[*]}{.status.parents[*].conditions[?(@.type=='Accepted')].status}{'\\n'}{end}"
    found = environment.bench.kubectl("get", "httproutes", "-o", f"jsonpath={words}").splitlines()
    return set(found) == {"True"}


def _each_has_one(environment: Environment, shards: int) -> bool:
    held = counters.samples(environment.operator_metrics(), "bandit_operator_shards_held")
    return [value for _, value in held] == [1.0] * shards
