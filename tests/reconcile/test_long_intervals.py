"""With a long interval what is due after a while is not left to the next tick."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bandit_operator.adapters.kubernetes import resource_path
from bandit_operator.core.lifecycle import CALL_SECONDS
from bandit_operator.reconcile.requeue import LOOK_SECONDS
from bandit_operator.reconcile.scale_writes import PATIENCE_SECONDS
from bandit_operator.runtime.scheduler import Requeue
from bandit_operator.status.conditions import DEADLINE_SECONDS
from tests.support.fake_api import copied
from tests.support.objects import NAMESPACE, deployment_body
from tests.support.playing import Start, ready
from tests.support.process import Process

ARMS = ("good", "bad", "late")
HOUR = 3600.0
EARNING = {"good": (500.0, 400.0), "bad": (500.0, 20.0), "late": (500.0, 20.0)}


async def losers_at_zero(process: Start) -> Process:
    """A rollout that is looked at once an hour, of which only the arm good is left."""
    rewards = {"successes": "good_total", "trials": "all_total", "settle": "5s"}
    one = process(
        arms=ARMS,
        interval="1h",
        reward={"prometheus": rewards, "staleAfter": "3h"},
        rollback={"drain": "1s", "retryAfter": "720h"},
    )
    await one.look(tick=True)
    one.earning = EARNING
    for arm in ("bad", "late"):
        for _ in range(80):
            if one.arm(arm)["state"] == "RolledBack":
                break
            await one.tick(seconds=HOUR)
            one.gateway()
            await one.look()
            one.now += 2.0
            await one.look()
            one.kubelet()
            await one.look()
    assert [one.replicas(arm) for arm in ARMS] == [2, 0, 0]
    return one


async def passed(one: Process, requeue: Requeue | None, done: Callable[[], bool], most: float) -> float:
    """How many seconds go by until something holds, with the passes that are due meanwhile."""
    waited = 0.0
    while not done() and waited <= most:
        assert requeue is not None
        one.now += requeue.after
        waited += requeue.after
        requeue = await one.look(tick=requeue.tick)
    return waited


async def test_where_the_arm_that_was_called_back_does_not_come_the_next_is_called_a_minute_later(
    process: Start,
) -> None:
    one = await losers_at_zero(process)
    one.broken = set(ARMS)
    one.set_available("good", 0)
    requeue = await one.look()
    assert sorted(one.replicas(arm) for arm in ("bad", "late")) == [0, 2]
    waited = await passed(one, requeue, lambda: bool(one.replicas("bad") and one.replicas("late")), 120.0)
    assert waited == pytest.approx(CALL_SECONDS, abs=2.0)


async def test_pods_that_do_not_come_are_told_of_once_their_time_is_over(process: Start) -> None:
    one = await losers_at_zero(process)
    one.broken = {"late"}
    one.set_state("late", "Out")
    await one.look()
    one.set_state("late", "In")
    requeue = await one.look()
    assert one.arm("late")["state"] == "Restoring"

    def told() -> bool:
        return bool(one.condition("Progressing")["reason"] == "ProgressDeadlineExceeded")

    assert await passed(one, requeue, told, 1200.0) == pytest.approx(DEADLINE_SECONDS, abs=2.0)


async def test_replicas_that_are_not_kept_are_told_of_once_their_time_is_over(process: Start) -> None:
    one = await losers_at_zero(process)
    one.api.on_write.append(lambda write: one.scale("late", 0) if write.what == "scale" else None)
    one.set_state("late", "Out")
    await one.look()
    one.set_state("late", "In")
    requeue = await one.look()
    assert requeue is not None
    assert requeue.after <= PATIENCE_SECONDS + 1.0
    one.now += requeue.after
    await one.look(tick=requeue.tick)
    assert ready(one)[1] == "WriteRefused"


async def test_an_arm_that_no_watch_tells_of_is_looked_at_twice_a_minute(process: Start) -> None:
    one = await losers_at_zero(process)
    for arm in ARMS:
        path = resource_path("", "v1", "services", NAMESPACE, arm)
        one.api.put(path, {"metadata": {"name": arm, "namespace": NAMESPACE}, "spec": {}})
    one.cache._namespaces = frozenset({"others"})
    requeue = await one.look()
    assert requeue == Requeue(LOOK_SECONDS, tick=False)


async def test_a_scale_target_of_a_kind_that_no_watch_tells_of_is_looked_at_twice_a_minute(
    process: Start,
) -> None:
    one = await losers_at_zero(process)
    one.cache.put_service("Service", external("good"))
    requeue = await one.look()
    assert requeue is not None
    assert requeue.tick, "Deployments are watched"
    arms = copied(one.api.objects[one.path]["spec"]["arms"])
    arms[0]["scaleTargetRef"] = {"apiVersion": "example.com/v1", "kind": "Rollout", "name": "good"}
    one.api.put("/apis/example.com/v1/namespaces/models/rollouts/good", deployment_body("good"))
    one.update_spec(arms=arms)
    for _ in range(3):
        one.gateway()
        one.watch()
        one.cache.put_service("Service", external("good"))
        requeue = await one.reconciler.reconcile(one.key, tick=False)
        one.now += 1.0
    assert requeue == Requeue(LOOK_SECONDS, tick=False)


def external(name: str) -> dict[str, Any]:
    """A Service that names something outside of the cluster."""
    return {"metadata": {"name": name, "namespace": NAMESPACE}, "spec": {"type": "ExternalName"}}
