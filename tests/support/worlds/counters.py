"""Worlds around the counters of one rollout: scrapes, Pods, several processes, a Prometheus that forgets.

The real observer reads a Prometheus in the process, which answers by the meaning of the queries of
``sources.window_query``; ``tests/reconcile/test_counted_once.py`` asks a real one the same.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bandit_operator.core import reasons
from bandit_operator.core.model import SourceDown
from bandit_operator.reconcile.observe import Observer, WindowRead
from bandit_operator.sources import Sample
from bandit_operator.sources.base import Counter
from bandit_operator.sources.promql import EARLIER_SECONDS, LOOK_BACK_SECONDS, PART
from bandit_operator.sources.resets import Series
from bandit_operator.sources.window_query import WindowQuery
from tests.support.fake_rewards import FakeRewards
from tests.support.process import START, Process

ARMS = ("good", "bad")
SCRAPE = 15.0
INTERVAL = 30.0
PARTS = ("trials", "rewards")
SHORT_LIFE = 1000.0
"""A counter below this may be taken for a new one when its past is lost: it is less than six busy windows."""
arms = st.sampled_from(ARMS)
Points = list[tuple[float, float]]


@dataclass
class MadeUpPrometheus:
    """What was scraped, and the answers to the queries about one window."""

    stored: dict[tuple[str, str, str], list[tuple[float, float, float]]] = field(default_factory=dict)
    """(time, value, since when it can be read) by part, arm and instance."""
    now: float = 0.0
    down: bool = False
    requests: int = 0
    query_of_window: WindowQuery | None = None
    """What the operator is about to ask."""

    def scrape(self, part: str, arm: str, instance: str, value: float, time: float, late: float) -> None:
        """Take a sample in."""
        self.stored.setdefault((part, arm, instance), []).append((time, value, time + late))

    async def query(
        self,
        address: str,  # noqa: ARG002 - as the real one
        promql: str,
        at: Any,  # noqa: ARG002 - as the real one
        about: str | None = None,  # noqa: ARG002 - as the real one
    ) -> list[Sample] | SourceDown:
        """An instant query."""
        asked = self.query_of_window
        assert asked is not None
        if self.down:
            return SourceDown(reasons.UNREACHABLE, "no answer")
        if promql in (asked.promql(), replace(asked, scrapers=True).promql()):
            return [one for counter in asked.counters for one in self._of_window(asked, counter)]
        began = [one for one in asked.counters if f'"first values of {one.part}"' in promql]
        return [one for counter in began for one in self._of_beginnings(asked, counter)]

    async def series(self, address: str, promql: str, at: Any) -> list[Series] | SourceDown:  # noqa: ARG002 - as the real one
        """A range of samples of every series."""
        asked = self.query_of_window
        assert asked is not None
        if self.down:
            return SourceDown(reasons.UNREACHABLE, "no answer")
        counter = next(one for one in asked.counters if promql.startswith(f"{one.selector}["))
        return [
            Series(labels, points)
            for labels, all_points in self._series(counter)
            if (points := _between(all_points, asked.end - _reach(asked), asked.end))
        ]

    def _series(self, counter: Counter) -> list[tuple[dict[str, str], Points]]:
        return [
            (
                {"arm": arm, "instance": instance},
                [(time, value) for time, value, since in points if since <= self.now],
            )
            for (part, arm, instance), points in sorted(self.stored.items())
            if part == counter.part
        ]

    def _of_window(self, asked: WindowQuery, counter: Counter) -> list[Sample]:
        sums: dict[tuple[str, str], float] = {}

        def add(part: str, arm: str, value: float) -> None:
            sums[part, arm] = sums.get((part, arm), 0.0) + value

        for labels, points in self._series(counter):
            arm, part = labels["arm"], counter.part
            for time in (asked.start, asked.end):
                known = _between(points, time - LOOK_BACK_SECONDS, time)
                if known:
                    add(f"level of {part} at {time:.3f}", arm, known[-1][1])
                    add(f"series of {part} at {time:.3f}", arm, 1.0)
            last = _between(points, asked.end - _reach(asked), asked.end)
            first = _between(points, asked.start - LOOK_BACK_SECONDS, asked.start)
            if not last:
                continue
            if not first:
                add(f"beginnings of {part}", arm, 1.0)
            if _was_reset(points, asked):
                add(f"resets of {part}", arm, 1.0)
            else:
                add(part, arm, last[-1][1] - (first[-1][1] if first else 0.0))
        return [Sample({PART: part, "arm": arm}, value) for (part, arm), value in sums.items()]

    def _of_beginnings(self, asked: WindowQuery, counter: Counter) -> list[Sample]:
        found = []
        for labels, points in self._series(counter):
            inside = _between(points, asked.start, asked.end)
            if not inside or _between(points, asked.start - LOOK_BACK_SECONDS, asked.start):
                continue
            if not _was_reset(points, asked):
                least = min(value for _, value in inside)
                found.append(Sample({**labels, PART: f"first values of {counter.part}"}, least))
            before = _between(points, asked.start - EARLIER_SECONDS, asked.start)
            if before:
                found.append(Sample({**labels, PART: f"earlier values of {counter.part}"}, before[-1][1]))
        return found


def _between(points: Points, start: float, end: float) -> Points:
    """Those in (start, end]."""
    return [point for point in points if start < point[0] <= end]


def _reach(asked: WindowQuery) -> float:
    return round(asked.end - asked.start) + LOOK_BACK_SECONDS


def _was_reset(points: Points, asked: WindowQuery) -> bool:
    first = _between(points, asked.start - LOOK_BACK_SECONDS, asked.start)
    since_then = _resets(_between(points, asked.end - _reach(asked), asked.end)) - _resets(first)
    return (since_then if first else _resets(_between(points, asked.start, asked.end))) > 0


def _resets(points: Points) -> int:
    return sum(new < old for (_, old), (_, new) in pairwise(points))


class NoCauses:
    """Says of nothing why it is missing."""

    async def of(self, *_: Any) -> str:
        """No cause."""
        return ""


class CountedRewards(FakeRewards):
    """The real observer of rewards on a made-up Prometheus."""

    prometheus: MadeUpPrometheus

    async def rewards(
        self, resource: Any, start: float, end: float, usual: float = 0.0
    ) -> WindowRead | SourceDown:
        """As the real one."""
        return await Observer.rewards(self, resource, start, end, usual)

    def _query(self, *args: Any) -> WindowQuery:
        query = super()._query(*args)
        self.prometheus.query_of_window = query
        return query


class Counting(Process):
    """A replica that reads counters."""

    def __init__(self, prometheus: MadeUpPrometheus) -> None:
        self.prometheus = prometheus
        super().__init__(ARMS)

    def make_observer(self) -> FakeRewards:
        """As the operator makes it."""
        made = CountedRewards(self.cache, self.prometheus, "http://prometheus", NoCauses())  # type: ignore[arg-type]  # made up
        made.prometheus = self.prometheus
        return made


@dataclass
class Pod:
    """The counters of one process; several behind one address are scraped in turn."""

    processes: list[dict[str, float]]
    turn: int = 0


class CounterWorld(RuleBasedStateMachine):
    """One rollout whose rewards are counted, and everything that may befall the counters."""

    def __init__(self) -> None:
        super().__init__()
        self.prometheus = MadeUpPrometheus()
        self.one = Counting(self.prometheus)
        self.time = START - INTERVAL
        """When the next scrape is, seconds since the Unix epoch."""
        self.pods: dict[str, dict[str, Pod]] = {}
        self.served = dict.fromkeys(ARMS, 0.0)
        """Trials since the operator counts."""
        self.short_lives = dict.fromkeys(ARMS, 0.0)
        """Trials that may be counted again: of counters that were short when Prometheus lost its data."""
        self.losses = 0
        """How often Prometheus has lost its data."""
        self.made = 0
        self.late = 0.0
        self.all_come_at = 0.0
        """When the last of the late samples can be read."""
        self.may_lose = False
        """Whether something has happened by which rewards may be lost: never may they be counted twice."""
        self.sawtooth: dict[str, int] = {}
        """Windows since an arm has had several processes behind one address."""
        self.before: dict[str, float] = {}
        self.loop = asyncio.new_event_loop()

    @initialize(
        lives=st.fixed_dictionaries(
            {arm: st.sampled_from([1500.0, 1100.0, 300.0, 0.0, 1e5]) for arm in ARMS}
        ),
        late=st.sampled_from([0.0, 0.0, 45.0]),
    )
    def it_begins(self, lives: dict[str, float], late: float) -> None:
        for arm, life in lives.items():
            self._start_pod(arm, life)
        self._scrape(0.0)
        self._scrape(0.0)
        self._look()
        self.served = dict.fromkeys(ARMS, 0.0)
        self.samples_come_late(late, windows=3)

    # ---- what happens ---------------------------------------------------------------------

    @rule(windows=st.integers(1, 4), each=st.sampled_from([0.0, 4.0, 20.0, 40.0]))
    def requests_are_served(self, windows: int, each: float) -> None:
        for _ in range(windows):
            self._window(each)

    @rule(arm=arms)
    def a_pod_starts_again(self, arm: str) -> None:
        # A reset among samples that are still to come cannot be told from one that was read.
        self.may_lose = self.may_lose or self.time < self.all_come_at + 2 * INTERVAL
        pod = next(iter(self.pods[arm].values()))
        pod.processes = [dict.fromkeys(PARTS, 0.0)]
        if arm in self.sawtooth:
            self.sawtooth[arm] = -10_000  # it is one process again; what it had before was believed in part
        for _ in range(2):  # starting again in each of three windows is the mark of several processes
            self._window(20.0)

    @rule(arm=arms, life=st.sampled_from([0.0, 0.0, 40.0]))
    def another_pod_starts(self, arm: str, life: float) -> None:
        self.may_lose = self.may_lose or life > 0
        self._start_pod(arm, life)
        self.served[arm] += life
        self._window(20.0)

    @rule(windows=st.integers(0, 2))
    def prometheus_loses_its_data(self, windows: int) -> None:
        self.may_lose = True
        self.prometheus.stored.clear()
        for arm, pods in self.pods.items():
            counters = [one["trials"] for pod in pods.values() for one in pod.processes]
            # What was believed once too often makes windows look small for a while.
            short = SHORT_LIFE * 3.0**self.losses if not self.sawtooth else float("inf")
            self.short_lives[arm] += sum(one for one in counters if one < short)
        self.losses += 1
        self.prometheus.down = True
        for _ in range(windows):
            self._window(20.0)
        self.prometheus.down = False
        self._runs_are_forgotten()
        for _ in range(2):
            self._window(20.0)

    @rule(windows=st.integers(1, 3))
    def prometheus_is_away(self, windows: int) -> None:
        self.prometheus.down = True
        for _ in range(windows):
            self._window(20.0)
        self.prometheus.down = False
        self._runs_are_forgotten()
        self._window(20.0)

    @rule(late=st.sampled_from([20.0, 45.0, 70.0]), windows=st.integers(2, 5))
    def samples_come_late(self, late: float, windows: int) -> None:
        self.late = late
        for _ in range(windows):
            self._runs_are_forgotten()
            self._window(20.0)
        self.late, self.all_come_at = 0.0, self.time + late
        if late > 0:
            self._all_has_come()

    @rule(arm=arms, windows=st.integers(4, 8))
    def several_processes_answer_at_one_address(self, arm: str, windows: int) -> None:
        if arm in self.sawtooth:
            return
        pod = next(iter(self.pods[arm].values()))
        pod.processes = [{"trials": n, "rewards": n / 2} for n in (40.0, 400.0)]
        self.may_lose, self.sawtooth[arm] = True, 0
        for _ in range(windows):
            self._window(8.0)

    @rule()
    def the_process_starts_again(self) -> None:
        self.may_lose = self.may_lose or self.time < self.all_come_at + INTERVAL
        self.one.start()
        self._runs_are_forgotten()
        self._window(20.0)

    # ---- how it is done -------------------------------------------------------------------

    def _start_pod(self, arm: str, life: float) -> None:
        self.made += 1
        counters = {"trials": life, "rewards": life / 2}
        self.pods.setdefault(arm, {})[f"pod-{self.made}"] = Pod([counters])

    def _all_has_come(self) -> None:
        """Once all samples have come, all that nothing could lose has been counted."""
        for _ in range(3):
            self._window(0.0)
        for arm in () if self.may_lose else ARMS:
            counted, served = self._learned(arm), self.served[arm]
            assert abs(counted - served) <= 1e-6, f"{counted} trials of {arm} were counted of {served}"

    def _runs_are_forgotten(self) -> None:
        """Nobody knows any more in how many windows running a counter began again."""
        self.sawtooth = {arm: min(windows, 0) for arm, windows in self.sawtooth.items()}

    def _window(self, each: float) -> None:
        """Two scrapes, between which every arm serves so many requests, and a look once they can be read."""
        self.before = {arm: self._learned(arm) for arm in ARMS}
        self._scrape(each)
        self._scrape(each)
        for arm in self.sawtooth:
            self.sawtooth[arm] += 1
        self._look()

    def _scrape(self, each: float) -> None:
        for arm, pods in self.pods.items():
            self.served[arm] += each
            for number, (name, pod) in enumerate(pods.items()):
                pod.turn = (pod.turn + 1) % len(pod.processes)
                if number == 0:
                    pod.processes[pod.turn]["trials"] += each
                    pod.processes[pod.turn]["rewards"] += each / 2
                if not self.prometheus.down:
                    for part in PARTS:
                        value = pod.processes[pod.turn][part]
                        self.prometheus.scrape(part, arm, name, value, self.time + 2.0, self.late)
        self.time += SCRAPE

    def _look(self) -> None:
        self.one.now = self.prometheus.now = self.time + 10.0
        self.one.gateway()
        self.loop.run_until_complete(self.one.look(tick=True))

    def _learned(self, arm: str) -> float:
        found = {one["name"]: one for one in self.one.status.get("arms") or []}
        return float(found.get(arm, {}).get("trials", 0.0))

    # ---- what must hold -------------------------------------------------------------------

    @invariant()
    def no_reward_is_counted_twice(self) -> None:
        for arm in ARMS:
            if arm not in self.sawtooth:
                most = self.served[arm] * 1.01 + self.short_lives[arm] + 1e-5
                assert self._learned(arm) <= most, f"{arm} served {self.served[arm]}"

    @invariant()
    def counters_that_are_none_are_not_believed_for_long(self) -> None:
        for arm, windows in self.sawtooth.items():
            if windows > 4 and not self.prometheus.down:
                assert self._learned(arm) == self.before[arm], (
                    f"{arm} began again in {windows} windows running"
                )

    @invariant()
    def no_pass_fails(self) -> None:
        ready = [one for one in self.one.status.get("conditions") or [] if one["type"] == "Ready"]
        assert all(one["reason"] != reasons.INTERNAL_ERROR for one in ready), ready

    def teardown(self) -> None:
        """In the end: whatever nothing could lose was counted, once its samples have come."""
        try:
            if self.one.status:
                self._all_has_come()
        finally:
            self.loop.close()
