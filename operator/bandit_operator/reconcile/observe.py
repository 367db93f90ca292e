"""Gather what the arms earned in one window, by one query to Prometheus on a normal tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bandit_operator.adapters.prometheus import Prometheus
from bandit_operator.api.references import backends_of, route_of
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core import reasons
from bandit_operator.core.model import SourceDown, Window
from bandit_operator.routers import ROUTERS, Located
from bandit_operator.sources import Sample, source_of
from bandit_operator.sources.promql import raw
from bandit_operator.sources.requests import REQUESTS, request_counters
from bandit_operator.sources.resets import increases
from bandit_operator.sources.window_query import WindowQuery, earlier_values
from bandit_operator.watch.cache import Cache


@dataclass(frozen=True, slots=True)
class WindowRead:
    """What one window held: the arms' outcomes, and their requests where those are counted."""

    window: Window
    requests: Mapping[str, float]


class Observer:
    """Reads Prometheus for one resource at a time."""

    def __init__(self, cache: Cache, prometheus: Prometheus, default_address: str | None) -> None:
        self._cache = cache
        self._prometheus = prometheus
        self._default_address = default_address

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
        query = WindowQuery(counters, source.queries(resource, start, end), start, end)
        answer = await self._prometheus.query(address, query.promql(), at=end)
        if isinstance(answer, SourceDown):
            return answer
        values = {part: dict(by_arm) for part, by_arm in query.values(answer).items()}
        down = await self._correct_resets(address, query, answer, values)
        if down is not None:
            return down
        outcomes = source.outcomes(resource, values)
        return WindowRead(Window(start, end, outcomes), values.get(REQUESTS, {}))

    async def _correct_resets(
        self, address: str, query: WindowQuery, answer: list[Sample], values: dict[str, dict[str, float]]
    ) -> SourceDown | None:
        """Correct the values for series that seem to begin or were reset in the window; None if it could."""
        began, reset = query.seemed_to_begin(answer), query.were_reset(answer)
        before: list[Sample] = []
        if began:
            promql = query.promql_before(began, reset)
            found = await self._prometheus.query(address, promql, at=query.end)
            if isinstance(found, SourceDown):
                return found
            before = found
            for part, by_arm in query.values(before).items():
                for arm in by_arm.keys() & values[part].keys():
                    values[part][arm] -= by_arm[arm]
        for counter in reset:
            samples = raw(counter.selector, query.start, query.end)
            series = await self._prometheus.series(address, samples, at=query.end)
            if isinstance(series, SourceDown):
                return series
            earlier = earlier_values(counter, before)
            for arm, grown in increases(counter, series, query.start, earlier).items():
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
        return found if isinstance(found, Located) else None
