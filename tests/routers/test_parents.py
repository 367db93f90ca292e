"""Which Gateways a route asks for, and which of them carry it."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.routers.parents import GatewayReference, carriers_of, gateways_of

MAIN = {"name": "main"}
EDGE = {"name": "edge", "namespace": "infra", "sectionName": "https"}


def route(*refs: dict[str, Any], said: tuple[tuple[dict[str, Any], str], ...] = ()) -> dict[str, Any]:
    parents = [
        {"parentRef": ref, "conditions": [{"type": "Accepted", "status": status}]} for ref, status in said
    ]
    metadata = {"name": "r", "namespace": "models"}
    return {"metadata": metadata, "spec": {"parentRefs": list(refs)}, "status": {"parents": parents}}


def test_a_gateway_is_in_the_route_s_namespace_unless_another_is_named() -> None:
    asked = gateways_of(route(MAIN, EDGE))
    assert asked == (GatewayReference("models", "main"), GatewayReference("infra", "edge", "https"))
    assert str(asked[1]) == "Gateway infra/edge"


@pytest.mark.parametrize(
    "other", [{"group": "", "kind": "Service", "name": "m"}, {"kind": "ListenerSet", "name": "m"}]
)
def test_parents_of_other_kinds_are_no_gateways(other: dict[str, Any]) -> None:
    assert gateways_of(route(other)) == ()


def test_only_such_carry_it_as_accept_it_and_are_asked_for() -> None:
    gone = {"name": "gone"}
    said = ((MAIN, "False"), (EDGE, "True"), (gone, "True"))
    assert carriers_of(route(MAIN, EDGE, said=said)) == (GatewayReference("infra", "edge", "https"),)


def test_a_route_without_parents_asks_for_none() -> None:
    assert gateways_of({"metadata": {"namespace": "models"}, "spec": {}}) == ()
