"""Pods that outlive their scale target, as where that was deleted without them, serve as before."""

from __future__ import annotations

from bandit_operator.core import reasons
from tests.support.fake_api import deployment_of
from tests.support.objects import NAMESPACE
from tests.support.playing import WORSE, Start, learned, ready, until_state
from tests.support.process import Process


def delete_deployment(one: Process, name: str) -> None:
    """As ``kubectl delete --cascade=orphan`` does: its Pods stay, and requests go on reaching them."""
    one.watch()
    one.api.delete(deployment_of(name, NAMESPACE))
    one._brought.pop(deployment_of(name, NAMESPACE))
    one.cache.drop("Deployment", (NAMESPACE, name))


async def test_an_arm_whose_deployment_is_gone_keeps_its_weight_while_its_pods_are_ready(
    process: Start,
) -> None:
    one = await learned(process)
    delete_deployment(one, "bad")
    await one.look()
    await one.tick(2)
    assert one.weights()["bad"] > 0
    assert ready(one) == ("False", reasons.SCALE_TARGET_NOT_FOUND)
    assert "Deployment models/bad, which does not exist" in one.condition("Ready")["message"]


async def test_the_last_arm_that_can_serve_serves_though_its_deployment_is_gone(process: Start) -> None:
    one = await learned(process)
    delete_deployment(one, "bad")
    one.broken = {"good"}
    one.set_available("good", 0)
    await one.look()
    assert one.weights() == {"good": 0, "bad": 10_000}


async def test_a_loser_whose_deployment_is_gone_loses_its_weight_and_keeps_its_pods(process: Start) -> None:
    one = await learned(process, rollback={"drain": "1s"})
    delete_deployment(one, "bad")
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    assert one.weights()["bad"] == 0
    assert one.arm("bad")["reason"] == reasons.DRAINED


async def test_a_new_arm_whose_deployment_never_was_there_gets_no_weight(process: Start) -> None:
    one = await learned(process, arms=("good", "bad", "late"))
    arms = one.api.objects[one.path]["spec"]["arms"]
    one.update_spec(arms=arms[:2])
    await one.tick()
    late = {**arms[2], "scaleTargetRef": {**arms[2]["scaleTargetRef"], "name": "lat"}}
    one.set_weights(late=0)
    one.update_spec(arms=[*arms[:2], late])
    await one.look()
    assert one.weights()["late"] == 0
    assert ready(one) == ("False", reasons.SCALE_TARGET_NOT_FOUND)
