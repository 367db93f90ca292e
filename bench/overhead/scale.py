"""What ticks cost the operator and those that it asks, by number of resources and interval."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bandit_operator.core import windows
from bandit_operator.status.replay import NothingToReplay, replay
from bench.overhead import counters
from bench.overhead.environment import NAMESPACE, Environment
from testbed.rollout import Rollout
from testbed.waiting import wait_until

SETTLED: dict[str, Any] = {"guardrails": {"minTrials": 1, "minShare": "0.5", "newArmShare": "0.5"}}
"""Everything is computed at every tick, and both arms keep half the traffic."""
MOVING: dict[str, Any] = {
    "strategy": {"type": "Thompson", "thompson": {"halfLife": "1s"}},
    "guardrails": {"minTrials": 1, "minChange": "0", "maxStep": "1"},
}
"""The newest window alone decides: with rewards that turn round each tick writes status and route."""
REWARDS = (2.0, 0.5)  # a second and arm, and their mean
TURNING = ((2.0, 0.9), (2.0, 0.1))
"""The same of the arm that is better in a window, and of the other one."""
SETTLE = 3.0  # seconds; Prometheus looks each second
IN_TIME = 1.0
"""Seconds that ticks may begin late on average where the operator keeps up."""
DECISIONS = "bandit_operator_decisions_total"
STARTED = "process_start_time_seconds"
BETWEEN_SECONDS = 0.5
"""From one look at a process that begins to the next: each takes it from its work."""
LOOK_SECONDS = 10.0
PATIENCE_SECONDS = 300.0
"""After which it is given up that ticks will begin in time."""


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    numbers: tuple[int, ...]
    """Of resources, growing."""
    intervals: tuple[int, ...]
    """Seconds, each for all numbers."""
    moving: tuple[tuple[int, int], ...]
    """Numbers and intervals at which every tick moves weights as well; each number is one of ``numbers``."""
    seconds: float
    """Of each measurement. Status is written once a minute where nothing changes."""

    @property
    def steps(self) -> int:
        """Of progress."""
        return 2 + len(self.moving) + len(self.numbers) * (1 + len(self.intervals))


FULL = Plan(
    numbers=(1, 50, 200, 1000),
    intervals=(10, 60),
    # Those at 60 s first where those at 10 s may leave a backlog behind.
    moving=tuple((number, interval) for number in (1, 50, 200, 1000) for interval in (60, 10)),
    seconds=60,
)
QUICK = Plan(numbers=(1, 50), intervals=(10,), moving=((50, 10),), seconds=20)


def measure(environment: Environment, plan: Plan, progress: Callable[[str], None]) -> dict[str, Any]:
    """Measure without a resource, then with ever more of them."""
    progress("scale: the operator without a resource")
    environment.rewards.put({})
    lines = [{"resources": 0, "interval": None, "weights": "none", **spent_in(environment, 20.0)}]
    made: list[Rollout] = []
    begun: dict[str, float] = {}
    for number in plan.numbers:
        progress(f"scale: making {number:,} resources")
        new = [Rollout(environment.cluster, f"r{index:04d}", NAMESPACE) for index in range(len(made), number)]
        made += new
        create(environment, new, plan.intervals[0], SETTLED)
        rest(plan.intervals[0], 3)
        lines += [
            _line(environment, made, interval, "settled", plan, progress) for interval in plan.intervals
        ]
        if number == plan.numbers[-1]:  # before weights move, so that it starts with what rests
            progress(f"scale: the operator starts with {number:,} resources")
            begun = start_up(environment, number)
        for count, interval in plan.moving:
            if count == number:
                lines.append(_line(environment, made, interval, "moving", plan, progress))
    return {"plan": plan.__dict__, "lines": lines, "start_up": begun}


def start_up(environment: Environment, resources: int) -> dict[str, float]:
    """Start the operator anew; gives the seconds from the beginning of its process until its first decision
    (``first``), and until each resource had one (``all``).

    Raises:
        AssertionError: Not each has one in time.
    """
    environment.install_operator()
    found: dict[str, float] = {}

    def each_is_decided() -> bool:
        own = environment.operator_metrics(STARTED, DECISIONS)
        seconds = time.time() - counters.total(own, STARTED)
        decided = {labels["resource"] for labels, _ in counters.samples(own, DECISIONS)}
        if decided:
            found.setdefault("first", seconds)
        found["all"] = seconds
        return len(decided) >= resources

    wait_until(each_is_decided, "each resource has a decision", PATIENCE_SECONDS, BETWEEN_SECONDS)
    return found


def create(environment: Environment, new: list[Rollout], interval: int, spec: dict[str, Any]) -> None:
    """Let new resources begin, at equal rewards."""
    environment.rewards.put(equal_rewards(new))
    apply(environment, new, interval, spec)


def equal_rewards(made: list[Rollout]) -> dict[str, tuple[float, float]]:
    """How fast all arms earn where none is better, by route and arm."""
    return {f"{one.name}/{arm}": REWARDS for one in made for arm in one.arms}


def apply(environment: Environment, new: list[Rollout], interval: int, spec: dict[str, Any]) -> None:
    """Make resources, with routes and Services of their own."""
    # Nobody sends requests to them, and the cluster's proxy writes all of its rules again for each address.
    services = [_without_address(service) for one in new for service in one.services()]
    environment.apply([*services, *(one.route_object() for one in new)])
    environment.apply([one.resource(interval=f"{interval}s", **spec) for one in new])


def _without_address(service: dict[str, Any]) -> dict[str, Any]:
    return {**service, "spec": {**service["spec"], "clusterIP": "None"}}


def change(environment: Environment, made: list[Rollout], interval: int, spec: dict[str, Any]) -> None:
    """Give resources another spec and another interval, and wait for their next window."""
    environment.apply([one.resource(interval=f"{interval}s", **spec) for one in made])
    rest(interval, 1)


@contextmanager
def turning(environment: Environment, made: list[Rollout], interval: int) -> Iterator[None]:
    """Meanwhile another arm of each resource is the better one in each window; equal again afterwards."""
    ended = threading.Event()

    def turn() -> None:
        while not ended.wait(interval - time.time() % interval):
            better = int(time.time() / interval + 0.5) % 2
            environment.rewards.put(
                {
                    f"{one.name}/{arm}": TURNING[at != better]
                    for one in made
                    for at, arm in enumerate(one.arms)
                }
            )

    thread = threading.Thread(target=turn, name="turning rewards")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        environment.rewards.put(equal_rewards(made))


def _line(
    environment: Environment,
    made: list[Rollout],
    interval: int,
    weights: str,
    plan: Plan,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    progress(f"scale: {len(made):,} resources at {interval} s, {weights} weights")
    if weights == "moving":
        with turning(environment, made, interval):
            caught_up, spent = _changed(environment, made, interval, MOVING, plan.seconds)
    else:
        caught_up, spent = _changed(environment, made, interval, SETTLED, plan.seconds)
    line = {"resources": len(made), "interval": interval, "weights": weights, "caught_up": caught_up}
    return line | spent | {"replayed": replayed(environment)}


def replayed(environment: Environment) -> dict[str, int]:
    """Make the recorded decisions of all resources again.

    Returns:
        Of how many resources (``resources``) how many decisions were made again (``decisions``), and how many
        of these, or of the memories that they lead to, came out otherwise (``differ``).
    """
    found = {"resources": 0, "decisions": 0, "differ": 0}
    for body in environment.bench.get("banditdeployments")["items"]:
        try:
            result = replay(body)
        except NothingToReplay:
            continue
        found["resources"] += 1
        found["decisions"] += len(result.replayed)
        found["differ"] += sum(bool(one.differences) for one in result.replayed) + (not result.memory_agrees)
    return found


def _changed(
    environment: Environment, made: list[Rollout], interval: int, spec: dict[str, Any], seconds: float
) -> tuple[float | None, dict[str, Any]]:
    """How long it took to get over a change of all, and what is spent after that."""
    change(environment, made, interval, spec)
    return await_in_time(environment), spent_in(environment, seconds)


def rest(interval: int, windows_read: int) -> None:
    """Wait until so many windows have ended that no resource has looked at yet.

    One that has just been changed has read the newest window already, and its next tick finds none;
    a new one first sets its cursor, then reads, and only then writes nothing more.
    """
    now = time.time()
    time.sleep(windows.newest_end(now, interval, SETTLE) + windows_read * interval + SETTLE - now)


def await_in_time(environment: Environment) -> float | None:
    """Wait until ticks begin in time, and return the seconds before that; None where they never do.

    All resources were changed at once, which a thousand of them will hardly be again: what it takes
    to get over that is another figure than what it takes to go on.
    """
    before, begun, waited = counters.lateness(environment), time.monotonic(), 0.0
    while waited < PATIENCE_SECONDS:
        time.sleep(LOOK_SECONDS)
        after = counters.lateness(environment)
        ticks, late = (now - then for now, then in zip(after, before, strict=True))
        if late <= IN_TIME * ticks:
            return waited
        before, waited = after, time.monotonic() - begun
    return None


def spent_in(environment: Environment, seconds: float) -> dict[str, Any]:
    """What is spent in so many seconds, as :func:`bench.overhead.counters.between` gives it."""
    before = counters.read(environment)
    time.sleep(max(0.0, before.time + seconds - time.time()))
    return counters.between(environment, before, counters.read(environment))
