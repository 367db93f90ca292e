"""A former route or rule is remembered until it is seen to send nothing to arms, whoever has it meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bandit_operator.adapters.objects import Object
from bandit_operator.core import reasons
from tests.reconcile.test_left_behind import NEW, accept_new, moved, told
from tests.support.fake_api import copied
from tests.support.playing import Start, learned, ready
from tests.support.process import Process

SAID = "was this resource's"


async def until_an_arm_has_died(one: Process) -> None:
    """The arm bad cannot serve any more, and the operator has seen to its own rule."""
    one.broken = {"bad"}
    one.set_available("bad", 0)
    await one.look()
    for _ in range(3):
        if NEW in one.api.objects:
            accept_new(one)
        await one.tick()


def with_two_rules(
    *backends: str, names: tuple[str, str] = ("predict", "second")
) -> Callable[[Object], None]:
    """Give the route a second rule, over these backends, or over those of the first."""

    def change(spec: Object) -> None:
        first = {**spec["rules"][0], "name": names[0]}
        refs = [{"name": name, "port": 80} for name in backends] or copied(first["backendRefs"])
        matches = [{"path": {"type": "PathPrefix", "value": "/second"}}]
        spec["rules"] = [first, {**copied(first), "name": names[1], "matches": matches, "backendRefs": refs}]

    return change


def other_resource(one: Process, *arms: str, **reference: str) -> str:
    """Another resource that names the former route; gives its path."""
    body = copied(one.api.objects[one.path])
    body["metadata"] = {**body["metadata"], "name": "other", "uid": "other"}
    body["spec"] |= {"traffic": {"routeRef": {"name": one.name, **reference}}, "arms": one.spec["arms"]}
    if arms:
        body["spec"] |= {
            "arms": [{"name": arm, "backendRef": {"name": arm}} for arm in arms],
            "baseline": arms[0],
        }
    path = one.path.replace("/income", "/other")
    one.api.put(path, {name: value for name, value in body.items() if name != "status"})
    return path


async def in_a_rule(process: Start, section: str | None = "predict") -> Process:
    """A rollout in the first of two rules that carry its arms, or in the only one."""
    reference = {"name": "income"} | ({} if section is None else {"sectionName": section})
    one = process(traffic={"routeRef": reference})
    if section is not None:
        one.update_route(with_two_rules())
    one.gateway()
    await one.look(tick=True)
    one.earning = dict.fromkeys(("good", "bad"), (500.0, 250.0))
    await one.tick(2)
    return one


def name_rule(one: Process, section: str) -> None:
    one.update_spec(traffic={"routeRef": {"name": "income", "sectionName": section}})


async def test_another_rule_of_the_route_leaves_the_one_of_before_behind(process: Start) -> None:
    one = await in_a_rule(process)
    name_rule(one, "second")
    await one.tick(2)
    (words,) = told(one)
    assert words.startswith("another rule of HTTPRoute models/income keeps the weights")
    assert "by rule second of HTTPRoute models/income" in words
    assert ready(one) == ("True", "InSync")
    await until_an_arm_has_died(one)
    assert ready(one) == ("False", reasons.LEFT_BEHIND)
    assert "another rule of HTTPRoute models/income, which was" in one.condition("Ready")["message"]


async def test_a_rule_that_gets_a_name_in_the_spec_is_none_that_is_left(process: Start) -> None:
    one = await in_a_rule(process, section=None)
    one.update_route(with_two_rules("good", names=("predict", "others")))
    await one.tick()
    name_rule(one, "predict")
    await one.tick(2)
    await until_an_arm_has_died(one)
    assert told(one) == []
    assert SAID not in one.condition("Accepted")["message"]
    assert ready(one) == ("True", "InSync")


async def test_the_rule_that_was_found_without_a_name_is_left_where_the_spec_names_another(
    process: Start,
) -> None:
    one = await in_a_rule(process, section=None)
    one.update_route(with_two_rules())
    await one.tick()
    name_rule(one, "second")
    await until_an_arm_has_died(one)
    assert ready(one) == ("False", reasons.LEFT_BEHIND)


async def test_a_rule_of_before_that_is_named_again_is_moved_again(process: Start) -> None:
    one = await in_a_rule(process)
    name_rule(one, "second")
    await one.tick()
    name_rule(one, "predict")
    await until_an_arm_has_died(one)
    (rule, other) = one.api.objects[one.route_path]["spec"]["rules"]
    assert [ref["weight"] for ref in rule["backendRefs"]] == [10_000, 0]
    assert "another rule" in one.condition("Ready")["message"]
    assert ready(one) == ("False", reasons.LEFT_BEHIND)
    other["backendRefs"][1]["weight"] = 0
    one.api.put(one.route_path, one.api.objects[one.route_path])
    await one.tick()
    assert ready(one) == ("True", "InSync")


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_route_of_before_that_was_not_there_for_a_while_is_still_known(
    process: Start, restarted: bool
) -> None:
    one = await moved(process)
    body = copied(one.api.objects[one.route_path])
    one.delete_route()
    if restarted:
        one.start()
    await one.look(tick=True)
    assert SAID not in one.condition("Accepted")["message"]
    one.api.put(one.route_path, body)
    await until_an_arm_has_died(one)
    assert ready(one) == ("False", reasons.LEFT_BEHIND)


def is_deleted(one: Process, path: str) -> None:
    one.api.put(path, {**one.api.objects[path], "metadata": _deleted(one.api.objects[path])})


def _deleted(body: Object) -> dict[str, Any]:
    return {**body["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["theirs"]}


def is_gone(one: Process, path: str) -> None:
    one.api.objects.pop(path)
    one.start()


@pytest.mark.parametrize("end", [is_deleted, is_gone])
async def test_a_route_of_before_that_another_resource_had_for_a_while_is_still_known(
    process: Start, end: Callable[[Process, str], None]
) -> None:
    one = await moved(process)
    path = other_resource(one)
    await one.tick()
    assert SAID not in one.condition("Accepted")["message"]
    end(one, path)
    await until_an_arm_has_died(one)
    assert ready(one) == ("False", reasons.LEFT_BEHIND)


@pytest.mark.parametrize("arms", [(), ("x", "y")])
async def test_a_rule_of_before_is_not_moved_by_a_resource_that_has_another_rule_of_its_route(
    process: Start, arms: tuple[str, ...]
) -> None:
    one = await moved(process)
    one.update_route(with_two_rules(*arms))
    other_resource(one, *arms, sectionName="second")
    await one.tick()
    await until_an_arm_has_died(one)
    assert ready(one) == ("False", reasons.LEFT_BEHIND)


async def test_what_is_over_is_forgotten(process: Start) -> None:
    one = await moved(process)
    one.set_weights(good=0, bad=0)
    await one.tick()
    one.set_weights(good=5000, bad=5000)
    await one.tick()
    assert SAID not in one.condition("Accepted")["message"]


async def test_a_loser_is_not_tried_again_while_another_arm_is_pinned(process: Start) -> None:
    one = await learned(process, rollback={"drain": "1s", "retryAfter": "1h"})
    one.earning = {"good": (500.0, 400.0), "bad": (500.0, 20.0)}
    while one.arm("bad")["state"] != "RolledBack":
        await one.tick()
    one.update_spec(pin={"arm": "good"})
    await one.tick(125)
    assert (one.arm("bad")["state"], one.replicas("bad")) == ("RolledBack", 0)
    one.update_spec(pin=None)
    await one.tick(2)
    assert one.arm("bad")["state"] in ("Restoring", "Joining")
