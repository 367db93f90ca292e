"""Resources over the same Pods or the same route as this one: none takes what another has."""

from __future__ import annotations

import pytest

from bandit_operator.core import reasons
from tests.reconcile.test_neighbours import add_route
from tests.support.fake_api import copied
from tests.support.playing import WORSE, Start, learned, ready, until_state
from tests.support.process import Process


def older(one: Process, route: str) -> None:
    """A BanditDeployment that was made before, and moves the weights of this route."""
    body = one.api.objects[one.path]
    traffic = {"routeRef": {**body["spec"]["traffic"]["routeRef"], "name": route}}
    metadata = {
        "name": "older",
        "namespace": "models",
        "uid": "o",
        "creationTimestamp": "2025-01-01T00:00:00Z",
    }
    spec = {**body["spec"], "traffic": traffic}
    one.api.put(
        one.path.replace("income", "older"), {**body, "spec": spec, "status": {}, "metadata": metadata}
    )


async def test_a_route_that_an_older_resource_has_left_is_free(process: Start) -> None:
    one = await learned(process)
    older(one, "income")
    await one.look(tick=True)
    assert ready(one) == ("False", reasons.RULE_CONFLICT)
    older(one, "another")
    await one.look(tick=True)
    assert ready(one)[0] == "True"


async def test_an_arm_of_another_resource_by_the_same_service_alone_keeps_the_pods_as_well(
    process: Start,
) -> None:
    one = await learned(process)
    older(one, "another")
    path = one.path.replace("income", "older")
    body = copied(one.api.objects[path])
    del body["spec"]["arms"][1]["scaleTargetRef"]
    one.api.put(path, body)
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    await one.tick(3)
    assert (one.replicas("bad"), one.arm("bad")["reason"]) == (2, reasons.PODS_IN_USE)


@pytest.mark.parametrize(
    ("state", "kept"),
    [("Active", True), ("Unavailable", True), ("Restoring", True), ("RolledBack", False), (None, True)],
)
async def test_a_target_that_another_resource_has_not_taken_out_keeps_its_pods_at_weight_zero_too(
    process: Start, state: str | None, kept: bool
) -> None:
    one = await learned(process)
    older(one, "another")  # its route gives the arm nothing now, as while another arm of it is pinned
    path = one.path.replace("income", "older")
    arms = [] if state is None else [{"name": "bad", "state": state}]
    one.api.put(path, {**one.api.objects[path], "status": {"arms": arms}})
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    await one.tick(3)
    assert (one.replicas("bad") == 2) == kept
    assert (one.arm("bad")["reason"] == reasons.PODS_IN_USE) == kept


async def test_two_resources_over_the_same_pods_never_scale_each_others_arms_down(process: Start) -> None:
    one = await learned(process)
    other = {**one.api.objects[one.path], "status": {}}
    spec = {
        **other["spec"],
        "traffic": {"routeRef": {**other["spec"]["traffic"]["routeRef"], "name": "mobile"}},
    }
    metadata = {
        "name": "other",
        "namespace": "models",
        "uid": "o",
        "creationTimestamp": "2027-01-01T00:00:00Z",
    }
    one.api.put(one.path.replace("income", "other"), {**other, "spec": spec, "metadata": metadata})
    add_route(one, "mobile", weight=99)
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    assert one.replicas("bad") == 2
