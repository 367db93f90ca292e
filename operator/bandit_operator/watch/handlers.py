"""What is watched, and what follows from a change: the cache is kept, and whoever is concerned woken.

kopf is used as a watcher only: ``on.event`` adds no finalizer and no annotation, so nothing
of the user's objects is written by watching them, and deleting a resource never waits for
the operator.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator
from typing import Any

import kopf

from bandit_operator.api.kind import GROUP, KIND, PLURAL, VERSION
from bandit_operator.api.references import Key
from bandit_operator.routers import GATEWAY_API, GATEWAY_API_VERSION, ROUTERS, parents
from bandit_operator.runtime.shards import Shards
from bandit_operator.watch.cache import Cache, key_of
from bandit_operator.watch.scale_targets import TARGET_KINDS


class _Endless(Collection[float]):
    """Back-offs that never run out: an API server that is away for an hour is waited for."""

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((1.0, 2.0, 4.0, 8.0), itertools.repeat(10.0))

    def __len__(self) -> int:
        return 2**31

    def __contains__(self, value: object) -> bool:
        return value in (1.0, 2.0, 4.0, 8.0, 10.0)


class _NoDiffs(kopf.AnnotationsDiffBaseStorage):
    """kopf keeps a copy of every object to compute what changed; nobody asks for it here."""

    def build(self, *, body: Any, extra_fields: Any = None) -> Any:  # noqa: ARG002 - kopf's signature
        return {}


def watch_settings(*, scanning: bool) -> kopf.OperatorSettings:
    """Kopf's settings for watching only, on a connection that may be lost at any time.

    Args:
        scanning: Whether kinds and namespaces that come and go are watched, so that a kind which is missing
            at the start is found; without the right to do so, kopf would ask for ever and watch nothing.
    """
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = not scanning
    settings.persistence.finalizer = f"{GROUP}/none"  # removed where an object has it, never added
    settings.persistence.diffbase_storage = _NoDiffs()
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    settings.networking.connect_timeout = 5
    settings.networking.request_timeout = 30
    settings.networking.error_backoffs = _Endless()
    return settings


def registry(cache: Cache, shards: Shards) -> kopf.OperatorRegistry:
    """The handlers of all watched kinds."""
    handlers = kopf.OperatorRegistry()
    kopf.on.login(registry=handlers)(_login)

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=handlers)
    async def resource_changed(type: str | None, body: kopf.Body, **_: Any) -> None:
        key, raw = _seen(cache, KIND, body)
        if type == "DELETED":
            _wake(shards, cache.drop(KIND, key))
            return
        known = cache.resources.get(key)
        if cache.put_resource(raw) and (known is None or is_news(known, cache.resources[key])):
            shards.start(key)

    @kopf.on.event("discovery.k8s.io", "v1", "endpointslices", registry=handlers)
    async def endpoints_changed(type: str | None, body: kopf.Body, **_: Any) -> None:
        key, raw = _seen(cache, "EndpointSlice", body)
        if type == "DELETED":
            _wake(shards, cache.drop("EndpointSlice", key))
            return
        for service in cache.endpoints.put(raw):
            _wake(shards, cache.affected_by_endpoints(service))

    def watch(kind: str, put: Put, affected: Affected) -> Callable[..., Any]:
        """A handler that keeps objects of a kind, and wakes whoever is affected by one that is news."""

        async def changed(type: str | None, body: kopf.Body, **_: Any) -> None:
            key, raw = _seen(cache, kind, body)
            if type == "DELETED":
                _wake(shards, cache.drop(kind, key))
            elif put(kind, raw):
                _wake(shards, affected(kind, raw))

        return changed

    kopf.on.event("", "v1", "services", registry=handlers, id="services_changed")(
        watch("Service", cache.put_service, cache.affected_by_service)
    )
    kopf.on.event(
        GATEWAY_API, GATEWAY_API_VERSION, parents.PLURAL, registry=handlers, id=f"{parents.PLURAL}_changed"
    )(watch(parents.KIND, cache.gateways.put, cache.affected_by_gateway))
    for router in ROUTERS.values():
        kopf.on.event(
            router.group, router.version, router.plural, registry=handlers, id=f"{router.plural}_changed"
        )(watch(router.kind, cache.put_route, cache.affected_by_route))
    for group, version, plural, kind in TARGET_KINDS:
        kopf.on.event(group, version, plural, registry=handlers, id=f"{plural}_changed")(
            watch(kind, cache.put_target, cache.affected_by_target)
        )
    return handlers


Put = Callable[[str, dict[str, Any]], bool]
"""Keep an object of a kind; False where it is no news."""
Affected = Callable[[str, dict[str, Any]], Collection[Key]]
"""The resources that must be looked at for an object of a kind."""


def _login(**arguments: Any) -> kopf.ConnectionInfo | None:
    """The Pod's ServiceAccount, or outside a cluster the kubeconfig in use; asked again after a 401."""
    return kopf.login_with_service_account(**arguments) or kopf.login_with_kubeconfig(**arguments)


def _seen(cache: Cache, kind: str, body: kopf.Body) -> tuple[Key, dict[str, Any]]:
    raw = dict(body)
    key = key_of(raw)
    cache.versions[(kind, *key)] = int(raw["metadata"]["resourceVersion"])
    return key, raw


def is_news(before: Any, after: Any) -> bool:
    """Whether more than the status of a resource has changed: our own writes come back as events.

    Args:
        before: the resource as the cache had it.
        after: as it keeps it now.
    """
    fields = ("uid", "generation", "deletionTimestamp", "annotations")
    return any(before["metadata"].get(field) != after["metadata"].get(field) for field in fields)


def _wake(shards: Shards, keys: Collection[Key]) -> None:
    for key in keys:
        shards.wake(key)
