"""Replicas that do not become what was decided: Ready says so, names whose, and goes back by itself."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.core import reasons
from bandit_operator.errors import APIError, APIUnreachable, Conflict, NotFound
from bandit_operator.reconcile.route_writes import RouteWriter
from tests.support.playing import WORSE, Start, learned, ready, until, until_state
from tests.support.process import Process

CONFLICT = Conflict(409, "the object has been modified")
REFUSED = [APIError(403, "deployments/scale is forbidden"), APIError(422, "admission webhook says no")]


async def about_to_scale_down(process: Start, **spec: Any) -> Process:
    """A loser whose drain is over but for its replicas."""
    one = await learned(process, rollback={"drain": "3s", "retryAfter": "10m"}, **spec)
    one.earning = WORSE
    await until_state(one, "bad", "Draining")
    one.gateway()
    await one.look()
    one.now += 4.0
    return one


async def failing(one: Process, error: Exception, arm: str, passes: int) -> list[tuple[str, str]]:
    """What Ready says after each pass while the scale of an arm cannot be written."""
    said = []
    for _ in range(passes):
        one.api.failures.clear()
        one.api.fail("patch", f"{arm}/scale", error)
        requeue = await one.look()
        said.append(ready(one))
        assert requeue is not None
        one.now += requeue.after
    one.api.failures.clear()
    return said


@pytest.mark.parametrize(
    "error", [CONFLICT, NotFound(404, "not found"), APIUnreachable("no answer in time")], ids=str
)
async def test_conflicts_over_replicas_that_do_not_end_are_said_after_a_while_and_then_no_more(
    process: Start, error: Exception
) -> None:
    one = await about_to_scale_down(process)
    said = await failing(one, error, "bad", 6)
    assert said[1] == ("True", reasons.IN_SYNC)  # the next one goes through, normally
    assert said[-1] == ("False", reasons.WRITE_REFUSED)
    message = one.condition("Ready")["message"]
    assert "Deployment models/bad of arm bad cannot be set to 0 replicas" in message
    assert str(error) in message
    assert "let the operator patch its scale" in message
    assert one.replicas("bad") == 2
    await one.look()
    assert one.replicas("bad") == 0
    await one.look()
    assert ready(one) == ("True", reasons.IN_SYNC)


@pytest.mark.parametrize("error", REFUSED, ids=str)
async def test_a_refusal_of_replicas_is_said_with_the_next_pass(process: Start, error: APIError) -> None:
    one = await about_to_scale_down(process)
    assert (await failing(one, error, "bad", 2))[-1] == ("False", reasons.WRITE_REFUSED)
    assert str(error) in one.condition("Ready")["message"]
    await one.tick(2)
    assert ready(one)[0] == "True"


async def test_an_arm_that_cannot_be_scaled_keeps_no_other_from_it(process: Start) -> None:
    one = await about_to_scale_down(process, arms=("good", "bad", "fair"))
    one.earning = {"good": (500.0, 400.0), "bad": (500.0, 50.0), "fair": (500.0, 60.0)}
    for _ in range(60):
        one.api.fail("patch", "bad/scale", REFUSED[0])
        await one.tick()
        if one.replicas("fair") == 0:
            break
    assert (one.replicas("bad"), one.replicas("fair")) == (2, 0)
    assert ready(one) == ("False", reasons.WRITE_REFUSED)


async def test_a_called_back_arm_is_scaled_up_also_where_the_route_cannot_be_written(process: Start) -> None:
    one = await about_to_scale_down(process)
    await until_state(one, "bad", "RolledBack")
    one.broken = {"good"}
    one.set_available("good", 0)
    for _ in range(4):
        one.api.fail("patch", "httproutes", APIError(403, "httproutes is forbidden"))
        await one.look()
        one.now += 1.0
    assert one.replicas("bad") == 2


async def test_a_scale_up_that_is_refused_is_said_beside_that_no_arm_can_serve(process: Start) -> None:
    one = await about_to_scale_down(process)
    await until_state(one, "bad", "RolledBack")
    one.update_spec(baseline="bad")
    said = await failing(one, REFUSED[1], "bad", 3)
    assert said[-1] == ("False", reasons.WRITE_REFUSED)
    assert "Deployment models/bad of arm bad cannot be set to 2 replicas" in one.condition("Ready")["message"]


async def test_replicas_that_another_writer_sets_back_each_time_are_said(process: Start) -> None:
    one = await about_to_scale_down(process)
    for _ in range(6):
        await one.look()
        one.scale("bad", 2)
        one.now += 5.0
    assert ready(one) == ("False", reasons.WRITE_REFUSED)
    assert "does not keep them: let its autoscaler" in one.condition("Ready")["message"]
    await until(one, lambda: one.replicas("bad") == 0)
    await one.look()
    assert ready(one)[0] == "True"


async def test_an_arm_that_is_asked_back_before_it_could_be_scaled_down_is_no_trouble_any_more(
    process: Start,
) -> None:
    one = await about_to_scale_down(process)
    await failing(one, REFUSED[0], "bad", 3)
    one.update_spec(baseline="bad")
    await one.look()
    await one.look()
    assert one.arm("bad")["state"] == "Active"
    assert ready(one)[0] == "True"


async def test_nobody_is_scaled_down_in_a_pass_whose_route_write_was_lost(
    process: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await about_to_scale_down(process)

    async def lost(*_: Any, **__: Any) -> None:
        raise CONFLICT

    with monkeypatch.context() as patch:
        patch.setattr(RouteWriter, "bring", lost)
        await one.look()
        assert one.replicas("bad") == 2
    await one.look()
    assert one.replicas("bad") == 0


async def test_an_arm_that_was_called_back_may_have_other_replicas_than_it_was_given(process: Start) -> None:
    one = await about_to_scale_down(process)
    await until_state(one, "bad", "RolledBack")
    one.update_spec(baseline="bad")
    await until(one, lambda: one.replicas("bad") == 2)
    one.scale("bad", 1)  # before the operator has seen that there are 2
    one.set_available("bad", 0)
    for _ in range(6):
        await one.look()
        one.now += 5.0
    assert one.arm("bad")["state"] == "Restoring"
    assert ready(one)[1] != reasons.WRITE_REFUSED
