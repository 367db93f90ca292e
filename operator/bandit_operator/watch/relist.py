"""A look past the watches, now and then: what they cannot tell, and whether they still live.

An object that is deleted while a watch is broken never gets a DELETED event, and a watch can
die without an error. Listing names and versions shows both, at the cost of one request a kind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from bandit_operator.adapters.kubernetes import METADATA_LIST, KubernetesAPI, resource_path
from bandit_operator.api.kind import GROUP, KIND, PLURAL, VERSION
from bandit_operator.api.references import Key, KindKey
from bandit_operator.errors import APIError, NotFound, OperatorError
from bandit_operator.routers import GATEWAY_API, GATEWAY_API_VERSION, ROUTERS, parents
from bandit_operator.watch.cache import Cache
from bandit_operator.watch.scale_targets import TARGET_KINDS

log = structlog.get_logger()
Versions = dict[KindKey, int]
"""Newest version of each object that is known."""

FIRST_SECONDS = 20.0
EVERY_SECONDS = 300.0
WATCH_MAY_LAG_SECONDS = 30.0
"""A watch that is behind a list and brings nothing for so long is dead."""
WATCH_MAY_LAG_AT_MOST_SECONDS = 300.0
"""One that is this far behind is dead although it brings other objects: it has lost some."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One watched kind."""

    group: str
    version: str
    plural: str
    kind: str


WATCHED = (
    Watched(GROUP, VERSION, PLURAL, KIND),
    Watched("", "v1", "services", "Service"),
    Watched("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
    Watched(GATEWAY_API, GATEWAY_API_VERSION, parents.PLURAL, parents.KIND),
    *(Watched(router.group, router.version, router.plural, router.kind) for router in ROUTERS.values()),
    *(Watched(*target) for target in TARGET_KINDS),
)


class Relister:
    """Compares lists with the cache, and wakes the resources that what is gone concerns."""

    def __init__(
        self, api: KubernetesAPI, cache: Cache, wake: Callable[[Key], None], namespaces: tuple[str, ...]
    ) -> None:
        self._api = api
        self._cache = cache
        self._wake = wake
        self._namespaces = namespaces or (None,)
        self.dead_watch: str | None = None
        """Kind whose watch has stopped bringing changes, or None."""
        self._refused: dict[str, str] = {}

    @property
    def refused(self) -> str | None:
        """The API server's words where it refuses to list a kind, as for want of a right, or None."""
        return "; ".join(f"{kind}: {words}" for kind, words in sorted(self._refused.items())) or None

    async def run(self) -> None:
        """Compare until cancelled; the first look, soon after the start, shows missing rights."""
        wait = FIRST_SECONDS
        while True:
            await asyncio.sleep(wait)
            wait = EVERY_SECONDS
            for watched in WATCHED:
                try:
                    await self.compare(watched)
                    self._refused.pop(watched.kind, None)
                except APIError as error:
                    self._refused[watched.kind] = str(error)
                    log.warning("list refused", kind=watched.kind, error=str(error))
                except OperatorError as error:
                    log.info("list failed", kind=watched.kind, error=str(error))

    async def compare(self, watched: Watched) -> None:
        """Drop what is gone, and look again at what the watch should have brought."""
        before = {key for key in self._cache.versions if key[0] == watched.kind}
        listed = await self._versions(watched)
        for kind, *rest in before - listed.keys():
            for dependent in self._cache.drop(kind, (rest[0], rest[1])):
                self._wake(dependent)
        missing = await self._never_brought(watched.kind, listed)
        # What was deleted while it was waited for is missing for good.
        if missing and missing & (await self._versions(watched)).keys():
            self.dead_watch = watched.kind
            log.error("dead watch", kind=watched.kind, objects=len(missing))

    async def _never_brought(self, kind: str, listed: Versions) -> set[KindKey]:
        """Objects of which a watch does not bring what a list has, though it had the time to.

        On a machine that is too busy a watch may be late for long, and to start again would make it later.
        """
        behind, waited = self._behind(listed), 0.0
        while behind and waited < WATCH_MAY_LAG_AT_MOST_SECONDS:
            before = self._brought(kind)
            await asyncio.sleep(WATCH_MAY_LAG_SECONDS)
            waited += WATCH_MAY_LAG_SECONDS
            behind = self._behind(behind)
            alive = {self._watch_of(key) for key, _ in before.items() ^ self._brought(kind).items()}
            if not alive.issuperset(map(self._watch_of, behind)):
                break
        return set(behind)

    def _behind(self, listed: Versions) -> Versions:
        return {key: new for key, new in listed.items() if self._cache.versions.get(key, 0) < new}

    def _brought(self, kind: str) -> Versions:
        return {key: version for key, version in self._cache.versions.items() if key[0] == kind}

    def _watch_of(self, key: KindKey) -> str | None:
        """What tells the watch that brings an object from others of its kind: its namespace, or nothing."""
        return None if self._namespaces == (None,) else key[1]

    async def _versions(self, watched: Watched) -> Versions:
        listed: Versions = {}
        for namespace in self._namespaces:
            path = resource_path(watched.group, watched.version, watched.plural, namespace)
            try:
                answer = await self._api.get(path, accept=METADATA_LIST)
            except NotFound:
                continue  # the cluster does not have this kind
            for item in answer.get("items") or []:  # of a kind without objects it is null
                metadata = item["metadata"]
                key = (watched.kind, metadata["namespace"], metadata["name"])
                listed[key] = int(metadata["resourceVersion"])
        return listed
