"""Many resources write their routes in one moment; what must not wait does not."""

from __future__ import annotations

import pytest

from bandit_operator.reconcile.route_plan import write_at
from bandit_operator.reconcile.tracked import track
from tests.support.playing import Start, learned
from tests.support.process import Process

MANY = 400
"""Of which each has 20 ms for its tick, so that the last of them begins 13 s after the window's end."""


async def among_many(process: Start) -> Process:
    """A rollout that has learned, and whose next tick moves weights, beside many others."""
    one = await learned(process)
    for number in range(MANY):
        one.cache.resources["models", f"other-{number}"] = {}
    return one


async def test_weights_are_decided_first_and_written_with_those_of_the_others(process: Start) -> None:
    one = await among_many(process)
    before = one.weights()
    one.earning = {"good": (500.0, 240.0), "bad": (500.0, 300.0)}
    requeue = await one.tick()
    assert requeue is not None
    decided = {arm["name"]: arm["weight"] for arm in one.status["arms"]}
    assert decided != before
    assert one.weights() == before
    assert not requeue.tick
    assert "written together" in one.condition("Ready")["message"]
    assert "written together" in one.condition("TrafficInSync")["message"]
    one.now += requeue.after
    await one.look()
    assert one.weights() == decided
    assert one.status["foreignWeightChanges"] == 0


async def test_an_arm_that_cannot_serve_does_not_wait_for_the_others(process: Start) -> None:
    one = await among_many(process)
    one.broken = {"bad"}
    one.set_available("bad", 0)
    await one.look()
    assert one.weights()["bad"] == 0


@pytest.mark.parametrize("unit", [1, 1000, 1_000_000])
@pytest.mark.parametrize(("left", "waits"), [(7900, True), (3000, False)], ids=["a step", "a break"])
async def test_an_arm_that_loses_more_than_a_step_loses_it_at_once(
    process: Start, left: int, waits: bool, unit: int
) -> None:
    one = await among_many(process)
    tracked = one.reconciler._tracked[one.key]
    after = {"good": 10_000 - left, "bad": left}
    at = write_at(tracked, {"good": unit, "bad": 9 * unit}, after, one.now, MANY)
    assert (at > one.now) is waits


async def test_a_process_that_ends_before_its_moment_is_followed_by_one_that_writes(process: Start) -> None:
    one = await among_many(process)
    one.earning = {"good": (500.0, 240.0), "bad": (500.0, 300.0)}
    await one.tick()
    decided = {arm["name"]: arm["weight"] for arm in one.status["arms"]}
    one.start()
    await one.look()
    assert one.weights() == decided


async def test_a_pin_waits_for_nobody(process: Start) -> None:
    one = await among_many(process)
    one.update_spec(pin={"arm": "bad"})
    one.watch()
    body, before = one.cache.resources[one.key], one.reconciler._tracked[one.key]
    tracked = track(body, before, one.cache.targets, one.now, one.now)
    after = {"good": 0, "bad": 10_000}
    assert write_at(tracked, {"good": 1000, "bad": 9000}, after, one.now, MANY) == one.now
