"""What an edit of the spec leaves as it was is named: a route with its weights, Pods that stay at zero."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from bandit_operator.core import reasons
from bandit_operator.errors import APIError
from tests.support.fake_api import copied, deployment_of, route_of
from tests.support.objects import NAMESPACE, PARENT, TEMPLATE
from tests.support.playing import Start, learned, ready, until_state
from tests.support.process import Process

ARMS = ("good", "bad", "late")
NEW = route_of("new", NAMESPACE)


class Killed(BaseException):
    """The process ends here."""


def told(one: Process) -> list[str]:
    """Notes of the events that tell of what is left behind."""
    events = (write.body for write in one.api.writes if write.what == "event")
    return [event["note"] for event in events if event["reason"] == reasons.LEFT_BEHIND]


def accept_new(one: Process) -> None:
    """The gateway accepts the route that was made."""
    body = copied(one.api.objects[NEW])
    at = {"observedGeneration": body["metadata"]["generation"]}
    parent = {"parentRef": PARENT, "conditions": [{"type": "Accepted", "status": "True", **at}]}
    one.api.put(NEW, {**body, "status": {"parents": [parent]}})


async def moved(process: Start, *, away: bool = False) -> Process:
    """A rollout whose spec now asks for a route of another name; ``away``: while no operator ran."""
    one = await learned(process)
    arms = [{**arm, "backendRef": {**arm["backendRef"], "port": 80}} for arm in one.spec["arms"]]
    one.update_spec(traffic={"routeTemplate": {**TEMPLATE, "name": "new"}}, arms=arms)
    if away:
        one.start()
    await one.look(tick=True)
    accept_new(one)
    await one.tick()
    accept_new(one)
    await one.tick()
    return one


@pytest.mark.parametrize("away", [False, True])
async def test_a_route_that_the_spec_names_no_more_is_named_once_in_an_event(
    process: Start, away: bool
) -> None:
    one = await moved(process, away=away)
    (words,) = told(one)
    assert f"HTTPRoute {NAMESPACE}/income keeps the weights" in words
    assert f"HTTPRoute {NAMESPACE}/new" in words


@pytest.mark.parametrize("away", [False, True])
async def test_a_route_of_before_that_still_serves_is_named_in_accepted_until_it_does_no_more(
    process: Start, away: bool
) -> None:
    one = await moved(process)
    if away:
        one.start()
        await one.tick()
    words = "HTTPRoute models/income, which was this resource's route, still gives weight to good, bad"
    assert words in one.condition("Accepted")["message"]
    assert ready(one) == ("True", "InSync")
    one.delete_route()
    await one.tick(2)
    assert "was this resource's route" not in one.condition("Accepted")["message"]


async def test_ready_is_false_while_a_route_of_before_sends_requests_to_an_arm_that_cannot_serve(
    process: Start,
) -> None:
    one = await moved(process)
    one.broken = {"bad"}
    one.set_available("bad", 0)
    await one.look()
    assert ready(one) == ("False", reasons.LEFT_BEHIND)
    assert "HTTPRoute models/income" in one.condition("Ready")["message"]
    assert "bad (NoReadyEndpoint)" in one.condition("Ready")["message"]
    one.set_weights(bad=0)
    await one.look()
    assert ready(one) == ("True", "InSync")


async def test_nothing_is_written_to_a_route_of_before(process: Start) -> None:
    one = await moved(process)
    before = copied(one.api.objects[one.route_path]["spec"])
    one.broken = {"bad"}
    one.set_available("bad", 0)
    await one.tick(3)
    assert one.api.objects[one.route_path]["spec"] == before


async def test_a_route_of_before_that_another_resource_moves_by_now_is_not_told_of(process: Start) -> None:
    one = await moved(process)
    other = copied(one.api.objects[one.path])
    other["metadata"] = {**other["metadata"], "name": "other", "uid": "other"}
    other["spec"] |= {"traffic": {"routeRef": {"name": one.name}}, "arms": one.spec["arms"]}
    one.api.put(one.path.replace("/income", "/other"), other)
    await one.tick()
    assert "was this resource's route" not in one.condition("Accepted")["message"]


async def test_a_route_of_before_that_is_named_again_is_moved_again(process: Start) -> None:
    one = await moved(process)
    one.update_spec(traffic={"routeRef": {"name": one.name}}, arms=one.spec["arms"])
    await one.tick(2)
    assert "models/income, which was" not in one.condition("Accepted")["message"]
    assert any(f"HTTPRoute {NAMESPACE}/new keeps the weights" in words for words in told(one))


async def at_zero(process: Start) -> Process:
    """A rollout of which the arm late was rolled back and has no Pods any more."""
    one = await learned(process, arms=ARMS, rollback={"drain": "1s"})
    one.earning = {"good": (500.0, 400.0), "bad": (500.0, 400.0), "late": (500.0, 20.0)}
    await until_state(one, "late", "RolledBack")
    assert one.replicas("late") == 0
    return one


def without_target(arm: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arm.items() if name != "scaleTargetRef"}


@pytest.mark.parametrize("away", [False, True])
@pytest.mark.parametrize("edit", ["arm", "target", "other target"])
async def test_pods_that_stay_at_zero_because_no_arm_has_them_any_more_are_named(
    process: Start, edit: str, away: bool
) -> None:
    one = await at_zero(process)
    good, bad, late = one.api.objects[one.path]["spec"]["arms"]
    other = {**late, "scaleTargetRef": {**late["scaleTargetRef"], "name": "another"}}
    one.api.put(deployment_of("another", NAMESPACE), one.api.objects[deployment_of("bad", NAMESPACE)])
    one.update_spec(
        arms={
            "arm": [good, bad],
            "target": [good, bad, without_target(late)],
            "other target": [good, bad, other],
        }[edit]
    )
    if away:
        one.start()
    await one.tick(2)
    assert one.replicas("late") == 0
    (words,) = told(one)
    assert "Deployment models/late no longer belongs to an arm and stays at 0" in words
    assert "from 2 replicas" in words


@pytest.mark.parametrize(
    "refused", [True, False], ids=["the write was refused", "the process ended before it"]
)
async def test_pods_that_were_to_be_taken_down_and_were_not_are_told_of_as_running(
    process: Start, refused: bool
) -> None:
    one = await learned(process, arms=ARMS, rollback={"drain": "1s"})
    one.earning = {"good": (500.0, 400.0), "bad": (500.0, 400.0), "late": (500.0, 20.0)}
    for _ in range(80):
        one.api.failures.clear()
        one.api.fail("patch", "/scale", APIError(403, "no") if refused else Killed())
        with contextlib.suppress(Killed):
            await one.tick()
        if one.arm("late")["reason"] == reasons.SCALING_TO_ZERO:
            break
    assert (one.arm("late")["reason"], one.replicas("late")) == (reasons.SCALING_TO_ZERO, 2)
    one.api.failures.clear()
    one.update_spec(arms=one.api.objects[one.path]["spec"]["arms"][:2])
    if not refused:
        one.start()
    await one.tick(2)
    (words,) = told(one)
    assert f"Deployment {NAMESPACE}/late no longer belongs to an arm" in words
    assert "last seen with 2 replicas" in words
    assert one.replicas("late") == 2


async def test_an_arm_that_only_has_another_name_leaves_nothing_behind(process: Start) -> None:
    one = await at_zero(process)
    good, bad, late = one.api.objects[one.path]["spec"]["arms"]
    one.update_spec(arms=[good, bad, {**late, "name": "later"}])
    one.earning = {"good": (500.0, 400.0), "bad": (500.0, 400.0), "later": (500.0, 20.0)}
    await one.tick(2)
    assert one.replicas("late") > 0
    assert told(one) == []


async def test_an_arm_that_is_taken_out_with_its_pods_leaves_nothing_behind(process: Start) -> None:
    one = await learned(process, arms=ARMS)
    one.update_spec(arms=one.api.objects[one.path]["spec"]["arms"][:2])
    await one.tick(2)
    assert told(one) == []
