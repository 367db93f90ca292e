"""Whether losers keep their Pods may be changed at any time, also of those that are out already."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.core import reasons
from tests.support.playing import WORSE, Start, learned, until, until_state
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
