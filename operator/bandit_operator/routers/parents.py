"""Which Gateways a route asks to be carried by.

Reference: Gateway API, ParentReference and RouteParentStatus. Parents of other kinds, such as a Service of a
mesh, say nothing that is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bandit_operator.routers.base import GATEWAY_API

KIND, PLURAL = "Gateway", "gateways"


@dataclass(frozen=True, slots=True)
class GatewayReference:
    """A Gateway, and the name of the one of its listeners that is asked for, or None for any."""

    namespace: str
    name: str
    listener: str | None = None

    def __str__(self) -> str:
        return f"{KIND} {self.namespace}/{self.name}"


def is_gateway(ref: Mapping[str, Any]) -> bool:
    """Whether a parentRef names a Gateway."""
    return (ref.get("group") or GATEWAY_API, ref.get("kind") or KIND) == (GATEWAY_API, KIND)


def gateways_of(route: Mapping[str, Any]) -> tuple[GatewayReference, ...]:
    """The Gateways among a route's parents, in its order."""
    refs = route["spec"].get("parentRefs") or ()
    return tuple(_gateway(route, ref) for ref in refs if is_gateway(ref))


def carriers_of(route: Mapping[str, Any]) -> tuple[GatewayReference, ...]:
    """Those of them that accept the route at some generation: whoever never had it carries none of it."""
    accepting = {
        _gateway(route, parent.get("parentRef") or {})
        for parent in (route.get("status") or {}).get("parents") or ()
        for one in parent.get("conditions") or ()
        if (one.get("type"), one.get("status")) == ("Accepted", "True")
    }
    return tuple(one for one in gateways_of(route) if one in accepting)


def _gateway(route: Mapping[str, Any], ref: Mapping[str, Any]) -> GatewayReference:
    namespace = str(ref.get("namespace") or route["metadata"]["namespace"])
    return GatewayReference(namespace, str(ref.get("name")), ref.get("sectionName"))
