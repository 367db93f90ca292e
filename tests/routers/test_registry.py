"""What the rest goes by is what a router declares of itself."""

from __future__ import annotations

from dataclasses import dataclass

from bandit_operator.api.crd import schema
from bandit_operator.api.traffic import kind_rules
from bandit_operator.routers import ROUTERS
from bandit_operator.routers.gateway_api import GatewayAPIRoute


def test_the_registry_is_sorted_and_keyed_by_what_each_router_declares() -> None:
    assert list(ROUTERS) == sorted(ROUTERS)
    assert list(ROUTERS) == [(router.group, router.kind) for router in ROUTERS.values()]


def test_the_api_takes_the_groups_and_kinds_of_all_routers_and_no_others() -> None:
    ref = schema()["properties"]["spec"]["properties"]["traffic"]["properties"]["routeRef"]["properties"]
    assert set(ref["group"]["enum"]) == {group for group, _ in ROUTERS}
    assert set(ref["kind"]["enum"]) == {kind for _, kind in ROUTERS}


ONE_GROUP = {key: router for key, router in ROUTERS.items() if key[0] == "gateway.networking.k8s.io"}


@dataclass(frozen=True)
class Ref:
    """As much of a routeRef as the rules look at."""

    group: str
    kind: str


def test_a_kind_goes_only_with_the_group_that_has_it() -> None:
    other = GatewayAPIRoute(group="traefik.io", kind="TraefikService", plural="traefikservices")
    [gateway, traefik] = kind_rules({**ONE_GROUP, (other.group, other.kind): other})
    assert gateway.holds is not None
    assert traefik.holds is not None
    good, bad = Ref("traefik.io", "TraefikService"), Ref("traefik.io", "HTTPRoute")
    assert gateway.holds(good)
    assert traefik.holds(good)
    assert gateway.holds(bad)
    assert not traefik.holds(bad)
    assert traefik.rule == "self.group != 'traefik.io' || self.kind in ['TraefikService']"


def test_one_group_needs_no_such_rule() -> None:
    assert list(kind_rules(ONE_GROUP)) == []
