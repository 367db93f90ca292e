"""Act on the route: make it or mend it where a template asks for it, then set its weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from bandit_operator.adapters.kubernetes import KubernetesAPI
from bandit_operator.adapters.objects import Object
from bandit_operator.api.references import backends_of, route_of
from bandit_operator.core.decision import Decision
from bandit_operator.core.model import Problem
from bandit_operator.errors import APIError
from bandit_operator.reconcile import generated, writes
from bandit_operator.reconcile.generated import Change, Route, Wanted
from bandit_operator.reconcile.placement import Placement
from bandit_operator.reconcile.route_plan import RouteWrite
from bandit_operator.reconcile.tracked import Tracked
from bandit_operator.routers import Located
from bandit_operator.routers.shape import readable
from bandit_operator.runtime.telemetry import Metrics
from bandit_operator.watch.cache import Cache


@dataclasses.dataclass(frozen=True, slots=True)
class RouteWriter:
    """Writes of routes, and what follows from their answers."""

    api: KubernetesAPI
    cache: Cache
    metrics: Metrics

    async def bring(
        self,
        tracked: Tracked,
        placement: Placement,
        decision: Decision,
        write: RouteWrite | None,
        gone: frozenset[int],
        *,
        now: float,
        monotonic: float,
    ) -> None:
        """Bring the route to the committed intention, unless that must wait.

        Args:
            tracked: what is known of the resource.
            placement: the route as it was looked at.
            decision: what was committed.
            write: weights that the route is to carry and does not, or None.
            gone: indices of backends that were arms and are to have no weight.
            now: seconds since the Unix epoch.
            monotonic: seconds by that clock.

        Raises:
            Conflict: The route has changed since it was looked at; nothing was written.
            APIError: The API server refused, or what it stored has other weights than were written.
            APIUnreachable, NotLeading: As ``KubernetesAPI.patch``.
        """
        if placement.missing:
            if tracked.route.may_assert(monotonic, harmful=True):
                tracked.route.begin_write(monotonic)
                route = await writes.make_route(self.api, placement, decision.weights)
                self._written(placement, route)
                tracked.route.note_unkept(_unkept(tracked, placement, decision, route), monotonic)
                tracked.route.end_write({})
            return
        if placement.there is not None:
            if write is None and not tracked.route.may_assert(monotonic, harmful=False):
                return  # weights that are due in a contest are harmful ones, and take the rest along
            tracked.route.begin_write(monotonic)
            wanted = _wanted(tracked, placement, decision, placement.there)
            route = await writes.set_template(self.api, placement, wanted)
            self._written(placement, route)
            tracked.route.note_unkept(_unkept(tracked, placement, decision, route), monotonic)
            located = _located(tracked, placement, route)
            if not isinstance(located, Located) or located.other_backends != placement.located.other_backends:
                return  # another look says what to make of it
            placement = dataclasses.replace(placement, route=readable(route), located=located)
            if write is None:
                tracked.route.end_write(located.other_weights, gone)
        if write is not None:
            await self._set_weights(tracked, placement, write, gone, now, monotonic)

    async def _set_weights(
        self,
        tracked: Tracked,
        placement: Placement,
        write: RouteWrite,
        gone: frozenset[int],
        now: float,
        monotonic: float,
    ) -> None:
        tracked.route.begin_write(monotonic)
        if write.at > now:
            return
        route = await writes.set_weights(self.api, placement, write.weights, write.other_weights)
        if route is None:
            return
        self._written(placement, route)
        there = _located(tracked, placement, route)
        if isinstance(there, Located):
            # An arm whose backend is not in the rule was not written, and has no weight there either.
            kept = {arm: there.weights[arm] for arm in write.weights}
            if kept != write.weights:
                raise APIError(
                    200,
                    f"it answered with other weights ({_listed(kept)}) than were written "
                    f"({_listed(write.weights)}): an admission webhook or policy changes them",
                )
        tracked.route.end_write(write.other_weights, gone)

    def _written(self, placement: Placement, route: Object) -> None:
        self.cache.put_route(placement.router.kind, route)
        self.metrics.wrote("route")


def _located(tracked: Tracked, placement: Placement, route: Object) -> Located | Problem:
    """Where the arms are in the route that the API server answered with."""
    section = route_of(tracked.resource).section
    return placement.router.locate(readable(route), section, backends_of(tracked.resource))


def _listed(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{arm} {weight}" for arm, weight in weights.items())


def _unkept(tracked: Tracked, placement: Placement, decision: Decision, route: Object) -> tuple[Change, ...]:
    """What the route still lacks of its template, as the API server answered the write of it."""
    return _wanted(tracked, placement, decision, readable(route)).changes


def _wanted(tracked: Tracked, placement: Placement, decision: Decision, route: Route) -> Wanted:
    """What the template asks for; a backend that is put in has no weight where it is to have none."""
    template = tracked.resource.spec.traffic.route_template
    assert template is not None  # for the type checker: no other route is to be patched
    weights = {
        arm: weight if decision.weights[arm] > 0 else 0 for arm, weight in placement.located.weights.items()
    }
    known, mirrors = tracked.committed.backends, tracked.committed.mirrors
    return generated.wanted(tracked.resource, template, placement.router, route, weights, known, mirrors)
