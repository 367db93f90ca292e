"""What the cluster shows of the arms' backends: whether they are there, and how much of them is ready.

The watches bring it. What they have not brought yet is asked for once. What they never bring, because the
operator does not watch its namespace, is asked for at each look.
"""

from __future__ import annotations

from dataclasses import dataclass

from bandit_operator.adapters.kubernetes import KubernetesAPI, resource_path
from bandit_operator.core.model import Backend, Problem
from bandit_operator.errors import APIError, APIUnreachable, NotFound
from bandit_operator.reconcile import problems
from bandit_operator.watch.cache import Cache


@dataclass(frozen=True, slots=True)
class BackendSeen:
    """What was seen of one arm's backend."""

    exists: bool
    """Whether it is there; also where that is not known."""
    ready_endpoints: int | None
    """Endpoints that are ready at the route's port; None where none can be known."""
    refused: Problem | None = None
    """Why it could not be read."""


def has_endpoints(cache: Cache, backend: Backend) -> bool:
    """Whether a backend is of a kind of which it is known how many endpoints are ready."""
    external = cache.is_external((backend.namespace, backend.name))
    return not backend.group and backend.kind == "Service" and not external


class Backends:
    """Reads the cache, and the API server for what it lacks."""

    def __init__(self, cache: Cache, api: KubernetesAPI) -> None:
        self._cache = cache
        self._api = api

    async def look(self, arm: str, backend: Backend, port: int | None) -> BackendSeen:
        """See whether an arm's backend is there and ready at a port of its Service.

        What the API server does not show, or does not answer, is one arm's trouble: the others go on.
        """
        try:
            exists = await self.exists(backend)
            return BackendSeen(exists, await self._ready_endpoints(backend, port) if exists else None)
        except (APIError, APIUnreachable) as error:
            return BackendSeen(True, None, problems.backend_unseen(arm, backend, error))

    async def exists(self, backend: Backend) -> bool:
        """Whether a Service is there; of other kinds it is not known, and they count as there.

        Raises:
            APIError, APIUnreachable: As ``KubernetesAPI.get``.
        """
        key = (backend.namespace, backend.name)
        if backend.group or backend.kind != "Service":
            return True  # other kinds are the gateway's to resolve
        if key in self._cache.services and self._cache.is_watched(backend.namespace):
            return True
        try:
            body = await self._api.get(resource_path("", "v1", "services", *key))
        except NotFound:
            self._cache.drop("Service", key)
            return False
        self._cache.put_service(backend.kind, body)
        return True

    async def _ready_endpoints(self, backend: Backend, port: int | None) -> int | None:
        service = (backend.namespace, backend.name)
        if not has_endpoints(self._cache, backend):
            return None  # none can be watched
        watched = self._cache.is_watched(backend.namespace)
        if not watched or self._cache.endpoints.ready(service) is None:
            path = resource_path("discovery.k8s.io", "v1", "endpointslices", backend.namespace)
            selector = {"labelSelector": f"kubernetes.io/service-name={backend.name}"}
            listed = (await self._api.get(path, query=selector)).get("items") or ()
            self._cache.endpoints.put_listed(service, listed, anew=not watched)
        return self._cache.ready_endpoints(service, port)
