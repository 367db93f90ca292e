"""Gather: everything that one decision is made from, read and judged by nobody yet.

On a normal tick this asks the API server nothing, because the watches keep the cache, and
Prometheus one query. What the cache lacks is asked for once before it is called missing:
the lists behind the watches may not have come yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bandit_operator.adapters.kubernetes import KubernetesAPI, resource_path
from bandit_operator.adapters.prometheus import Prometheus
from bandit_operator.api.references import Key, ScaleTargetReference, backends_of, route_of, scale_targets_of
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core import reasons
from bandit_operator.core.model import ArmFacts, Backend, SourceDown, Window
from bandit_operator.errors import NotFound
from bandit_operator.routers import ROUTERS, Located, Problem, Router
from bandit_operator.sources import Sample, source_of
from bandit_operator.sources.promql import raw
from bandit_operator.sources.requests import REQUESTS, request_counters
from bandit_operator.sources.resets import increases
from bandit_operator.sources.window_query import WindowQuery, earlier_values
from bandit_operator.watch.cache import Cache, ScaleTarget, scale_target

WATCHED_TARGETS = {("apps", "Deployment"), ("apps", "StatefulSet")}
"""Scale targets whose state the watches bring; others are read when they are needed."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The route as it is now, and where the arms stand in it."""

    router: Router
    route: Mapping[str, Any]
    located: Located
    arms: Mapping[str, ArmFacts]

    @property
    def accepted(self) -> bool:
        """Whether a gateway has accepted the route as it is."""
        return self.router.accepted(self.route)

    @property
    def generation(self) -> int:
        """Generation of the route."""
        return int(self.route["metadata"]["generation"])


@dataclass(frozen=True, slots=True)
class WindowRead:
    """What one window held: the arms' outcomes, and their requests where those are counted."""

    window: Window
    requests: Mapping[str, float]


class Observer:
    """Reads cache, API server and Prometheus for one resource at a time."""

    def __init__(
        self, cache: Cache, api: KubernetesAPI, prometheus: Prometheus, default_address: str | None
    ) -> None:
        self._cache = cache
        self._api = api
        self._prometheus = prometheus
        self._default_address = default_address

    async def placement(self, resource: BanditDeployment, known: frozenset[str]) -> Placement | Problem:
        """Find route, rule, backends and scale targets.

        ``known`` are arms that have served before: where the Service of such an arm has gone
        it cannot serve, which is no fault of the spec.
        """
        reference = route_of(resource)
        router = ROUTERS[reference.group, reference.kind]
        route = await self._route(router, (reference.namespace, reference.name))
        if route is None:
            return Problem(
                reasons.ROUTE_NOT_FOUND,
                f"spec.traffic.routeRef.name: there is no {reference.kind} "
                f"{reference.namespace}/{reference.name}; create it, or name another",
            )
        backends = backends_of(resource)
        located = router.locate(route, reference.section, backends)
        if isinstance(located, Problem):
            return located
        facts: dict[str, ArmFacts] = {}
        targets = scale_targets_of(resource)
        for arm, backend in backends.items():
            served = await self._backend_exists(backend)
            if not served and arm not in known:
                return Problem(
                    reasons.BACKEND_NOT_FOUND,
                    f"spec.arms: backendRef of arm {arm} names {backend}, which does not exist; create it",
                )
            target = await self._target(arm, targets.get(arm))
            if isinstance(target, Problem):
                if arm not in known:
                    return target
                target, served = None, False
            facts[arm] = ArmFacts(
                weight=located.weights[arm],
                available=served and (target is None or target.available > 0),
                replicas=None if target is None else target.replicas,
                template=None if target is None else target.template,
            )
        return Placement(router, route, located, facts)

    async def rewards(self, resource: BanditDeployment, start: float, end: float) -> WindowRead | SourceDown:
        """Read one window: one query, whatever the number of arms.

        Only windows in which counters were reset or seem to begin, as when Pods start, take more.
        """
        address = resource.spec.reward.prometheus.address or self._default_address
        if address is None:
            return SourceDown(
                reasons.NO_ADDRESS,
                "spec.reward.prometheus.address is not set and the operator has no default; set one of them",
            )
        source = source_of(resource)
        counters = (*source.counters(resource, self._located(resource)), *request_counters(resource))
        question = WindowQuery(counters, source.queries(resource, start, end), start, end)
        answer = await self._prometheus.query(address, question.promql(), at=end)
        if isinstance(answer, SourceDown):
            return answer
        values = {part: dict(by_arm) for part, by_arm in question.values(answer).items()}
        down = await self._correct_resets(address, question, answer, values)
        if down is not None:
            return down
        outcomes = source.outcomes(resource, values)
        return WindowRead(Window(start, end, outcomes), values.get(REQUESTS, {}))

    async def _correct_resets(
        self, address: str, question: WindowQuery, answer: list[Sample], values: dict[str, dict[str, float]]
    ) -> SourceDown | None:
        """Correct the values for series that seem to begin or were reset in the window; None if it could."""
        began, reset = question.seemed_to_begin(answer), question.were_reset(answer)
        before: list[Sample] = []
        if began:
            promql = question.promql_before(began, reset)
            found = await self._prometheus.query(address, promql, at=question.end)
            if isinstance(found, SourceDown):
                return found
            before = found
            for part, by_arm in question.values(before).items():
                for arm in by_arm.keys() & values[part].keys():
                    values[part][arm] -= by_arm[arm]
        for counter in reset:
            samples = raw(counter.selector, question.start, question.end)
            series = await self._prometheus.series(address, samples, at=question.end)
            if isinstance(series, SourceDown):
                return series
            earlier = earlier_values(counter, before)
            for arm, grown in increases(counter, series, question.start, earlier).items():
                values[counter.part][arm] = values[counter.part].get(arm, 0.0) + grown
        return None

    def _located(self, resource: BanditDeployment) -> Located | None:
        """Where the arms stand in the route, as far as the cache knows."""
        reference = route_of(resource)
        router = ROUTERS[reference.group, reference.kind]
        route = self._cache.routes.get((router.kind, reference.namespace, reference.name))
        if route is None:
            return None
        found = router.locate(route, reference.section, backends_of(resource))
        return None if isinstance(found, Problem) else found

    async def _route(self, router: Router, key: Key) -> Mapping[str, Any] | None:
        route = self._cache.routes.get((router.kind, *key))
        if route is None:
            path = resource_path(router.group, router.version, router.plural, *key)
            try:
                route = await self._api.get(path)
            except NotFound:
                return None
            self._cache.put_route(router.kind, route)
        return route

    async def _backend_exists(self, backend: Backend) -> bool:
        key = (backend.namespace, backend.name)
        if backend.group or backend.kind != "Service" or key in self._cache.services:
            return True  # other kinds are the gateway's to resolve
        try:
            await self._api.get(resource_path("", "v1", "services", *key))
        except NotFound:
            return False
        self._cache.services.add(key)
        return True

    async def _target(self, arm: str, reference: ScaleTargetReference | None) -> ScaleTarget | Problem | None:
        if reference is None:
            return None
        watched = (reference.group, reference.kind) in WATCHED_TARGETS
        known = self._cache.targets.get((reference.kind, reference.namespace, reference.name))
        if watched and known is not None:
            return known
        try:
            path = await self.target_path(reference)
            if not watched:
                return _from_scale(await self._api.get(f"{path}/scale"))
            body = await self._api.get(path)
        except NotFound:
            return Problem(
                reasons.SCALE_TARGET_NOT_FOUND,
                f"spec.arms: scaleTargetRef of arm {arm} names {reference.kind} {reference.namespace}/"
                f"{reference.name}, which does not exist; create it, or leave scaleTargetRef out",
            )
        self._cache.put_target(reference.kind, body)
        return scale_target(body)

    async def target_path(self, reference: ScaleTargetReference) -> str:
        """API path of a scale target.

        Raises:
            NotFound: The API server does not know its kind.
        """
        version = f"{reference.group}/{reference.version}" if reference.group else reference.version
        plural = await self._api.plural(version, reference.kind)
        return resource_path(reference.group, reference.version, plural, reference.namespace, reference.name)


def _from_scale(scale: Mapping[str, Any]) -> ScaleTarget:
    """What a /scale subresource tells: nothing of the template, and running for available."""
    return ScaleTarget(
        replicas=int(scale["spec"].get("replicas", 0)),
        available=int((scale.get("status") or {}).get("replicas") or 0),
        template="",
    )
