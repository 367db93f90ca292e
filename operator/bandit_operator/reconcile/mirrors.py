"""Plan the mirror of a resource's requests, write it, and leave nothing of it behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from bandit_operator.adapters.kubernetes import KubernetesAPI
from bandit_operator.api.references import backends_of, route_of
from bandit_operator.core.model import Mode
from bandit_operator.core.quantities import parse_decimal
from bandit_operator.errors import APIError, APIUnreachable, Conflict, NotFound, NotLeading
from bandit_operator.reconcile import apply
from bandit_operator.reconcile.gateway_features import Features, features_of
from bandit_operator.reconcile.mirroring import MirrorPlan, older_mirror, target_of
from bandit_operator.reconcile.placement import Locator, Placement
from bandit_operator.reconcile.tracked import Tracked
from bandit_operator.routers import ROUTERS, Located
from bandit_operator.routers.mirror import MirrorTarget
from bandit_operator.routers.shape import readable
from bandit_operator.runtime.telemetry import Metrics
from bandit_operator.status.shadow import ShadowState
from bandit_operator.watch.cache import Cache

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Mirrors:
    """The filters of the routes' rules that are the operator's."""

    api: KubernetesAPI
    cache: Cache
    locator: Locator
    metrics: Metrics

    async def plan(
        self,
        tracked: Tracked,
        body: Mapping[str, Any],
        placement: Placement,
        *,
        now: float,
        monotonic: float,
    ) -> MirrorPlan:
        """What is to be mirrored now, seconds as in ``MirrorSync``; nothing is written.

        Raises:
            APIUnreachable: As ``KubernetesAPI.get``.
        """
        target = target_of(tracked.resource)
        return tracked.mirror.plan(
            tracked.resource,
            placement,
            tracked.committed.mirrors,
            features=Features() if target is None else await self._features(tracked, placement, monotonic),
            exists=target is None or await self._exists(target),
            shared_with=None if target is None else older_mirror(body, self.cache.resources.values()),
            now=now,
            monotonic=monotonic,
        )

    async def _exists(self, target: MirrorTarget) -> bool:
        """Whether the Service is there; one that may not be read is the gateway's to resolve."""
        try:
            return await self.locator.backend_exists(target.backend)
        except APIError:
            return True

    async def _features(self, tracked: Tracked, placement: Placement, monotonic: float) -> Features:
        """What the route's gateways can do; asked once an hour."""
        parents = placement.route["spec"].get("parentRefs")
        known = tracked.mirror.known_features(parents, monotonic)
        if known is None:
            known = await features_of(self.api, placement.route)
            tracked.mirror.keep_features(parents, known, monotonic)
        return known

    async def bring(self, tracked: Tracked, plan: MirrorPlan, *, now: float, monotonic: float) -> None:
        """Let the rule mirror what was committed; what goes wrong with that is no trouble of the weights.

        Raises:
            Conflict, NotFound: The route has changed since it was looked at; nothing was written.
            APIUnreachable, NotLeading: As ``KubernetesAPI.patch``.
        """
        reference = route_of(tracked.resource)
        router = ROUTERS[reference.group, reference.kind]
        route = self.cache.routes.get((router.kind, reference.namespace, reference.name))
        located = route and router.locate(route, reference.section, backends_of(tracked.resource))
        if route is None or not isinstance(located, Located):
            return
        operations = router.mirror_patch(route, located.rule, plan.wanted, plan.ours)
        if not operations or not tracked.mirror.may_write(monotonic):
            return
        tracked.mirror.began(monotonic)
        try:
            answer = await apply.set_mirror(self.api, router, route, operations)
        except (Conflict, NotFound):
            raise
        except APIError as error:
            self.metrics.writes.labels("route", "refused").inc()
            tracked.mirror.failed(error, now)
            return
        self.cache.put_route(router.kind, answer)
        self.metrics.writes.labels("route", "written").inc()
        tracked.mirror.written(plan, router, readable(answer), located.rule)

    async def leave(self, tracked: Tracked, *, now: float, monotonic: float) -> None:
        """Take out what a resource that is gone had put in, as far as that can be."""
        reference = route_of(tracked.resource)
        router = ROUTERS[reference.group, reference.kind]
        route = self.cache.routes.get((router.kind, reference.namespace, reference.name))
        if route is None or tracked.experiment.mode is not Mode.ACTIVE:
            return
        rules = range(len(route["spec"]["rules"]))
        there = (target for rule in rules for target in router.mirrors(route, rule))
        ours = frozenset(one for one in there if str(one) in tracked.committed.mirrors)
        try:
            await self.bring(tracked, MirrorPlan(None, ours, ()), now=now, monotonic=monotonic)
        except (APIUnreachable, Conflict, NotFound, NotLeading) as error:
            log.warning("mirror left behind", name=tracked.resource.metadata.name, error=str(error))


def shadow_state(tracked: Tracked, plan: MirrorPlan, now: float) -> ShadowState:
    """What is to be said of the shadow; ``now`` in seconds since the Unix epoch."""
    since = tracked.scored_until
    return ShadowState(
        tracked.shadowed,
        since is not None and now - since > tracked.experiment.stale_after,
        plan.trouble,
        _words(tracked, plan),
    )


def _words(tracked: Tracked, plan: MirrorPlan) -> str:
    shadow, target = tracked.resource.spec.shadow, target_of(tracked.resource)
    if shadow is None or target is None or plan.wanted is None or not plan.in_place:
        return ""
    share = parse_decimal(shadow.share)
    if plan.wanted.share is None and share < 1:
        return (
            f"all requests are mirrored to {target}, because its gateway or the Gateway API that is "
            f"installed knows no share of them; the shadow server is to sample {share:.6g}"
        )
    return f"{share:.6g} of the requests are mirrored to {target}"
