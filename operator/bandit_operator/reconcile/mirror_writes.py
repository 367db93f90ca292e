"""Write the mirror of a resource's requests into its route, and leave nothing of it behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from bandit_operator.adapters.kubernetes import KubernetesAPI, resource_path
from bandit_operator.api.kind import GROUP, PLURAL, VERSION
from bandit_operator.api.references import Key, KindKey, backends_of, route_of
from bandit_operator.errors import APIError, Conflict, NotFound
from bandit_operator.reconcile import writes
from bandit_operator.reconcile.mirror_sync import MirrorPlan
from bandit_operator.reconcile.tracked import Tracked
from bandit_operator.routers import Located, Router, mirrored_for, router_of, router_of_kind
from bandit_operator.routers.mirrored_for import MirroredFor
from bandit_operator.routers.shape import readable
from bandit_operator.runtime.telemetry import Metrics
from bandit_operator.watch.cache import Cache

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class MirrorWriter:
    """The filters of the routes' rules that are the operator's."""

    api: KubernetesAPI
    cache: Cache
    metrics: Metrics

    async def bring(self, tracked: Tracked, plan: MirrorPlan, *, now: float, monotonic: float) -> None:
        """Let the rule mirror what was committed, and no route that the resource named before.

        What goes wrong with that is no trouble of the weights.

        Raises:
            Conflict, NotFound: A route has changed since it was looked at; nothing was written.
            APIUnreachable, NotLeading: As ``KubernetesAPI.patch``.
        """
        reference, name = route_of(tracked.resource), tracked.resource.metadata.name
        router = router_of(reference)
        here = (router.kind, reference.namespace, reference.name)
        for route_key in self.cache.mirrored_for((reference.namespace, name)):
            if route_key != here:
                await self._leave_former(name, route_key)
        route = self.cache.routes.get(here)
        said = None if route is None else mirrored_for.mirrored_for(route).get(name)
        if route is None or (plan.wanted is None and not plan.ours and said is None):
            return
        located = router.locate(route, reference.section, backends_of(tracked.resource))
        if not isinstance(located, Located):
            return
        operations = router.mirror_patch(route, located.rule, plan.wanted, plan.ours)
        if said is not None and said.rule != _name_of(route, located.rule):
            operations += _taken_out(router, route, said)
        telling = None
        if plan.wanted is not None:
            target, uid = str(plan.wanted.target), tracked.resource.metadata.uid
            telling = MirroredFor(target, _name_of(route, located.rule), uid)
        annotating = mirrored_for.patch(route, name, telling)
        if not operations and telling is not None and said is None and not tracked.mirror.may_tell():
            return
        if not (operations or annotating) or not tracked.mirror.may_write(monotonic):
            return
        tracked.mirror.began(monotonic)
        try:
            answer = await writes.set_mirror(self.api, router, route, [*annotating, *operations])
        except (Conflict, NotFound):
            raise
        except APIError as error:
            self.metrics.wrote("route", error)
            tracked.mirror.failed(error, now)
            return
        self.cache.put_route(router.kind, answer)
        self.metrics.wrote("route")
        tracked.mirror.written(plan, router, readable(answer), located.rule)

    async def leave(self, key: Key) -> None:
        """Take out what was put in for a resource that is gone, also if it went while no operator ran.

        Raises:
            Conflict, NotFound: A route has changed since it was looked at; nothing was written.
            APIError, APIUnreachable, NotLeading: As ``KubernetesAPI.patch``.
        """
        routes = self.cache.mirrored_for(key)
        if routes and not await self._is_there(key):
            for route in routes:
                await self._leave_route(key[1], route)

    async def _is_there(self, key: Key) -> bool:
        """Whether the resource is there, of which the watch may not have told yet."""
        path = resource_path(GROUP, VERSION, PLURAL, key[0])
        try:
            found = await self.api.get(path, query={"fieldSelector": f"metadata.name={key[1]}"})
        except NotFound:
            return False  # the definition is gone, and all resources with it
        return any("deletionTimestamp" not in one["metadata"] for one in found.get("items") or [])

    async def _leave_former(self, name: str, route_key: KindKey) -> None:
        """Take it out of a route that the resource named before; a refusal there is no trouble here."""
        try:
            await self._leave_route(name, route_key)
        except (Conflict, NotFound):
            raise
        except APIError as error:
            self.metrics.wrote("route", error)
            log.warning("mirror left behind for now", route="/".join(route_key), error=str(error))

    async def _leave_route(self, name: str, route_key: KindKey) -> None:
        """Take out of a route what was put in for the resource of that name, if it is still there."""
        route = self.cache.routes.get(route_key)
        said = route and mirrored_for.mirrored_for(route).get(name)
        if not route or not said:
            return
        router = router_of_kind(route_key[0])
        operations = mirrored_for.patch(route, name, None)
        operations += _taken_out(router, route, said)
        answer = await writes.set_mirror(self.api, router, route, operations)
        self.cache.put_route(router.kind, answer)
        self.metrics.wrote("route")


def _taken_out(router: Router, route: Mapping[str, Any], said: MirroredFor) -> list[dict[str, Any]]:
    """JSON Patch that takes the filter out of the rule that the route says it is in.

    Nothing, where several rules of that name, as of none, mirror to the target: some are the user's.
    """
    there = {
        rule: target
        for rule in range(len(route["spec"]["rules"]))
        for target in router.mirrors(route, rule)
        if str(target) == said.target and _name_of(route, rule) == said.rule
    }
    if len(there) > 1:
        log.warning("mirror left behind", route=route["metadata"]["name"], target=said.target)
        return []
    return [one for rule, target in there.items() for one in router.mirror_patch(route, rule, None, {target})]


def _name_of(route: Mapping[str, Any], rule: int) -> str:
    """A rule's name; empty where it has none."""
    name = route["spec"]["rules"][rule].get("name")
    return name if isinstance(name, str) else ""
