"""Requests are mirrored only by gateways that say that they can."""

from __future__ import annotations

import pytest

from bandit_operator.core import reasons
from bandit_operator.errors import APIError
from tests.support.playing import Start, ready
from tests.support.process import GATEWAY
from tests.support.shadows import (
    CLASS,
    FEATURES,
    MANAGED,
    OURS,
    SERVICE,
    available,
    filters,
    installed,
    mirrored,
    resource,
)


@pytest.mark.parametrize(
    ("features", "says"),
    [
        ([], "GatewayClass mirroring does not list HTTPRouteRequestMirror in status.supportedFeatures"),
        (["GRPCRouteRequestMirror"], "does not list HTTPRouteRequestMirror"),
    ],
)
async def test_nothing_is_mirrored_by_a_gateway_that_does_not_say_that_it_can(
    process: Start, features: list[str], says: str
) -> None:
    one = installed(process, *features, shadow=MANAGED)
    await one.look(tick=True)
    await one.tick(3)
    assert filters(one) == []
    assert available(one) == ("False", reasons.MIRROR_UNSUPPORTED)
    assert says in one.condition("ShadowAvailable")["message"]
    assert ready(one)[0] == "True"


@pytest.mark.parametrize("missing", [GATEWAY, CLASS])
async def test_nothing_is_mirrored_where_it_is_not_known_whether_the_gateway_can(
    process: Start, missing: str
) -> None:
    one = installed(process, *FEATURES, shadow=MANAGED)
    one.api.delete(missing)
    await one.look(tick=True)
    assert filters(one) == []
    assert available(one) == ("False", reasons.MIRROR_UNSUPPORTED)
    assert "Gateway gateway/main or its class cannot be read" in one.condition("ShadowAvailable")["message"]


async def test_all_parents_of_the_route_must_be_able_to(process: Start) -> None:
    one = installed(process, *FEATURES, shadow=MANAGED)
    one.api.put(f"{GATEWAY}-2", resource("main-2", spec={"gatewayClassName": "plain"}))
    one.api.put(CLASS.replace("mirroring", "plain"), resource("plain"))
    second = {"name": "main-2", "namespace": "gateway"}
    one.update_route(lambda spec: spec["parentRefs"].append(second))
    await one.look(tick=True)
    assert filters(one) == []
    one.update_route(lambda spec: spec["parentRefs"].pop())
    await one.look()
    assert filters(one) == [OURS]


async def test_a_parent_that_is_no_gateway_is_not_trusted_with_it(process: Start) -> None:
    one = installed(process, *FEATURES, shadow=MANAGED)
    one.update_route(lambda spec: spec.update(parentRefs=[{"group": "", "kind": "Service", "name": "m"}]))
    await one.look(tick=True)
    assert filters(one) == []
    assert "of Service m nothing is known" in one.condition("ShadowAvailable")["message"]


async def test_a_second_mirror_is_put_beside_another_only_where_the_gateway_takes_several(
    process: Start,
) -> None:
    foreign = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "other", "port": 80}}}
    several = "HTTPRouteRequestMultipleMirrors"
    for features, wanted in ((FEATURES, [foreign]), ((*FEATURES, several), [foreign, OURS])):
        one = installed(process, *features, shadow=MANAGED)
        one.update_route(lambda spec: spec["rules"][0].update(filters=[foreign]))
        await one.look(tick=True)
        assert filters(one) == wanted


async def test_a_gateway_that_knows_no_share_mirrors_all_and_the_server_samples(process: Start) -> None:
    one = installed(process, FEATURES[0], shadow=MANAGED)
    await one.look(tick=True)
    await one.tick(2)
    assert filters(one) == [{**OURS, "requestMirror": {"backendRef": {"name": "shadow", "port": 8080}}}]
    assert "the shadow server is to sample 0.1" in one.condition("ShadowAvailable")["message"]


async def test_a_gateway_that_can_no_more_has_it_taken_out_within_an_hour(process: Start) -> None:
    one = await mirrored(process)
    one.api.put(CLASS, resource("mirroring"))
    await one.tick(seconds=3700.0)
    assert filters(one) == []


@pytest.mark.parametrize("path", [GATEWAY, SERVICE])
async def test_what_the_api_server_does_not_show_costs_served_traffic_nothing(
    process: Start, path: str
) -> None:
    one = installed(process, *FEATURES, shadow=MANAGED)
    one.api.fail("get", path, APIError(500, "etcd is slow"))
    await one.look(tick=True)
    assert one.status["phase"] == "Pending"
    assert filters(one) == ([] if path == GATEWAY else [OURS])
    await one.tick(3)
    assert filters(one) == [OURS]
    assert ready(one)[0] == "True"
