"""Windows that follow each other, read from a real Prometheus: each reward once, whatever scrapes do."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import pytest

from bandit_operator.adapters.access import Access, Origin
from bandit_operator.adapters.prometheus import Prometheus
from bandit_operator.api.v1alpha1 import parse
from bandit_operator.core.model import Observed
from bandit_operator.reconcile.observe import Observer
from bandit_operator.watch.cache import Cache
from tests.support.prometheus import PrometheusServer, prometheus_server

pytestmark = pytest.mark.slow
HOUR, DAY = 3600, 86_400
Samples = list[tuple[float, float | None]]


class Counting(Prometheus):
    """Counts what it is asked."""

    queries = 0

    async def query(self, address, promql, at):
        self.queries += 1
        return await super().query(address, promql, at)

    async def series(self, address, promql, at):
        self.queries += 1
        return await super().series(address, promql, at)


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    with prometheus_server() as one:
        yield one


@pytest.fixture
def read(body, server, request):
    """Trials that windows between such edges count, and how many queries each took.

    Times are seconds since a moment two days ago.
    """
    route, epoch = request.node.name, int(time.time()) - 2 * DAY
    body["spec"]["reward"] = {
        "prometheus": {
            "successes": f'good_total{{route="{route}"}}',
            "trials": f'all_total{{route="{route}"}}',
            "address": server.address,
        }
    }
    body["spec"]["rollback"] = {}

    async def make(edges, **pods: Samples) -> tuple[float, list[int]]:
        for (pod, samples), metric in itertools.product(pods.items(), ("good_total", "all_total")):
            labels = {"route": route, "arm": "logistic", "pod": pod}
            server.write(metric, labels, [(epoch + when, value) for when, value in samples])
        prometheus, trials, queries = Counting(Access(Origin.of(server.address)), deadline=30), 0.0, []
        observer = Observer(Cache(), prometheus, None)
        for start, end in itertools.pairwise(edges):
            prometheus.queries = 0
            reading = await observer.rewards(parse(body), epoch + start, epoch + end)
            outcome = reading.window.arms["logistic"]
            if isinstance(outcome, Observed):
                assert outcome.rewards == outcome.trials
                trials += outcome.trials
            queries.append(prometheus.queries)
        await prometheus.close()
        return trials, queries

    return make


def scraped(begin: int, end: int, first: float, every: int = 15) -> Samples:
    """A counter that rises by one from scrape to scrape."""
    return [(when, first + step) for step, when in enumerate(range(begin, end + 1, every))]


def every(seconds: int, until: int) -> range:
    return range(0, until + 1, seconds)


async def test_a_window_without_beginnings_asks_one_question(read):
    assert await read(every(30, 120), a=scraped(0, 120, 50)) == (8, [1] * 4)


async def test_a_new_pods_counts_are_all_new_and_cost_one_question_more(read):
    trials, queries = await read(every(30, 120), a=scraped(0, 120, 50), b=scraped(45, 120, 7))
    assert trials == 8 + 12
    assert queries == [1, 2, 1, 1]


@pytest.mark.parametrize("edges", [every(30, 1200), every(400, 1200), [0, 600, 1200]])
@pytest.mark.parametrize("marker", [[], [(315, None)]], ids=["", "with a staleness marker"])
async def test_after_scrapes_that_failed_for_ten_minutes_only_the_difference_counts(read, edges, marker):
    samples = [*scraped(0, 300, 100), *marker, *scraped(900, 1200, 160)]
    assert (await read(edges, a=samples))[0] == 80


async def test_after_hours_without_prometheus_only_the_difference_counts(read):
    edges = [*every(30, 300), *range(330, 5 * HOUR, 600), 5 * HOUR, 5 * HOUR + 300]
    samples = [*scraped(0, 300, 100), *scraped(5 * HOUR, 5 * HOUR + 300, 9000)]
    other = [*scraped(0, 300, 1), *scraped(5 * HOUR, 5 * HOUR + 300, 22)]
    assert (await read(edges, a=samples, b=other))[0] == 8920 + 41


async def test_scrapes_further_apart_than_staleness_count_once(read):
    assert (await read(every(60, 2 * HOUR), a=scraped(0, 2 * HOUR, 100, every=600)))[0] == 12


async def test_a_counter_that_was_reset_while_nobody_looked_counts_from_zero(read):
    samples = [*scraped(0, 300, 100), *scraped(900, 1200, 3)]
    assert (await read(every(30, 1200), a=samples))[0] == 20 + 23


async def test_a_counter_that_was_reset_and_outgrew_itself_counts_from_zero(read):
    samples = [*scraped(0, 300, 100), (900, 3), (915, 500)]
    assert (await read([0, 300, 895, 1200], a=samples))[0] == 20 + 500


async def test_a_counter_reset_after_it_came_back_counts_what_it_had_gained_until_then(read):
    samples = [*scraped(0, 300, 100), (900, 150), (915, 160), (930, 4), (945, 9)]
    trials, queries = await read([0, 300, 890, 950, 1200], a=samples)
    assert trials == 20 + 40 + 9
    assert queries == [1, 1, 4, 1]  # the beginnings of both counters, and the samples of each


async def test_a_pod_that_returns_under_its_name_counts_from_zero(read):
    samples = [*scraped(0, 300, 100), (301, None), *scraped(2 * HOUR, 2 * HOUR + 300, 0)]
    assert (await read([*every(30, 300), *every(300, 2 * HOUR + 300)[2:]], a=samples))[0] == 40


async def test_a_series_away_for_more_than_a_day_counts_as_new(read):
    back = 25 * HOUR
    samples = [*scraped(0, 300, 100), *scraped(back, back + 300, 130)]
    assert (await read([0, 300, back - 10, back + 300], a=samples))[0] == 20 + 150
