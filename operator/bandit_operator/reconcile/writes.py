"""The writes of routes and replicas to the API server.

Each is narrow and guarded, and may be repeated: it changes numbers of objects that
belong to the user, provided that they still are what they were when they were looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bandit_operator.adapters.kubernetes import KubernetesAPI, resource_path
from bandit_operator.adapters.objects import JSON_PATCH, Object
from bandit_operator.core.outcomes import Scaled
from bandit_operator.reconcile import generated
from bandit_operator.reconcile.generated import Wanted
from bandit_operator.reconcile.placement import Placement
from bandit_operator.routers import Router


async def make_route(api: KubernetesAPI, placement: Placement, weights: Mapping[str, int]) -> Object:
    """Create the route of a template, with the weights of the arms.

    Raises:
        Conflict: There is one of that name by now; nothing was written.
        APIError, APIUnreachable, NotLeading: As ``KubernetesAPI.create``.
    """
    collection = _path(placement).rpartition("/")[0]
    return await api.create(collection, generated.with_weights(placement.route, placement.located, weights))


async def set_template(api: KubernetesAPI, placement: Placement, wanted: Wanted) -> Object:
    """Patch what a generated route lacks of its template; gives the route as it is now.

    Raises:
        Conflict: The route has changed since it was looked at; nothing was written.
        APIError, APIUnreachable, NotLeading: As ``KubernetesAPI.patch``.
    """
    return await api.patch(_path(placement), list(wanted.operations), JSON_PATCH)


async def set_weights(
    api: KubernetesAPI, placement: Placement, weights: Mapping[str, int], other_weights: Mapping[int, int]
) -> Object | None:
    """Patch the weights into the route.

    Args:
        api: The API server.
        placement: The route as it was looked at.
        weights: Of the arms.
        other_weights: Of the other backends of the rule, by their index: what they have, or a multiple.

    Returns:
        The route as it is now, or None where it carries the weights already.

    Raises:
        Conflict: The route has changed since it was looked at; nothing was written.
        APIError, APIUnreachable, NotLeading: As ``KubernetesAPI.patch``.
    """
    operations = placement.router.patch(placement.route, placement.located, weights, other_weights)
    return await api.patch(_path(placement), operations, JSON_PATCH) if operations else None


async def set_mirror(
    api: KubernetesAPI, router: Router, route: Mapping[str, Any], operations: list[Object]
) -> Object:
    """Patch a filter of the route's rule; gives the route as it is now.

    Raises:
        Conflict: The route has changed since it was looked at; nothing was written.
        APIError, APIUnreachable, NotLeading: As ``KubernetesAPI.patch``.
    """
    return await api.patch(_route_path(router, route), operations, JSON_PATCH)


def _path(placement: Placement) -> str:
    return _route_path(placement.router, placement.route)


def _route_path(router: Router, route: Mapping[str, Any]) -> str:
    metadata = route["metadata"]
    return resource_path(router.group, router.version, router.plural, metadata["namespace"], metadata["name"])


async def set_replicas(api: KubernetesAPI, path: str, scale: Scaled) -> None:
    """Set an arm's replicas through ``/scale``, unless another writer has set them meanwhile.

    Raises:
        Conflict: The replicas are no longer what they were; nothing was written.
        APIError, APIUnreachable, NotLeading: As ``KubernetesAPI.patch``.
    """
    # The API server leaves out `replicas` where they are 0 (autoscaling/v1, ScaleSpec: omitempty),
    # so that of such an object it is tested that its spec is empty; "add" sets what is there, too.
    unchanged = (
        {"op": "test", "path": "/spec", "value": {}}
        if scale.expected == 0
        else {"op": "test", "path": "/spec/replicas", "value": scale.expected}
    )
    operations = [unchanged, {"op": "add", "path": "/spec/replicas", "value": scale.replicas}]
    await api.patch(f"{path}/scale", operations, JSON_PATCH)
