"""Gather what the arms earned in one window, by one query to Prometheus on a normal tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from bandit_operator.adapters.prometheus import Prometheus
from bandit_operator.api.references import backends_of, route_of
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core import reasons
from bandit_operator.core.model import Implausible, NoData, Shadowed, SourceDown, Window
from bandit_operator.errors import InvalidSpec
from bandit_operator.reconcile.causes import Causes
from bandit_operator.reconcile.spacings import Spacings
from bandit_operator.reconcile.window_ends import WindowEnd, WindowEnds
from bandit_operator.routers import Located, router_of
from bandit_operator.sources import RewardSource, Sample, source_of
from bandit_operator.sources.base import Counter
from bandit_operator.sources.beginnings import leave_out_counted, leave_out_lives, subtract_earlier
from bandit_operator.sources.binding import bound, checked
from bandit_operator.sources.guards import guard_counters, guard_queries, guard_values
from bandit_operator.sources.late import add_late
from bandit_operator.sources.promql import raw
from bandit_operator.sources.requests import REQUESTS, request_counters
from bandit_operator.sources.resets import add_reset
from bandit_operator.sources.shadow import (
    ARM_TRIALS,
    PAIR_TRIALS,
    arm_readings,
    pair_readings,
    shadow_counters,
    shadowed,
)
from bandit_operator.sources.tally import Tally
from bandit_operator.sources.window_query import WindowQuery, earlier_in, firsts_in, scraped_twice_in
from bandit_operator.watch.cache import Cache

Kind = TypeVar("Kind")
OF_ITS_CLIENTS = NoData("its clients stay with it, and may earn otherwise than those of other arms")
"""What is known of an arm in a window of a rule with sessionPersistence."""
LONGEST_REASON = 1000
"""Most characters of why an arm has no data: what the status takes."""


@dataclass(frozen=True, slots=True)
class WindowRead:
    """What one window held: the arms' readings, and their requests where those are counted."""

    window: Window
    requests: Mapping[str, float]
    notes: tuple[str, ...] = ()
    """What of the counters was not counted, and why."""
    past_is_lost: bool = False
    """Whether what was earned since the last sample before this window is not known either."""
    late: bool = False
    """Whether samples of the window before have come after that was read."""


@dataclass(frozen=True, slots=True)
class _Tallies:
    """What each family of counters comes to: what is odd in one of them says nothing of the others."""

    served: Tally
    """Of served answers, and of requests."""
    arms: Tally
    """Of answers in the shadow."""
    pairs: Tally
    """Of the differences between them."""
    guards: Tally
    """Of what the presets of guards measure."""

    def all(self) -> tuple[Tally, ...]:
        """All of them; those of shadow and guards have no counters where there is none."""
        return (*self.of_rewards(), self.guards)

    def of_rewards(self) -> tuple[Tally, ...]:
        """Those that something is learned from."""
        return (self.served, self.arms, self.pairs)

    def of(self, counter: Counter) -> Tally:
        """The one that a counter belongs to."""
        return next(one for one in self.all() if counter in one.counters)


class Observer:
    """Reads Prometheus for one resource at a time."""

    def __init__(
        self,
        cache: Cache,
        prometheus: Prometheus,
        default_address: str | None,
        causes: Causes,
        *,
        bind_namespace: bool = False,
    ) -> None:
        self._cache = cache
        self._prometheus = prometheus
        self._causes = causes
        self._default_address = default_address
        self._bind_namespace = bind_namespace
        self._ends = WindowEnds()
        self._spacings = Spacings(prometheus)

    async def rewards(
        self, resource: BanditDeployment, start: float, end: float, usual: float = 0.0
    ) -> WindowRead | SourceDown:
        """Read one window: one query, whatever the number of arms.

        Only windows in which counters were reset or seem to begin, as when Pods start, and those right after
        a reset take more.

        Args:
            resource: whose rewards.
            start: beginning of the window, itself outside, seconds since the Unix epoch.
            end: its end, itself inside.
            usual: trials that all arms together usually have in such a window, 0 where not known.

        Raises:
            InvalidSpec: A counter is no selector, PromQL cannot be bound to the namespace, or it has several
                values for one arm.
        """
        address = resource.spec.reward.prometheus.address or self._default_address
        if address is None:
            return SourceDown(
                reasons.NO_ADDRESS,
                "spec.reward.prometheus.address is not set and the operator has no default; set one of them",
            )
        source = source_of(resource)
        located = self._located(resource)
        query = self._query(resource, source, located, start, end)
        uid, read_from = resource.metadata.uid, (address, query.counters)
        remembered = self._ends.at(uid, read_from, start)
        query = replace(query, scrapers=remembered is None or remembered.twice)
        answer = await self._prometheus.query(address, query.promql(), at=end, about=resource.metadata.uid)
        if isinstance(answer, SourceDown):
            return answer
        try:
            values = {part: dict(by_arm) for part, by_arm in query.values(answer).items()}
        except ValueError as error:
            raise InvalidSpec(str(error)) from error
        tallies = _tallies(resource, query, values, usual)
        served = tallies.served
        before, at_start = remembered or WindowEnd(), query.levels(answer, start)
        down = await self._correct(address, query, answer, tallies, before)
        if down is not None:
            return down
        for tally in tallies.all():
            if not any(at_start.values()):
                leave_out_counted(tally, before.known)
            if remembered is not None:
                add_late(tally, before.levels, {part: at_start[part] for part in tally.values})
        levels = query.levels(answer, end)
        known = levels if any(levels.values()) else before.known
        restarted = {series: times for tally in tallies.all() for series, times in tally.restarted.items()}
        twice = any(tally.twice for tally in tallies.all())
        behind = any(tally.behind for tally in tallies.all())
        self._ends.keep(uid, read_from, end, WindowEnd(levels, known, restarted, behind, twice))
        readings = source.readings(resource, values)
        if located is not None and located.sessions_persist:
            readings = dict.fromkeys(readings, OF_ITS_CLIENTS)
        else:
            readings |= await self._explained(resource, address, end, served, readings)
        shadow = await self._shadow(resource, address, tallies, start, end)
        guards = guard_values(resource, {**values, **tallies.guards.known})
        apart = await self._samples_apart(uid, address, served, start, end)
        return WindowRead(
            Window(start, end, _steady(served, readings), guards, shadow, apart),
            values.get(REQUESTS, {}),
            tuple(note for tally in tallies.of_rewards() for note in tally.notes),
            served.past_is_lost,
            # What one of several servers has after another that was behind it did not come late.
            any(tally.late for tally in tallies.of_rewards()) and not before.behind,
        )

    async def _shadow(
        self, resource: BanditDeployment, address: str, tallies: _Tallies, start: float, end: float
    ) -> Shadowed | None:
        """What the shadow scored in the window, or None where there is none."""
        if resource.spec.shadow is None:
            return None
        arms = arm_readings(resource, tallies.arms.known, end - start)
        pairs = pair_readings(resource, tallies.pairs.known)
        arms |= await self._explained(resource, address, end, tallies.arms, arms)
        if not any(isinstance(reading, NoData) for reading in arms.values()):  # else it is the same cause
            pairs |= await self._explained(resource, address, end, tallies.pairs, pairs)
        return shadowed(resource, _steady(tallies.arms, arms), _steady(tallies.pairs, pairs))

    async def _samples_apart(
        self, uid: str, address: str, tally: Tally, start: float, end: float
    ) -> float | None:
        """Seconds from one sample of the rewards to the next, or None while that is not known."""
        counters = {one.part: one for one in tally.counters if one.part != REQUESTS}
        counter = counters.get(tally.trials, next(iter(counters.values()), None))
        if counter is None:
            return None  # the user's own PromQL says nothing of samples
        grown = (value for part in counters for value in tally.values[part].values())
        return await self._spacings.of(uid, address, counter, (start, end), empty=not any(grown))

    def _query(
        self,
        resource: BanditDeployment,
        source: RewardSource,
        located: Located | None,
        start: float,
        end: float,
    ) -> WindowQuery:
        """What is asked of a window; raises InvalidSpec where the user's PromQL is none, or not allowed."""
        shadow = (one for family in shadow_counters(resource) for one in family)
        guards = guard_counters(resource, located)
        counters = (*source.counters(resource, located), *request_counters(resource), *shadow, *guards)
        asked = (*source.queries(resource, start, end), *guard_queries(resource, start, end))
        namespace = self._namespace_of(resource)
        try:
            return WindowQuery(
                tuple(checked(one, namespace) for one in counters),
                tuple(bound(one, namespace) for one in asked),
                start,
                end,
            )
        except ValueError as error:
            raise InvalidSpec(str(error)) from error

    async def _correct(
        self, address: str, query: WindowQuery, answer: list[Sample], tallies: _Tallies, before: WindowEnd
    ) -> SourceDown | None:
        """Correct what was read for series that seem to begin or were reset in the window; None if it could.

        What of the shadow cannot be corrected is not known, and costs the rest nothing.
        """
        began, reset = query.seemed_to_begin(answer), query.were_reset(answer)
        past: list[Sample] = []
        if began:
            beginnings = await self._prometheus.query(address, query.promql_before(began), at=query.end)
            if isinstance(beginnings, SourceDown):
                return beginnings
            past = beginnings
        for counter in query.counters if query.scrapers else began:
            tallies.of(counter).note_scrapers(counter, scraped_twice_in(counter, [*answer, *past]))
        for counter in began:
            firsts, earlier = firsts_in(counter, past), earlier_in(counter, past)
            subtract_earlier(tallies.of(counter), counter, firsts, earlier)
        # Another process' counter may be back, and go down no more, in the window after a reset.
        again = {part for part, _ in before.restarted}
        for counter in (one for one in query.counters if one in reset or one.part in again):
            samples = raw(counter.selector, query.start, query.end)
            series = await self._prometheus.series(address, samples, at=query.end)
            tally = tallies.of(counter)
            if isinstance(series, SourceDown):
                if tally is tallies.served:
                    return series
                tally.unread.add(counter.part)
                continue
            earlier = earlier_in(counter, past)
            add_reset(tally, counter, series, query.start, earlier, before.restarted)
        for tally in tallies.all():
            leave_out_lives(tally)
        return None

    def _namespace_of(self, resource: BanditDeployment) -> str | None:
        """The only namespace whose series the resource may read, or None."""
        return resource.metadata.namespace if self._bind_namespace else None

    async def _explained(
        self,
        resource: BanditDeployment,
        address: str,
        at: float,
        tally: Tally,
        readings: Mapping[str, object],
    ) -> dict[str, NoData]:
        """Of arms, or pairs, without series: what there is instead; one cause for all of them."""
        silent = {name: reading for name, reading in readings.items() if isinstance(reading, NoData)}
        of_rewards = [one for one in tally.counters if one.part != REQUESTS]
        counters = sorted(of_rewards, key=lambda one: one.part != tally.trials)  # as their absence is said
        lacking = {
            name: next((one for one in counters if name not in tally.known[one.part]), None)
            for name in silent
        }
        first = next((one for one in counters if one in lacking.values()), None)
        if first is None:
            return {}
        about = f"{resource.metadata.uid} {tally.trials}"
        cause = await self._causes.of(about, address, first, at, self._namespace_of(resource))
        return {
            name: NoData(f"{silent[name].reason}: {cause}"[:LONGEST_REASON])
            for name, counter in lacking.items()
            if cause and counter == first
        }

    def _located(self, resource: BanditDeployment) -> Located | None:
        """Where the arms stand in the route, as far as the cache knows."""
        reference = route_of(resource)
        router = router_of(reference)
        route = self._cache.routes.get((router.kind, reference.namespace, reference.name))
        if route is None:
            return None
        located = router.locate(route, reference.section, backends_of(resource))
        return located if isinstance(located, Located) else None


def _tallies(
    resource: BanditDeployment, query: WindowQuery, values: dict[str, dict[str, float]], usual: float
) -> _Tallies:
    """One tally for each family of the query's counters; their numbers are those of ``values``."""
    parts = [{one.part for one in family} for family in shadow_counters(resource)]
    of_arms, of_pairs = (tuple(one for one in query.counters if one.part in family) for family in parts)
    parts_of_guards = {one.part for one in guard_counters(resource)}
    of_guards = tuple(one for one in query.counters if one.part in parts_of_guards)
    served = tuple(one for one in query.counters if one not in (*of_arms, *of_pairs, *of_guards))

    def tally(counters: tuple[Counter, ...], trials: str, usual: float = usual) -> Tally:
        return Tally(counters, {one.part: values[one.part] for one in counters}, usual, trials)

    return _Tallies(
        tally(served, "trials"),
        tally(of_arms, ARM_TRIALS),
        tally(of_pairs, PAIR_TRIALS),
        tally(of_guards, "", usual=0.0),  # requests, of which there may be any number for a trial
    )


def _steady(tally: Tally, readings: Mapping[str, Kind]) -> dict[str, Kind | Implausible]:
    """The readings, less those of counters that are none."""
    unsteady = {name: Implausible(reasons.COUNTER_NOT_STEADY, what) for name, what in tally.unsteady.items()}
    twice = {name: Implausible(reasons.SCRAPED_TWICE, what) for name, what in tally.twice.items()}
    return {**readings, **unsteady, **twice}
