"""Whose a generated route is, where somebody has taken off the annotation that says so."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.api.route_template import MANAGED_BY, OWNER
from tests.reconcile.test_generated import made, route
from tests.support.fake_api import copied
from tests.support.playing import Start, ready
from tests.support.process import Process

WRITTEN = {
    "manager": "bandit-operator",
    "fieldsV1": {"f:metadata": {"f:labels": {".": {}, f"f:{MANAGED_BY}": {}}}},
}
"""What the API server notes of the operator's write of a label."""


def annotate(one: Process, annotations: dict[str, str] | None, **metadata: Any) -> None:
    """Somebody writes the route's annotations whole, or takes them off."""
    body = copied(route(one))
    body["metadata"] = {**body["metadata"], **metadata, "annotations": annotations}
    if annotations is None:
        del body["metadata"]["annotations"]
    one.api.put(one.route_path, body)


@pytest.mark.parametrize("left", [None, {"theirs": "kept"}])
@pytest.mark.parametrize("policy", ["Delete", "Orphan"])
async def test_a_route_that_somebody_took_the_annotation_off_stays_ours_and_says_so_again(
    process: Start, policy: str, left: dict[str, str] | None
) -> None:
    one = await made(process, deletionPolicy=policy)
    await one.tick()
    annotate(one, left, managedFields=[WRITTEN])
    one.broken = {"bad"}
    one.set_available("bad", 0)
    await one.look()
    assert route(one)["metadata"]["annotations"] == {**(left or {}), OWNER: one.name}
    await one.look()
    assert one.weights()["bad"] == 0
    assert ready(one) == ("True", "InSync")


async def test_a_route_that_names_another_resource_was_handed_over(process: Start) -> None:
    one = await made(process)
    await one.tick()
    annotate(one, {OWNER: "other"}, managedFields=[WRITTEN])
    before = copied(route(one))
    await one.look()
    assert ready(one) == ("False", "RouteNotOurs")
    assert route(one) == before


async def test_the_label_alone_does_not_say_that_it_was_made_for_this_resource(process: Start) -> None:
    one = await made(process, deletionPolicy="Orphan")
    annotate(one, None, managedFields=[WRITTEN])
    body = copied(one.api.objects[one.path])
    body["metadata"]["uid"] = "another"
    one.api.put(one.path, {name: part for name, part in body.items() if name != "status"})
    one.start()
    before = copied(route(one))
    await one.look(tick=True)
    assert ready(one) == ("False", "RouteNotOurs")
    assert route(one) == before


async def test_a_label_that_others_wrote_does_not_say_that_it_is_ours(process: Start) -> None:
    one = await made(process, deletionPolicy="Orphan")
    await one.tick()
    annotate(one, None, managedFields=[{**WRITTEN, "manager": "kubectl"}])
    await one.look()
    assert ready(one) == ("False", "RouteNotOurs")


async def test_the_annotation_that_another_writer_sets_meanwhile_is_not_written_over(process: Start) -> None:
    one = await made(process)
    await one.tick()
    annotate(one, None)
    one.watch()
    annotate(one, {OWNER: "other"})
    await one.reconciler.reconcile(one.key, tick=False)
    assert route(one)["metadata"]["annotations"] == {OWNER: "other"}


async def test_an_annotation_that_is_taken_off_again_and_again_is_contested(process: Start) -> None:
    one = await made(process)
    await one.tick()
    for _ in range(10):
        annotate(one, None)
        one.gateway()
        await one.look()
        one.now += 1.0
    assert ready(one) == ("False", "WeightsContested")
