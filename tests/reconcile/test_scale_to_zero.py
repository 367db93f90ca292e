"""Whether losers keep their Pods may be changed at any time, also of those that are out already."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.core import reasons
from tests.support.fake_api import copied, deployment_of, endpoints_of
from tests.support.objects import NAMESPACE
from tests.support.playing import EQUAL, WORSE, Start, add_service, learned, ready, until, until_state
from tests.support.process import Process

KEPT = {"drain": "20s", "retryAfter": "10h", "scaleToZero": False}


def scales(one: Process, *, to_zero: bool) -> None:
    spec = one.api.objects[one.path]["spec"]
    one.update_spec(rollback={**spec["rollback"], "scaleToZero": to_zero})


async def out_with_pods(process: Start, **rollback: Any) -> Process:
    one = await learned(process, rollback=KEPT | rollback)
    one.earning, one.requests = WORSE, {"good": 500.0, "bad": 0.0}
    await until_state(one, "bad", "RolledBack")
    assert (one.replicas("bad"), one.arm("bad")["reason"]) == (2, reasons.DRAINED)
    return one


async def test_a_loser_that_has_kept_its_pods_loses_them_once_losers_are_to(process: Start) -> None:
    one = await out_with_pods(process)
    scales(one, to_zero=True)
    await one.look()
    assert one.replicas("bad") == 2  # the drain is waited for once more
    await until(one, lambda: one.replicas("bad") == 0)
    await one.tick()
    assert (one.arm("bad")["state"], one.arm("bad")["reason"]) == ("RolledBack", reasons.SCALED_TO_ZERO)
    assert one.arm("bad")["previousReplicas"] == 2


async def test_its_pods_stay_while_requests_reach_it(process: Start) -> None:
    one = await out_with_pods(process, requests="requests_total")
    one.requests = {"good": 500.0, "bad": 7.0}
    scales(one, to_zero=True)
    await one.tick(6)
    assert one.replicas("bad") == 2
    one.requests = {"good": 500.0, "bad": 0.0}
    await until(one, lambda: one.replicas("bad") == 0)


async def test_its_pods_stay_while_a_gateway_may_still_send_it_requests(process: Start) -> None:
    one = await out_with_pods(process)
    one.set_weights(good=5000, bad=5000)
    scales(one, to_zero=True)
    await one.look()
    for _ in range(4):
        one.now += 30.0
        one.gateway(accepted=False)
        await one.look(tick=True)
    assert one.replicas("bad") == 2
    await until(one, lambda: one.replicas("bad") == 0)


async def test_its_pods_stay_while_it_is_the_only_one_that_carries_weight(process: Start) -> None:
    one = await out_with_pods(process)
    one.broken = {"good"}
    one.set_available("good", 0)
    scales(one, to_zero=True)
    await one.tick(4)
    assert one.replicas("bad") == 2
    assert one.weights()["bad"] > 0


async def test_an_arm_that_was_set_out_loses_its_pods_alike(process: Start) -> None:
    one = await learned(process, rollback=KEPT)
    one.set_state("bad", "Out")
    await until_state(one, "bad", "RolledBack")
    scales(one, to_zero=True)
    await until(one, lambda: one.replicas("bad") == 0)
    await one.tick(3)
    assert one.arm("bad")["state"] == "RolledBack"


async def test_a_loser_at_zero_stays_there_and_comes_back_as_it_was(process: Start) -> None:
    one = await learned(process, rollback={**KEPT, "scaleToZero": True})
    one.earning = WORSE
    await until(one, lambda: one.replicas("bad") == 0)
    scales(one, to_zero=False)  # before the process has seen that it is at zero
    await one.tick(3)
    assert (one.replicas("bad"), one.arm("bad")["reason"]) == (0, reasons.SCALED_TO_ZERO)
    one.set_template("bad", "bad:2")
    await one.look()
    assert one.replicas("bad") == 2


@pytest.mark.parametrize("mode", ["Observe", "Paused"])
async def test_nothing_is_scaled_in_a_mode_that_does_not_act(process: Start, mode: str) -> None:
    one = await out_with_pods(process)
    one.update_spec(mode=mode)
    await one.look()
    scales(one, to_zero=True)
    await one.tick(5)
    assert one.replicas("bad") == 2
    one.update_spec(mode="Active")
    await until(one, lambda: one.replicas("bad") == 0)


async def test_an_arm_whose_drain_ends_in_mode_observe_says_that_it_keeps_its_pods(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until_state(one, "bad", "Draining")
    one.update_spec(mode="Observe")
    await until_state(one, "bad", "RolledBack")
    assert (one.arm("bad")["reason"], one.replicas("bad")) == (reasons.DRAINED, 2)
    one.update_spec(mode="Active")
    await until(one, lambda: one.replicas("bad") == 0)
    await one.tick()
    assert one.arm("bad")["reason"] == reasons.SCALED_TO_ZERO


async def scaled_down(process: Start) -> Process:
    """A loser whose replicas have just been set to 0, and whose Pods are still there."""
    one = await learned(process, rollback={"drain": "10s"})
    one.earning = WORSE
    await until_state(one, "bad", "Draining")
    for seconds in (1.0, 11.0):
        one.gateway()
        one.now += seconds
        await one.look()
    assert one.replicas("bad") == 0
    return one


@pytest.mark.parametrize("seen", [True, False], ids=["seen at zero", "not seen yet"])
async def test_an_arm_that_is_called_back_while_its_pods_go_gets_its_replicas_back(
    process: Start, seen: bool
) -> None:
    one = await scaled_down(process)
    down = copied(one.api.objects[deployment_of("bad", NAMESPACE)])
    if seen:
        await one.look()
    one.broken = {"good"}
    one.set_available("good", 0)
    if not seen:  # the watch of Deployments lags
        one.cache.put_target("Deployment", {**down, "spec": {**down["spec"], "replicas": 2}})
        one.cache.endpoints.put(copied(one.api.objects[endpoints_of("good", NAMESPACE)]))
        await one.reconciler.reconcile(one.key, tick=False)
        one.cache.put_target("Deployment", down)
    await one.look()
    one.set_available("bad", 0)
    one.now += 0.7
    await one.look()
    await one.tick(4)
    assert one.replicas("bad") == 2
    assert one.weights() == {"good": 0, "bad": 10000}
    assert ready(one)[1] != reasons.NO_ARM_AVAILABLE


@pytest.mark.parametrize("broken", [False, True])
async def test_an_arm_that_has_been_back_for_a_while_is_left_at_zero_where_another_hand_sets_it_so(
    process: Start, broken: bool
) -> None:
    one = await learned(process, rollback={"drain": "10s", "retryAfter": "10m"})
    one.earning = WORSE
    await until(one, lambda: one.replicas("bad") == 0)
    one.earning = EQUAL
    await until(one, lambda: one.weights()["bad"] > 0)
    if broken:  # as soon as it is back
        one.broken = {"bad"}
        one.set_available("bad", 0)
        await one.look()
    await one.tick()
    one.scale("bad", 0)
    await one.tick(3)
    assert (one.replicas("bad"), one.arm("bad")["reason"]) == (0, reasons.NO_REPLICAS)


async def test_a_pause_in_the_middle_of_a_drain_is_no_part_of_its_wait(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until_state(one, "bad", "Draining")
    one.gateway()
    one.now += 1.0
    await one.look()
    one.update_spec(mode="Paused")
    await one.look()
    one.set_weights(good=5000, bad=5000)  # as nobody hinders anybody to do now
    one.gateway()
    one.now += 3600.0
    await one.look(tick=True)
    one.set_weights(good=10000, bad=0)
    one.gateway()
    one.update_spec(mode="Active")
    for _ in range(3):
        one.now += 1.0
        await one.look()
    assert (one.arm("bad")["state"], one.replicas("bad")) == ("Draining", 2)
    await until(one, lambda: one.replicas("bad") == 0)


@pytest.mark.parametrize("changed", ["labelValue", "backendRef"])
async def test_an_arm_that_comes_back_as_another_one_gets_as_many_replicas_as_it_had(
    process: Start, changed: str
) -> None:
    one = await learned(process)
    one.scale("bad", 5)
    one.kubelet()
    one.earning = WORSE
    await until(one, lambda: one.replicas("bad") == 0)
    arms = copied(one.api.objects[one.path]["spec"]["arms"])
    if changed == "labelValue":
        arms[1]["labelValue"] = "bad-v2"
    else:
        add_service(one, "bad-v2", "bad")
        one.update_route(lambda spec: spec["rules"][0]["backendRefs"][1].update(name="bad-v2"))
        arms[1]["backendRef"]["name"] = "bad-v2"
        one.cache.services[(NAMESPACE, "bad-v2")] = {}
    one.update_spec(arms=arms)
    await one.tick()
    assert one.replicas("bad") == 5


async def test_an_arm_that_is_pointed_at_a_target_without_replicas_is_brought_up(process: Start) -> None:
    one = await learned(process)
    target = deployment_of("bad-v2", NAMESPACE)
    body = copied(one.api.objects[deployment_of("bad", NAMESPACE)])
    metadata = {"name": "bad-v2", "namespace": NAMESPACE, "uid": "bad-v2"}
    one.api.put(target, {"metadata": metadata, "spec": {**body["spec"], "replicas": 0}})
    one.set_available("bad", 0)
    arms = copied(one.api.objects[one.path]["spec"]["arms"])
    arms[1]["scaleTargetRef"]["name"] = "bad-v2"
    one.update_spec(arms=arms)
    await one.look()
    assert (one.arm("bad")["state"], one.arm("bad")["reason"]) == ("Restoring", reasons.NEW_BACKEND)
    assert one.api.objects[target]["spec"]["replicas"] > 0


async def test_an_arm_at_zero_that_has_lost_its_scale_target_says_what_to_do(process: Start) -> None:
    one = await learned(process, rollback={"retryAfter": "10m"})
    one.earning = WORSE
    await until(one, lambda: one.replicas("bad") == 0)
    arms = copied(one.api.objects[one.path]["spec"]["arms"])
    del arms[1]["scaleTargetRef"]
    one.update_spec(arms=arms)
    await one.tick(30)
    assert one.arm("bad")["state"] == "Restoring"
    assert "bad has no scaleTargetRef: scale it up yourself" in one.condition("Progressing")["message"]
