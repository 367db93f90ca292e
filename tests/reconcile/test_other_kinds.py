"""Arms behind backends that are no Service, over scale targets that are not watched."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.adapters.kubernetes import resource_path
from bandit_operator.core import reasons
from bandit_operator.errors import APIError, APIUnreachable
from tests.support.fake_api import copied
from tests.support.objects import NAMESPACE
from tests.support.playing import EQUAL, WORSE, Start, ready
from tests.support.process import Process

GROUP, KIND = "inference.networking.k8s.io", "InferencePool"
ARMS = ("good", "bad")


def path_of(arm: str) -> str:
    return resource_path("leaderworkerset.x-k8s.io", "v1", "leaderworkersets", NAMESPACE, arm)


def replicas(one: Process, arm: str) -> int:
    return int(one.api.objects[path_of(arm)]["spec"].get("replicas", 0))


def run(one: Process, **ready_ones: int) -> None:
    """Let all replicas run; of these arms so many are ready, of others all."""
    for arm in ARMS:
        body = copied(one.api.objects[path_of(arm)])
        running = replicas(one, arm)
        body["status"] = {"replicas": running, "readyReplicas": ready_ones.get(arm, running)}
        one.api.put(path_of(arm), body)


async def tick(one: Process, times: int = 1, **ready_ones: int) -> None:
    for _ in range(times):
        one.now += 30.0
        one.gateway()
        run(one, **ready_ones)
        await one.look(tick=True)


def to_pools(spec: dict[str, Any]) -> None:
    for ref in spec["rules"][0]["backendRefs"]:
        ref.update(group=GROUP, kind=KIND)


async def rolled_back(process: Start) -> Process:
    """A loser at zero that is soon to be tried again."""
    one = process(rollback={"drain": "10s", "retryAfter": "10m"})
    target = {"apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet"}
    one.update_spec(
        arms=[
            {
                "name": arm,
                "backendRef": {"group": GROUP, "kind": KIND, "name": arm},
                "scaleTargetRef": {**target, "name": arm},
            }
            for arm in ARMS
        ]
    )
    one.update_route(to_pools)
    for arm in ARMS:
        one.api.put(
            path_of(arm), {"metadata": {"name": arm, "namespace": NAMESPACE}, "spec": {"replicas": 2}}
        )
    await tick(one, 3)
    one.earning = WORSE
    for _ in range(60):
        await tick(one)
        if replicas(one, "bad") == 0:
            break
    await tick(one, 2)
    one.earning = EQUAL
    return one


@pytest.mark.parametrize(
    "error", [*(APIError(status, "not now") for status in (403, 429, 500)), APIUnreachable("no answer")]
)
async def test_an_arm_of_which_nothing_can_be_read_is_not_given_traffic_again(
    process: Start, error: Exception
) -> None:
    one = await rolled_back(process)
    for _ in range(30):
        one.now += 30.0
        one.gateway()
        one.api.fail("get", "leaderworkersets/bad/scale", error)
        await one.look(tick=True)
        assert one.weights() == {"good": 10000, "bad": 0}
    assert ready(one) == ("False", reasons.SCALE_TARGET_REFUSED)
    one.api.failures.clear()
    await tick(one, 10)
    assert replicas(one, "bad") == 2
    assert one.weights()["bad"] > 0


async def test_an_arm_whose_replicas_run_and_are_not_ready_is_not_given_traffic(process: Start) -> None:
    one = await rolled_back(process)
    await tick(one, 40, bad=0)
    assert (replicas(one, "bad"), one.weights()["bad"]) == (2, 0)
    await tick(one, 2)
    assert one.weights()["bad"] > 0
