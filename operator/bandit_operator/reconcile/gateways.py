"""Whether the Gateways that accept a route carry it, as far as they are watched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bandit_operator.adapters.kubernetes import KubernetesAPI, resource_path
from bandit_operator.errors import APIError, APIUnreachable, NotFound
from bandit_operator.routers import GATEWAY_API, GATEWAY_API_VERSION
from bandit_operator.routers.parents import KIND, PLURAL, GatewayReference, carriers_of
from bandit_operator.watch.cache import Cache


def path_of(gateway: GatewayReference) -> str:
    """Its path in the API."""
    return resource_path(GATEWAY_API, GATEWAY_API_VERSION, PLURAL, gateway.namespace, gateway.name)


async def unprogrammed(cache: Cache, api: KubernetesAPI, route: Mapping[str, Any]) -> str | None:
    """What is wrong with the Gateways that accept a route, in words; None where nothing is known to be.

    Of one in a namespace that is not watched nothing is.
    """
    faults = [await _fault(cache, api, one) for one in carriers_of(route) if cache.is_watched(one.namespace)]
    return "; ".join(dict.fromkeys(one for one in faults if one is not None)) or None


def unseen(cache: Cache, route: Mapping[str, Any]) -> str | None:
    """Of which Gateways that accept a route it is not known whether they carry it, in words."""
    carriers = carriers_of(route)
    unwatched = [str(one) for one in carriers if not cache.is_watched(one.namespace)]
    unread = [
        str(one) for one in carriers if cache.is_watched(one.namespace) and not cache.gateways.knows(one)
    ]
    words = [
        unwatched and f"{', '.join(dict.fromkeys(unwatched))}, of a namespace that is not watched",
        unread and f"{', '.join(dict.fromkeys(unread))}, which the API server does not show",
    ]
    said = " and ".join(one for one in words if one)
    return f"it is not known whether it is carried by {said}" if said else None


async def _fault(cache: Cache, api: KubernetesAPI, gateway: GatewayReference) -> str | None:
    if not cache.gateways.knows(gateway):
        try:
            body = await api.get(path_of(gateway))
        except NotFound:
            return f"there is no {gateway} any more; create it, or take it out of the route's parentRefs"
        except (APIError, APIUnreachable):
            return None  # not known, and no reason to leave the arms unattended
        cache.gateways.put(KIND, body)
    return cache.gateways.fault(gateway)
