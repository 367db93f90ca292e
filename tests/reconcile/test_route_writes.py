"""What follows from the answer to a write of weights: the route may not be what was written."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.core import reasons
from bandit_operator.errors import APIUnreachable
from tests.support.objects import TEMPLATE
from tests.support.playing import WORSE, Start, learned, ready, until, until_state
from tests.support.process import Process

NO_ANSWER = APIUnreachable("PATCH httproutes: TimeoutError")


def let_a_webhook_set_weights(one: Process) -> None:
    """From now on every write of the route ends with the weights that it has now."""
    kept = one.weights()

    def mutate(body: Any) -> None:
        for rule in body.get("spec", {}).get("rules", []):
            for ref in rule["backendRefs"]:
                ref["weight"] = kept[ref["name"]]

    one.api.prune = mutate


async def test_weights_that_a_webhook_changes_are_said_to_be_refused_and_nobody_else_is_blamed(
    process: Start,
) -> None:
    one = await learned(process)
    let_a_webhook_set_weights(one)
    one.earning = WORSE
    await until(one, lambda: ready(one) == ("False", reasons.WRITE_REFUSED))
    await one.tick(3)
    message = one.condition("TrafficInSync")["message"]
    assert "answered with other weights (good 5000, bad 5000) than were written (good " in message
    assert "an admission webhook or policy changes them" in message
    assert one.status["foreignWeightChanges"] == 0


async def test_a_loser_keeps_its_pods_while_a_webhook_keeps_its_weight(process: Start) -> None:
    one = await learned(process)
    let_a_webhook_set_weights(one)
    one.earning = WORSE
    await until(one, lambda: one.arm("bad")["state"] == "Draining")
    await one.tick(20)
    assert one.replicas("bad") > 0
    assert ready(one) == ("False", reasons.WRITE_REFUSED)


async def test_weights_move_once_the_webhook_is_gone(process: Start) -> None:
    one = await learned(process)
    let_a_webhook_set_weights(one)
    one.earning = WORSE
    await until(one, lambda: ready(one) == ("False", reasons.WRITE_REFUSED))
    one.api.prune = lambda _: None
    await until(one, lambda: one.arm("bad").get("reason") == reasons.SCALED_TO_ZERO)
    assert ready(one)[0] == "True"


@pytest.mark.parametrize("gone", ["good", "bad"])
async def test_an_arm_that_is_not_in_the_rule_is_no_refusal_while_the_others_move(
    process: Start, gone: str
) -> None:
    one = await learned(process, arms=("good", "bad", "fair"))
    one.update_route(
        lambda spec: spec["rules"][0].update(
            backendRefs=[ref for ref in spec["rules"][0]["backendRefs"] if ref["name"] != gone]
        )
    )
    one.gateway()
    await one.look()
    assert one.arm(gone)["reason"] == reasons.BACKEND_NOT_IN_RULE
    said = set()
    for _ in range(5):
        await one.tick()
        said.add(one.condition("TrafficInSync")["reason"])
    assert reasons.WRITE_REFUSED not in said
    assert any(write.what == "route" for write in one.api.writes)


async def test_where_no_arm_can_serve_requests_stay_with_what_another_writer_gave_them_to(
    process: Start,
) -> None:
    one = await learned(process)
    one.update_route(
        lambda spec: spec["rules"][0]["backendRefs"].append({"name": "sorry", "port": 80, "weight": 0})
    )
    one.gateway()
    await one.tick()
    one.broken = {"good", "bad"}
    for arm in ("good", "bad"):
        one.set_available(arm, 0)
    await one.look()
    one.set_weights(good=0, bad=0, sorry=1)
    one.gateway()
    await one.look()
    await one.tick(2)
    assert one.weights() == {"good": 0, "bad": 0, "sorry": 1}
    assert one.condition("Ready")["reason"] == reasons.NO_ARM_AVAILABLE
    one.broken = set()
    for arm in ("good", "bad"):
        one.set_available(arm, 2)
    await one.tick(2)
    assert one.weights()["good"] > 0


async def test_a_route_whose_writes_are_never_answered_is_not_called_in_sync(process: Start) -> None:
    one = await learned(process)
    one.set_available("bad", 0)
    said = []
    for _ in range(6):
        one.api.fail("patch", "httproutes", NO_ANSWER)
        requeue = await one.look()
        assert requeue is not None
        said.append(ready(one))
        one.now += max(requeue.after, 5.0)
    assert one.weights()["bad"] == 5000
    assert said[-1] == ("False", reasons.WRITE_REFUSED)
    assert "no write was answered in time" in one.condition("Ready")["message"]
    await one.look()
    assert one.weights()["bad"] == 0
    await one.look()
    assert ready(one) == ("True", reasons.IN_SYNC)


async def test_an_arm_is_called_back_though_the_route_cannot_be_written(process: Start) -> None:
    one = await learned(process, traffic={"routeTemplate": TEMPLATE})
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    one.set_available("good", 0)
    one.update_route(lambda spec: spec.update(hostnames=["other.example.com"]))
    one.api.fail("patch", "httproutes", NO_ANSWER)
    await one.look()
    assert one.replicas("bad") == 2


async def test_an_event_that_is_not_taken_in_time_keeps_no_weight_on_an_arm_that_cannot_serve(
    process: Start,
) -> None:
    one = await learned(process)
    one.set_available("bad", 0)
    one.api.writes.clear()
    await one.look()
    written = one.api.what_was_written()
    assert written[:2] == ["status", "route"]
    assert "event" in written[2:]
