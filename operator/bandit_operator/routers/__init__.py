"""Routers: how each kind of route carries weights.

A router is pure. It reads a route as the API server returned it and says which backend
belongs to which arm, what the weights are, and which JSON Patch changes them and nothing
else. To add one: a file here, and a line in ``ROUTERS``; CONTRIBUTING.md has the whole list.
"""

from __future__ import annotations

from bandit_operator.routers.base import Located, Router, RouteReference
from bandit_operator.routers.gateway_api import GatewayAPIRoute

ROUTERS: dict[tuple[str, str], Router] = {
    ("gateway.networking.k8s.io", "GRPCRoute"): GatewayAPIRoute(kind="GRPCRoute", plural="grpcroutes"),
    ("gateway.networking.k8s.io", "HTTPRoute"): GatewayAPIRoute(
        kind="HTTPRoute",
        plural="httproutes",
        verbs=("get", "list", "watch", "patch", "create"),  # created for spec.traffic.routeTemplate
    ),
}
"""By API group and kind, sorted."""

__all__ = ["ROUTERS", "Located", "RouteReference", "Router"]
