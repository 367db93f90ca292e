"""Routers: how each kind of route carries weights.

A router is pure. It reads a route as the API server returned it and says which backend
belongs to which arm, what the weights are, and which JSON Patch changes them and nothing
else. To add one: a file here, and a line in ``ROUTERS``; CONTRIBUTING.md has the whole list.
"""

from __future__ import annotations

from bandit_operator.routers.base import (
    GATEWAY_API,
    GATEWAY_API_VERSION,
    Located,
    Router,
    RouteReference,
)
from bandit_operator.routers.gateway_api import GatewayAPIRoute

ROUTERS: dict[tuple[str, str], Router] = {
    (router.group, router.kind): router
    for router in (
        GatewayAPIRoute(kind="GRPCRoute", plural="grpcroutes"),
        GatewayAPIRoute(
            kind="HTTPRoute",
            plural="httproutes",
            verbs=("get", "list", "watch", "patch", "create"),  # created for spec.traffic.routeTemplate
        ),
    )
}
"""By API group and kind, sorted."""
_BY_KIND = {router.kind: router for router in ROUTERS.values()}


def router_of(reference: RouteReference) -> Router:
    """The router of the route that is referred to, of which the definition takes known kinds only."""
    return ROUTERS[reference.group, reference.kind]


def router_of_kind(kind: str) -> Router:
    """The router of a kind, of which no two are the same."""
    return _BY_KIND[kind]


__all__ = [
    "GATEWAY_API",
    "GATEWAY_API_VERSION",
    "ROUTERS",
    "Located",
    "RouteReference",
    "Router",
    "router_of",
    "router_of_kind",
]
