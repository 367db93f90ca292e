"""What a mirror is planned from: what the route says of it, what gateways can do, whether a server is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache

from bandit_operator.adapters.kubernetes import KubernetesAPI
from bandit_operator.api.references import UNREADABLE
from bandit_operator.api.shadow import Mirror
from bandit_operator.errors import APIError, APIUnreachable
from bandit_operator.reconcile.gateway_features import Features, features_of
from bandit_operator.reconcile.mirror_sync import MirrorFacts, target_of
from bandit_operator.reconcile.ownership import is_older
from bandit_operator.reconcile.placement import Locator, Placement
from bandit_operator.reconcile.tracked import Tracked
from bandit_operator.routers import mirrored_for
from bandit_operator.routers.mirror import MirrorTarget
from bandit_operator.watch.cache import Cache

KNOWN_SECONDS = 3600.0
"""After this long gateways are asked again for what they can do."""
UNKNOWN_SECONDS = 60.0
"""The same where that could not be read."""
MOST_RESOURCES = 1024
"""Resources of whose gateways it is remembered."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the gateways of a spec's route said, and until when that counts, monotonic."""

    generation: int
    parents: Any
    features: Features
    until: float


class MirrorReader:
    """Reads what the plan of a mirror stands on; nothing is decided and nothing written."""

    def __init__(self, api: KubernetesAPI, cache: Cache, locator: Locator) -> None:
        self._api = api
        self._cache = cache
        self._locator = locator
        self._asked: LRUCache[str, _Asked] = LRUCache(MOST_RESOURCES)

    async def read(
        self, tracked: Tracked, body: Mapping[str, Any], placement: Placement, monotonic: float
    ) -> MirrorFacts:
        """Look at the route, the gateways and the shadow server; ``monotonic`` in seconds of that clock."""
        said = mirrored_for.mirrored_for(placement.route).get(tracked.resource.metadata.name)
        known = (*tracked.committed.mirrors, *([said.target] if said else []))
        target = target_of(tracked.resource)
        if target is None:
            return MirrorFacts(known)
        return MirrorFacts(
            known,
            features=await self._features(tracked, placement, monotonic),
            exists=await self._exists(target),
            shared_with=older_mirror(body, self._cache.resources.values()),
        )

    async def _exists(self, target: MirrorTarget) -> bool:
        """Whether the Service is there; one that may not be read is the gateway's to resolve."""
        try:
            return await self._locator.backends.exists(target.backend)
        except (APIError, APIUnreachable):
            return True

    async def _features(self, tracked: Tracked, placement: Placement, monotonic: float) -> Features:
        """What the route's gateways can do; asked once an hour, and when the spec changes."""
        parents, uid = placement.route["spec"].get("parentRefs"), tracked.experiment.uid
        asked = self._asked.get(uid)
        about = (tracked.generation, parents)
        if asked is not None and (asked.generation, asked.parents) == about and monotonic < asked.until:
            return asked.features
        features = await features_of(self._api, placement.route)
        kept = KNOWN_SECONDS if features.unknown is None else UNKNOWN_SECONDS
        self._asked[uid] = _Asked(*about, features, monotonic + kept)
        return features


def older_mirror(mine: Mapping[str, Any], bodies: Iterable[Mapping[str, Any]]) -> str | None:
    """An older resource that mirrors to the same Service, as NAMESPACE/NAME; None where there is none."""
    wanted = _target_in(mine)
    others = (one for one in bodies if wanted is not None and _target_in(one) == wanted)
    older = (one["metadata"] for one in others if is_older(one, mine))
    return next((f"{one['namespace']}/{one['name']}" for one in older), None)


def _target_in(body: Mapping[str, Any]) -> tuple[str, str, Any] | None:
    """Of a resource as the API server sent it."""
    try:
        shadow = body["spec"].get("shadow") or {}
        ref = shadow.get("backendRef") or {}
        if shadow.get("mirror") != Mirror.MANAGED:
            return None
        return ref.get("namespace") or body["metadata"]["namespace"], ref["name"], ref.get("port")
    except UNREADABLE:
        return None
