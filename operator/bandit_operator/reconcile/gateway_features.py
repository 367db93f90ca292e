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

from bandit_operator.adapters.kubernetes import KubernetesAPI
from bandit_operator.errors import APIError, APIUnreachable
from bandit_operator.reconcile.gateways import path_of
from bandit_operator.routers import GATEWAY_API, GATEWAY_API_VERSION
from bandit_operator.routers.parents import gateways_of, is_gateway


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
    others = [ref for ref in route["spec"].get("parentRefs") or () if not is_gateway(ref)]
    if others:
        return Features(unknown=f"of {others[0].get('kind')} {others[0]['name']} nothing is known")
    for gateway in gateways_of(route):
        try:
            name = str((await api.get(path_of(gateway)))["spec"]["gatewayClassName"])
            if name not in found:
                listed = await api.get(f"/apis/{GATEWAY_API}/{GATEWAY_API_VERSION}/gatewayclasses/{name}")
                found[name] = frozenset(_names(listed))
        except (APIError, APIUnreachable) as error:
            return Features(unknown=f"{gateway} or its class cannot be read: {error}")
    if not found:
        return Features(unknown="the route has no parent")
    classes = " and ".join(f"GatewayClass {name}" for name in sorted(found))
    return Features(frozenset.intersection(*found.values()), classes)


def _names(gateway_class: Mapping[str, Any]) -> Iterator[str]:
    """As objects with a name; the Gateway API up to 1.2 had the names alone."""
    for one in (gateway_class.get("status") or {}).get("supportedFeatures") or ():
        yield str(one["name"] if isinstance(one, Mapping) else one)
