"""One resource whose counters a real Prometheus holds, read window after window."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable
from typing import Any

from bandit_operator.adapters.access import Access, Origin
from bandit_operator.adapters.discovery import Discovery
from bandit_operator.adapters.prometheus import Prometheus
from bandit_operator.api.v1alpha1 import parse
from bandit_operator.core.model import ArmReading, Observed, SourceDown
from bandit_operator.reconcile.causes import Causes
from bandit_operator.reconcile.observe import Observer, WindowRead
from bandit_operator.sources import Sample
from bandit_operator.sources.resets import Series
from bandit_operator.watch.cache import Cache
from tests.support.prometheus import PrometheusServer

Samples = list[tuple[float, float | None]]
"""Times and values; None says that the series went stale."""
DAY = 86_400


class Counting(Prometheus):
    """Counts what it is asked."""

    queries = 0

    async def query(self, *arguments: Any, **named: Any) -> list[Sample] | SourceDown:
        self.queries += 1
        return await super().query(*arguments, **named)

    async def series(self, address: str, promql: str, at: Any) -> list[Series] | SourceDown:
        self.queries += 1
        return await super().series(address, promql, at)


class CountedRollout:
    """One resource, its counters in Prometheus, and what is read of them.

    Times are seconds since a moment two days ago.
    """

    def __init__(self, server: PrometheusServer, body: dict[str, Any], name: str) -> None:
        self.server, self.name, self.epoch = server, name, int(time.time()) - 2 * DAY
        body["spec"]["reward"] = {
            "prometheus": {
                "successes": f'good_total{{route="{name}"}}',
                "trials": f'all_total{{route="{name}"}}',
                "address": server.address,
            }
        }
        body["spec"]["rollback"] = {}
        self.body = body
        access = Access(Origin.of(server.address))
        self.prometheus, self.discovery = Counting(access, deadline=30), Discovery(access)
        self.observer = Observer(Cache(), self.prometheus, None, Causes(self.discovery))
        self.notes: list[str] = []
        self.queries, self.late = list[int](), list[bool]()

    def write(self, pod: str, samples: Samples, *metrics: str, arm: str = "logistic", **scraped: str) -> None:
        """Let Prometheus have samples of one Pod, of both counters where none is named."""
        labels = {"route": self.name, "arm": arm, "pod": pod, **scraped}
        for metric in metrics or ("good_total", "all_total"):
            shifted = [(self.epoch + when, value) for when, value in samples]
            self.server.write(metric, labels, shifted)

    async def window(self, start: float, end: float, usual: float = 0.0) -> ArmReading:
        """What the arm earned in one window."""
        self.prometheus.queries = 0
        window = (self.epoch + start, self.epoch + end)
        reading = await self.observer.rewards(parse(self.body), *window, usual=usual)
        assert isinstance(reading, WindowRead)
        self.queries.append(self.prometheus.queries)
        self.notes.extend(reading.notes)
        self.late.append(reading.late)
        self.requests = dict(reading.requests)
        self.apart = reading.window.samples_apart
        return reading.window.arms["logistic"]

    async def close(self) -> None:
        """Give its connections back."""
        await self.prometheus.close()
        self.discovery.close()

    async def trials(self, edges: Iterable[float], usual: float = 0.0) -> list[float]:
        """Trials of the windows between the edges; those of windows without data are 0."""
        found = []
        for start, end in itertools.pairwise(edges):
            outcome = await self.window(start, end, usual)
            if isinstance(outcome, Observed):
                assert outcome.rewards == outcome.trials
            found.append(outcome.trials if isinstance(outcome, Observed) else 0.0)
        return found
