"""Act: bring route and replicas to what the status says is intended.

Every write is narrow and guarded, and may be repeated: it changes numbers of objects that
belong to the user, provided that they still are what they were when they were looked at.
"""

from __future__ import annotations

from collections.abc import Mapping

from bandit_operator.adapters.kubernetes import JSON_PATCH, KubernetesAPI, Object, resource_path
from bandit_operator.core.model import Scale
from bandit_operator.reconcile.observe import Placement

CONTEST_SECONDS = 600.0
"""Changes by others within this time count as one contest."""
CONTEST_PATIENCE = 5
"""So many changes are put back at once; after that at growing distances."""
CONTEST_LONGEST = 300.0
"""Longest distance between two times that the weights are put back."""


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


async def set_replicas(api: KubernetesAPI, path: str, scale: Scale) -> None:
    """Set an arm's replicas through ``/scale``, unless somebody else has set them meanwhile.

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


def is_contested(changed_at: tuple[float, ...], now: float) -> bool:
    """Whether somebody else keeps changing the weights; times by one clock, seconds."""
    return len(recent(changed_at, now)) > CONTEST_PATIENCE


def recent(changed_at: tuple[float, ...], now: float) -> tuple[float, ...]:
    """The changes that belong to the contest that is going on now."""
    return tuple(moment for moment in changed_at if now - moment < CONTEST_SECONDS)


def may_put_back(changed_at: tuple[float, ...], put_back_at: float, now: float) -> bool:
    """Whether weights that somebody else changed are put back now.

    At once, normally. In a contest the distance doubles with every further change, so that
    two controllers that disagree do not flood the API server and the gateway.
    """
    return now >= put_back_at + put_back_distance(changed_at, now)


def put_back_distance(changed_at: tuple[float, ...], now: float) -> float:
    """Seconds between two times that the weights are put back."""
    excess = len(recent(changed_at, now)) - CONTEST_PATIENCE
    return 0.0 if excess <= 0 else min(5.0 * 2**excess, CONTEST_LONGEST)
