"""What goes wrong in a rollout, and what its runbook says to do, as steps on a process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.process import Process

Step = Callable[[Process], Any]


@dataclass(frozen=True)
class Trouble:
    """What goes wrong in a rollout that has learned something, and what ends it."""

    reason: str
    begin: Step | tuple[Step, ...]
    """In steps, with a tick after each."""
    mend: Step
    spec: Mapping[str, Any] = field(default_factory=dict)
    ticks: int = 3
    """Most that the end takes."""
    gateway: Step = Process.gateway
    """What the gateway does meanwhile."""


def available(pods: int, *arms: str) -> Step:
    def step(one: Process) -> None:
        one.broken = {*one.broken, *arms} if pods == 0 else one.broken - {*arms}
        for arm in arms:
            one.set_available(arm, pods)

    return step


def in_the_rule(change: Callable[[dict[str, Any]], Any]) -> Step:
    return lambda one: one.update_route(lambda spec: change(spec["rules"][0]))


def once_in_the_rule(rule: dict[str, Any]) -> None:
    rule["backendRefs"] = [{"name": name, "port": 80, "weight": 5000} for name in ("good", "bad")]


def nothing_more(_: Process) -> None:
    """It ends by itself."""


def update_begins(*arms: str) -> Step:
    def step(one: Process) -> None:
        for arm in arms:
            one.set_template(arm, f"{arm}:2", old_pods=1)

    return step


def update_ends(*arms: str) -> Step:
    def step(one: Process) -> None:
        for arm in arms:
            one.end_rolling_update(arm)

    return step


async def begin(one: Process, trouble: Trouble, said: Callable[[], str]) -> None:
    """Let a trouble begin, until its reason is what is said.

    Raises:
        AssertionError: It never is.
    """
    steps = trouble.begin if isinstance(trouble.begin, tuple) else (trouble.begin, *[nothing_more] * 11)
    for step in steps:
        step(one)
        one.now += 30.0
        trouble.gateway(one)
        one.kubelet()
        await one.look(tick=True)
        if said() == trouble.reason:
            return
    assert said() == trouble.reason
