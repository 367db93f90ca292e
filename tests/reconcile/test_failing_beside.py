"""Backends of the rule that are no arm keep their share, and are named while their part of requests fails."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.fake_api import endpoints_of
from tests.support.objects import NAMESPACE
from tests.support.playing import Start, add_service, learned, ready
from tests.support.process import Process

ARMS = ("good", "bad", "late")


def service_without_pods(one: Process, name: str) -> None:
    """A Service that selects nothing."""
    add_service(one, name)


def append(one: Process, name: str, weight: int) -> None:
    """The user puts a backend that is no arm into the rule."""
    ref = {"name": name, "port": 80, "weight": weight}
    one.update_route(lambda spec: spec["rules"][0]["backendRefs"].append(ref))
    one.gateway()


async def former(process: Start, **traffic: Any) -> Process:
    """A rollout of which the arm late was taken out, whose Pods then die."""
    one = await learned(process, arms=ARMS)
    spec = one.api.objects[one.path]["spec"]
    one.update_spec(arms=spec["arms"][:2], traffic={**spec["traffic"], **traffic})
    await one.tick(2)
    one.broken = {"late"}
    one.set_available("late", 0)
    return one


async def test_ready_is_false_while_an_arm_that_was_taken_out_has_weight_and_no_pods(process: Start) -> None:
    one = await former(process)
    share = one.weights()["late"] / sum(one.weights().values())
    await one.look()
    assert ready(one) == ("False", "NoReadyEndpoint")
    assert f"{share:.1%} of the requests fail" in one.condition("Ready")["message"]
    assert "Service models/late" in one.condition("Ready")["message"]
    assert one.weights()["late"] > 0, "whoever wants it drained says so"
    one.broken = set()
    one.set_available("late", 2)
    await one.look()
    assert ready(one) == ("True", "InSync")


async def test_one_that_is_drained_as_the_user_says_needs_no_word(process: Start) -> None:
    one = await former(process, removedArms="Drain")
    await one.look()
    assert one.weights()["late"] == 0
    assert ready(one) == ("True", "InSync")


async def test_ready_is_false_while_a_backend_that_never_was_an_arm_has_weight_and_no_pods(
    process: Start,
) -> None:
    one = await learned(process)
    service_without_pods(one, "stranger")
    append(one, "stranger", 5000)
    await one.look()
    assert ready(one) == ("False", "NoReadyEndpoint")
    one.set_weights(stranger=0)
    await one.tick(2)
    assert ready(one) == ("True", "InSync")


async def test_so_it_is_where_the_weights_are_left_to_others(process: Start) -> None:
    one = await learned(process, mode="Observe")
    service_without_pods(one, "stranger")
    append(one, "stranger", 5000)
    await one.look()
    assert ready(one) == ("False", "NoReadyEndpoint")


@pytest.mark.parametrize("kind", ["other kind", "unknown"])
async def test_what_is_not_known_is_no_fault(process: Start, kind: str) -> None:
    one = await learned(process)
    if kind == "other kind":
        service_without_pods(one, "stranger")
    append(one, "stranger", 5000)
    if kind == "other kind":
        pool = {"group": "inference.networking.k8s.io", "kind": "InferencePool"}
        one.update_route(lambda spec: spec["rules"][0]["backendRefs"][-1].update(pool))
    await one.tick(2)
    assert ready(one) == ("True", "InSync")


async def test_a_resource_is_looked_at_when_the_endpoints_of_a_backend_that_is_no_arm_change(
    process: Start,
) -> None:
    one = await learned(process)
    service_without_pods(one, "stranger")
    append(one, "stranger", 5000)
    one.watch()
    assert one.cache.affected_by_endpoints((NAMESPACE, "stranger")) == {one.key}
    assert one.cache.affected_by_endpoints((NAMESPACE, "good")) == {one.key}
    assert one.cache.affected_by_endpoints((NAMESPACE, "elsewhere")) == frozenset()
    one.api.delete(endpoints_of("stranger", NAMESPACE))
    assert one.cache.drop("EndpointSlice", (NAMESPACE, "stranger-1")) == {one.key}


async def test_requests_that_another_route_sends_to_an_arm_that_cannot_serve_are_told_of(
    process: Start,
) -> None:
    one = await learned(process)
    ref = {"name": "bad", "port": 80, "weight": 1}
    metadata = {"name": "mobile", "namespace": NAMESPACE, "uid": "mobile"}
    other = {"metadata": metadata, "spec": {"rules": [{"backendRefs": [ref]}]}}
    one.api.put(one.route_path.replace("income", "mobile"), other)
    await one.tick(3)  # what changes little is written within a minute
    assert "requests reach bad by HTTPRoute models/mobile" in one.condition("Accepted")["message"]
    assert "cannot serve" not in one.condition("Accepted")["message"]
    one.broken = {"bad"}
    one.set_available("bad", 0)
    await one.look()
    assert "of these bad cannot serve" in one.condition("Accepted")["message"]
