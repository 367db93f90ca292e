"""How a rollout in one process (``tests.support.process``) is brought somewhere, and what it shows there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.fake_api import endpoints_of
from tests.support.objects import NAMESPACE
from tests.support.process import Process

Start = Callable[..., Process]
"""Starts a process, as the fixture of that name does."""
WORSE = {"good": (500.0, 400.0), "bad": (500.0, 50.0)}
"""Trials and rewards a window by which bad is rolled back."""
EQUAL = {"good": (500.0, 250.0), "bad": (500.0, 250.0)}


async def learned(start: Start, arms: tuple[str, ...] = ("good", "bad"), **spec: Any) -> Process:
    """A rollout that has seen a window of equal arms."""
    one = start(arms, **spec)
    await one.look(tick=True)
    one.earning = dict.fromkeys(arms, (500.0, 250.0))
    await one.tick()
    return one


async def until(one: Process, condition: Callable[[], bool], ticks: int = 80) -> None:
    """Tick until something holds.

    Raises:
        AssertionError: It did not within so many ticks; the message has the status.
    """
    for _ in range(ticks):
        if condition():
            return
        await one.tick()
    raise AssertionError(f"not within {ticks} ticks: {one.status}")


async def until_state(one: Process, arm: str, wanted: str) -> None:
    """Tick until an arm is in a state."""
    await until(one, lambda: one.arm(arm)["state"] == wanted)


def ready(one: Process) -> tuple[str, str]:
    """Status and reason of condition Ready."""
    condition = one.condition("Ready")
    return condition["status"], condition["reason"]


def add_service(one: Process, name: str, *deployments: str) -> None:
    """Another Service, in front of the Pods of these Deployments."""
    pods = [{"kind": "Pod", "name": f"{deployment}-7d4b9c6f5d-x2b2c"} for deployment in deployments]
    one.api.put(
        endpoints_of(name, NAMESPACE),
        {
            "metadata": {
                "name": f"{name}-1",
                "namespace": NAMESPACE,
                "uid": f"slice-{name}",
                "labels": {"kubernetes.io/service-name": name},
            },
            "endpoints": [{"conditions": {"ready": True}, "targetRef": pod} for pod in pods],
        },
    )
