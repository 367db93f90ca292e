"""What the gateways of a route say they can do: a GatewayClass lists it in ``status.supportedFeatures``.

A gateway that does not know a filter may accept the route all the same, and refuse every request of the
rule: Traefik 3.7 answers them with 500. So it is asked for before anything is written, and what a class does
not list counts as not there. Reference: Gateway API, GatewayClassStatus, and the names of features in its
conformance tests (https://gateway-api.sigs.k8s.io/concepts/conformance/).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bandit_operator.adapters.kubernetes import KubernetesAPI, resource_path
from bandit_operator.errors import APIError, APIUnreachable

_GROUP, _VERSION, _GATEWAY = "gateway.networking.k8s.io", "v1", "Gateway"


@dataclass(frozen=True, slots=True)
class Features:
    """Features that all gateways of a route have, or why that cannot be known."""

    names: frozenset[str] = frozenset()
    said_by: str = ""
    """Who says so, in words."""
    unknown: str | None = None
    """Why nothing is known, or None."""


async def features_of(api: KubernetesAPI, route: Mapping[str, Any]) -> Features:
    """Ask for the classes of all gateways that a route names."""
    found: dict[str, frozenset[str]] = {}
    for parent in route["spec"].get("parentRefs") or ():
        if (parent.get("group") or _GROUP, parent.get("kind") or _GATEWAY) != (_GROUP, _GATEWAY):
            return Features(unknown=f"of {parent.get('kind')} {parent['name']} nothing is known")
        namespace = parent.get("namespace") or route["metadata"]["namespace"]
        named = f"Gateway {namespace}/{parent['name']}"
        try:
            path = resource_path(_GROUP, _VERSION, "gateways", namespace, parent["name"])
            name = str((await api.get(path))["spec"]["gatewayClassName"])
            if name not in found:
                listed = await api.get(f"/apis/{_GROUP}/{_VERSION}/gatewayclasses/{name}")
                found[name] = frozenset(_names(listed))
        except (APIError, APIUnreachable) as error:
            return Features(unknown=f"{named} or its class cannot be read: {error}")
    if not found:
        return Features(unknown="the route has no parent")
    classes = " and ".join(f"GatewayClass {name}" for name in sorted(found))
    return Features(frozenset.intersection(*found.values()), classes)


def _names(gateway_class: Mapping[str, Any]) -> Iterator[str]:
    """As objects with a name; the Gateway API up to 1.2 had the names alone."""
    for one in (gateway_class.get("status") or {}).get("supportedFeatures") or ():
        yield str(one["name"] if isinstance(one, Mapping) else one)
