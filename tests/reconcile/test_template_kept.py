"""A Gateway API that does not know all of a template: what it drops is said, and nobody blamed."""

from __future__ import annotations

from typing import Any

from bandit_operator.core import reasons
from tests.support.fake_api import copied
from tests.support.objects import TEMPLATE
from tests.support.playing import Start, ready, until
from tests.support.process import Process

WITH_TIMEOUTS = {**TEMPLATE, "spec": {**TEMPLATE["spec"], "timeouts": {"request": "5s"}}}


def without_timeouts(body: Any) -> None:
    """What an older Gateway API keeps of a route."""
    for rule in body.get("spec", {}).get("rules", []):
        rule.pop("timeouts", None)


async def dropped(process: Start) -> Process:
    """A rollout whose route lacks the timeouts of its template, with rewards by which weights move."""
    one = process(traffic={"routeTemplate": WITH_TIMEOUTS})
    one.api.prune = without_timeouts
    await one.look(tick=True)
    await one.tick()
    return one


def writes_of_the_route(one: Process) -> int:
    return one.api.what_was_written().count("route")


async def test_it_is_said_and_not_written_again_and_nobody_is_blamed(process: Start) -> None:
    one = await dropped(process)
    assert ready(one) == ("False", reasons.TEMPLATE_NOT_KEPT)
    assert "does not keep /spec/rules/0/timeouts of the route" in one.condition("Accepted")["message"]
    written = writes_of_the_route(one)
    await one.tick(15)
    assert writes_of_the_route(one) == written
    assert one.status["foreignWeightChanges"] == 0


async def test_weights_move_all_the_same(process: Start) -> None:
    one = await dropped(process)
    one.earning = {"good": (500.0, 100.0), "bad": (500.0, 400.0)}
    await until(one, lambda: one.weights()["bad"] > one.weights()["good"])
    assert ready(one) == ("False", reasons.TEMPLATE_NOT_KEPT)


async def test_what_others_change_is_put_back_all_the_same(process: Start) -> None:
    one = await dropped(process)
    one.update_route(lambda spec: spec.update(hostnames=["elsewhere.example.com"]))
    await one.tick()
    assert one.api.objects[one.route_path]["spec"]["hostnames"] == TEMPLATE["spec"]["hostnames"]
    assert one.status["foreignWeightChanges"] == 1


async def test_it_is_over_within_ten_minutes_of_a_newer_gateway_api(process: Start) -> None:
    one = await dropped(process)
    one.api.prune = lambda _: None
    await until(one, lambda: ready(one)[0] == "True", ticks=25)
    assert one.api.objects[one.route_path]["spec"]["rules"][0]["timeouts"] == {"request": "5s"}
    assert one.status["foreignWeightChanges"] == 0


async def test_a_trial_that_comes_to_nothing_changes_nothing_that_is_said(process: Start) -> None:
    one = await dropped(process)
    since, written = one.condition("Ready")["lastTransitionTime"], writes_of_the_route(one)
    await one.tick(45)
    assert writes_of_the_route(one) == written + 2
    assert ready(one) == ("False", reasons.TEMPLATE_NOT_KEPT)
    assert one.condition("Ready")["lastTransitionTime"] == since


async def test_a_template_without_it_is_at_peace(process: Start) -> None:
    one = await dropped(process)
    traffic = copied(one.api.objects[one.path]["spec"]["traffic"])
    del traffic["routeTemplate"]["spec"]["timeouts"]
    one.update_spec(traffic=traffic)
    await one.tick(2)
    assert ready(one)[0] == "True"
