"""What a model that breaks costs, live: requests that it still answers, and seconds until it gets no more.

Each rollout has two model servers in Pods of their own, and gets its requests through the gateway; each of
them is a reward or none. The operator is as shipped, but for the interval. The cases and their goals
are those at which tools that look at one canary and a limit were measured.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.chaos.judge import Line
from bench.chaos.live import LiveRollout
from bench.chaos.load import Load, Request
from bench.chaos.recorder import Recorder
from bench.overhead.environment import NAMESPACE, Environment
from cluster.client import Cluster

STABLE, CANARY = "stable", "canary"
RATE = 100.0
"""Requests a second of each rollout."""
INTERVAL = 10
"""Seconds."""
WATCHED_SECONDS = 60.0
"""How long the operator only looks (mode Observe) at two equally good models, each with its share."""
SPREAD_SECONDS = 10.0
"""Models break one after the other within this time, so that they meet every part of the interval."""
LEARN_SECONDS = 90.0
ALL = 0.97
"""Share of what a model practically has all of."""
WEIGHT = 10_000


@dataclass(frozen=True)
class Break:
    """Two equal models, of which the second breaks; goals are medians, None where there is none."""

    mean: float
    after: float
    share: float
    """Of the second model, until it breaks."""
    harmed: float
    half: float | None
    out: float


BREAKS = {
    "canary at 20 %, .99 to 0": Break(0.99, 0.0, 0.2, harmed=350, half=10, out=15),
    "canary at 50 %, .99 to 0": Break(0.99, 0.0, 0.5, harmed=600, half=10, out=15),
    "leader at 99 %, .9 to 0": Break(0.9, 0.0, 0.99, harmed=1_500, half=20, out=20),
    "canary at 20 %, .95 to .80": Break(0.95, 0.8, 0.2, harmed=650, half=20, out=100),
    "canary at 20 %, .30 to .20": Break(0.3, 0.2, 0.2, harmed=900, half=None, out=120),
}
BETTER = {STABLE: 0.8, CANARY: 0.9}
"""Mean rewards where the second model is clearly better, and begins without weight."""
BETTER_TITLE = f"{BETTER[CANARY]:g} beside {BETTER[STABLE]:g}"


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rounds: int
    """In each of them every case is played once, all at the same time."""
    seconds: float
    """For which a model is looked at after it broke, at the longest."""
    better_seconds: float = 200.0
    """For which the better model is looked at."""

    @property
    def steps(self) -> int:
        """Of progress."""
        return 3 * self.rounds


FULL = Plan(rounds=6, seconds=150)
QUICK = Plan(rounds=1, seconds=60)


@dataclass(frozen=True)
class Ground:
    """What the rollouts stand on."""

    cluster: Cluster
    recorder: Recorder
    load: Load
    control: Path


def measure(environment: Environment, plan: Plan, progress: Callable[[str], None]) -> dict[str, Any]:
    """Play all cases, round by round."""
    control = environment.cluster.directory.resolve().with_name("control")
    control.mkdir(parents=True, exist_ok=True)
    for old in control.iterdir():
        old.unlink()
    ground = Ground(
        environment.cluster,
        Recorder(environment.cluster.kubeconfig, NAMESPACE),
        Load(environment.cluster.endpoints.gateway),
        control,
    )
    generator = random.Random(0)
    found: dict[str, Any] = {"plan": plan.__dict__, "breaks": [], "better": []}
    try:
        for number in range(plan.rounds):
            step = partial(_step, progress, f"reaction: round {number + 1} of {plan.rounds}")
            breaks, better = _play(ground, number, plan, generator, step)
            found["breaks"] += breaks
            found["better"].append(better)
    finally:
        ground.load.end()
        ground.recorder.end()
    return found


def _play(
    ground: Ground, number: int, plan: Plan, generator: random.Random, progress: Callable[[str], None]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    progress("Pods start")
    breaking = {}
    for index, (title, case) in enumerate(BREAKS.items()):
        equal = {STABLE: case.mean, CANARY: case.mean}
        breaking[title] = _rollout(ground, f"break{number}-{index}", equal)
    better = _rollout(ground, f"better{number}", BETTER)
    rollouts = [*breaking.values(), better]
    for one in rollouts:
        one.cluster.apply(*(part for arm in one.arms for part in one.pods(arm)))
    for one in rollouts:
        one.start_route(one.route_object())
        one.send(RATE)
    for one in breaking.values():
        one.cluster.apply(as_shipped(one, mode="Observe"))
    for one in breaking.values():
        one.wait("it learns", partial(_learns, one), LEARN_SECONDS)
    progress(f"models are watched for {WATCHED_SECONDS:g} s")
    begun = time.time()
    better.cluster.apply(as_shipped(better))
    for title, one in breaking.items():
        canary = round(BREAKS[title].share * WEIGHT)
        one.set_weights(stable=WEIGHT - canary, canary=canary)
    _hold_until(begun + WATCHED_SECONDS)
    progress("models break")
    struck = {}
    for title, one in generator.sample(sorted(breaking.items()), len(breaking)):
        time.sleep(generator.uniform(0, 2 * SPREAD_SECONDS / len(breaking)))
        one.patch({"mode": "Active"})
        one.steer(canary={"mean": BREAKS[title].after})
        struck[title] = time.time()
    _hold_until(max(*struck.values(), begun + plan.better_seconds - plan.seconds) + plan.seconds)
    broken = [
        {"case": title, **harm(one.carried(), one.requests(), struck[title], plan.seconds)}
        for title, one in breaking.items()
    ]
    found = gain(better.carried(), better.requests(), begun, plan.better_seconds)
    for one in rollouts:
        one.send(0)
        one.cluster.kubectl("delete", "--wait=false", "bd,httproute", one.name)
        one.cluster.kubectl("delete", "--wait=false", "deployment,service,configmap", *one.backends.values())
    return broken, found


def runs_of(part: dict[str, Any], title: str) -> list[dict[str, Any]]:
    """What was measured of one case, run by run."""
    return [one for one in part["breaks"] if one["case"] == title]


def as_shipped(one: LiveRollout, **spec: Any) -> dict[str, Any]:
    """The resource with nothing but what it must have, and the interval."""
    made = one.resource(interval=f"{INTERVAL}s", **spec)
    for field in ("guardrails", "rollback"):
        del made["spec"][field]
    del made["spec"]["reward"]["prometheus"]["settle"]
    return made


def harm(
    carried: Line[Mapping[str, int]], requests: Sequence[Request], broke: float, seconds: float
) -> dict[str, Any]:
    """What a model that broke has cost.

    Args:
        carried: the route's weights by arm, over time.
        requests: of the rollout.
        broke: when the model broke, seconds since 1970.
        seconds: how long it is looked at from then on.

    Returns:
        Its share when it broke, the requests that it answered from then on, the seconds until it had half of
        that share and none, None where it kept more, the requests that failed, and its share over time.
    """
    start = _share(carried.at(broke) or {})
    shares = _shares(carried, broke, seconds)
    within = [one for one in requests if broke <= one.sent < broke + seconds]
    return {
        "start": start,
        "harmed": sum(one.arm == CANARY for one in within),
        "half": next((at for at, share in shares if share <= start / 2), None),
        "out": next((at for at, share in shares if share == 0), None),
        "failed": sum(bool(one.error) for one in within),
        "shares": [(0.0, start), *shares],
    }


def gain(
    carried: Line[Mapping[str, int]], requests: Sequence[Request], applied: float, seconds: float
) -> dict[str, Any]:
    """What a clearly better model has come to, from the moment that its resource was applied.

    Returns:
        The seconds until it had its first weight and practically all of it, None where it did not get there,
        the rewards that the other one's requests did not earn, the requests that failed, and its share over
        time.
    """
    shares = _shares(carried, applied, seconds)
    within = [one for one in requests if applied <= one.sent < applied + seconds]
    return {
        "first": next((at for at, share in shares if share > 0), None),
        "nearly": next((at for at, share in shares if share >= ALL), None),
        "lost": (BETTER[CANARY] - BETTER[STABLE]) * sum(one.arm == STABLE for one in within),
        "failed": sum(bool(one.error) for one in within),
        "shares": [(0.0, _share(carried.at(applied) or {})), *shares],
    }


def _shares(carried: Line[Mapping[str, int]], since: float, seconds: float) -> list[tuple[float, float]]:
    """The canary's share after each change, with the seconds at which it came."""
    return [(at - since, _share(weights)) for at, weights in carried.entries if since < at <= since + seconds]


def _share(weights: Mapping[str, int]) -> float:
    return weights.get(CANARY, 0) / max(1, sum(weights.values()))


def _rollout(ground: Ground, name: str, means: Mapping[str, float]) -> LiveRollout:
    """One in which the first model has all of the traffic, as before any rollout."""
    return LiveRollout(ground, NAMESPACE, name, means, {STABLE: WEIGHT, CANARY: 0})


def _step(progress: Callable[[str], None], of_round: str, what: str) -> None:
    progress(f"{of_round}: {what}")


def _learns(one: LiveRollout) -> bool:
    return float(one.arm(STABLE).get("trials") or 0) > 0


def _hold_until(when: float) -> None:
    time.sleep(max(0.0, when - time.time()))
