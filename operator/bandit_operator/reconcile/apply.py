"""Act: bring route and replicas to what the status says is intended.

Every write is narrow and guarded, and may be repeated: it changes numbers of objects that
belong to the user, provided that they still are what they were when they were looked at.
"""

from __future__ import annotations

from collections.abc import Mapping

from bandit_operator.adapters.kubernetes import JSON_PATCH, KubernetesAPI, Object, resource_path
from bandit_operator.core.outcomes import Scaled
from bandit_operator.reconcile.observe import Placement


async def set_weights(api: KubernetesAPI, placement: Placement, weights: Mapping[str, int]) -> Object | None:
    """Patch the weights into the route.

    Returns:
        The route as it is now, or None where it carries the weights already.

    Raises:
        Conflict: The route has changed since it was looked at; nothing was written.
        APIError, APIUnreachable, NotLeading: As ``KubernetesAPI.patch``.
    """
    router = placement.router
    operations = router.patch(placement.route, placement.located, weights)
    if not operations:
        return None
    metadata = placement.route["metadata"]
    path = resource_path(router.group, router.version, router.plural, metadata["namespace"], metadata["name"])
    return await api.patch(path, operations, JSON_PATCH)


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
