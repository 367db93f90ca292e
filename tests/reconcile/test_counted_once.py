"""Windows that follow each other, read from a real Prometheus: each reward once, whatever scrapes do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from bandit_operator.core.model import Implausible, NoData, Observed
from bandit_operator.reconcile.causes import Causes
from bandit_operator.reconcile.observe import Observer
from bandit_operator.watch.cache import Cache
from tests.support.counted import CountedRollout, Samples
from tests.support.prometheus import PrometheusServer, prometheus_server

Read = Callable[..., Awaitable[tuple[float, list[int]]]]

pytestmark = pytest.mark.slow
HOUR = 3600


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    with prometheus_server() as one:
        yield one


@pytest.fixture
async def rollout(
    body: dict[str, Any], server: PrometheusServer, request: pytest.FixtureRequest
) -> AsyncIterator[CountedRollout]:
    one = CountedRollout(server, body, re.sub("[^A-Za-z0-9]", "-", request.node.name))
    yield one
    await one.close()


@pytest.fixture
def read(rollout: CountedRollout) -> Read:
    """Trials that windows between such edges count, and how many queries each took."""

    async def make(edges: Any, **pods: Samples) -> tuple[float, list[int]]:
        for pod, samples in pods.items():
            rollout.write(pod, samples)
        return sum(await rollout.trials(edges)), rollout.queries

    return make


def scraped(begin: int, end: int, first: float, every: int = 15) -> Samples:
    """A counter that rises by one from scrape to scrape."""
    return [(when, first + step) for step, when in enumerate(range(begin, end + 1, every))]


def every(seconds: int, until: int) -> range:
    return range(0, until + 1, seconds)


async def test_a_window_without_beginnings_makes_one_query(read: Read) -> None:
    assert await read(every(30, 120), a=scraped(0, 120, 50)) == (8, [1] * 4)


async def test_a_new_pods_counts_are_all_new_and_cost_one_query_more(read: Read) -> None:
    trials, queries = await read(every(30, 120), a=scraped(0, 120, 50), b=scraped(45, 120, 7))
    assert trials == 8 + 12
    assert queries == [1, 2, 1, 1]


@pytest.mark.parametrize("edges", [every(30, 1200), every(400, 1200), [0, 600, 1200]])
@pytest.mark.parametrize("marker", [[], [(315, None)]], ids=["", "with a staleness marker"])
async def test_after_scrapes_that_failed_for_ten_minutes_only_the_difference_counts(
    read: Read, edges: Any, marker: Any
) -> None:
    samples = [*scraped(0, 300, 100), *marker, *scraped(900, 1200, 160)]
    assert (await read(edges, a=samples))[0] == 80


@pytest.mark.parametrize(("edges", "apart"), [(every(5, 120), 30.0), (every(30, 120), None)])
async def test_windows_between_two_scrapes_say_how_far_apart_those_are(
    rollout: CountedRollout, edges: Any, apart: float | None
) -> None:
    rollout.write("a", scraped(-60, 120, 50, every=30))
    assert sum(await rollout.trials(edges)) == 4
    assert rollout.apart == apart
    assert sum(rollout.queries) == len(rollout.queries) + (apart is not None)


async def test_after_hours_without_prometheus_only_the_difference_counts(read: Read) -> None:
    edges = [*every(30, 300), *range(330, 5 * HOUR, 600), 5 * HOUR, 5 * HOUR + 300]
    samples = [*scraped(0, 300, 100), *scraped(5 * HOUR, 5 * HOUR + 300, 9000)]
    other = [*scraped(0, 300, 1), *scraped(5 * HOUR, 5 * HOUR + 300, 22)]
    assert (await read(edges, a=samples, b=other))[0] == 8920 + 41


async def test_scrapes_further_apart_than_staleness_count_once(read: Read) -> None:
    assert (await read(every(60, 2 * HOUR), a=scraped(0, 2 * HOUR, 100, every=600)))[0] == 12


async def test_a_counter_that_was_reset_while_nobody_looked_counts_from_zero(read: Read) -> None:
    samples = [*scraped(0, 300, 100), *scraped(900, 1200, 3)]
    assert (await read(every(30, 1200), a=samples))[0] == 20 + 23


async def test_a_counter_that_was_reset_and_outgrew_itself_counts_from_zero(read: Read) -> None:
    samples = [*scraped(0, 300, 100), (900, 3), (915, 500)]
    assert (await read([0, 300, 895, 1200], a=samples))[0] == 20 + 500


async def test_a_counter_reset_after_it_came_back_counts_what_it_had_gained_until_then(read: Read) -> None:
    samples = [*scraped(0, 300, 100), (900, 150), (915, 160), (930, 4), (945, 9)]
    trials, queries = await read([0, 300, 890, 950, 1200], a=samples)
    assert trials == 20 + 40 + 9
    # The beginnings of both, the samples of each; these once more, and how far apart they are.
    assert queries == [1, 1, 4, 4]


async def test_a_pod_that_returns_under_its_name_counts_from_zero(read: Read) -> None:
    samples = [*scraped(0, 300, 100), (301, None), *scraped(2 * HOUR, 2 * HOUR + 300, 0)]
    assert (await read([*every(30, 300), *every(300, 2 * HOUR + 300)[2:]], a=samples))[0] == 40


async def test_a_series_away_for_more_than_a_day_counts_from_its_first_sample_and_this_is_said(
    read: Read, rollout: CountedRollout
) -> None:
    back = 25 * HOUR
    samples = [*scraped(0, 300, 100), *scraped(back, back + 300, 1300)]
    assert (await read([0, 300, back - 10, back + 300], a=samples))[0] == 20 + 20
    [note] = rollout.notes
    assert note.startswith(
        "arm logistic: 1300 of good_total, 1300 of all_total not counted: its series began"
    )


async def test_lives_that_appear_when_prometheus_has_lost_its_data_are_not_learned(
    rollout: CountedRollout,
) -> None:
    rollout.write("before", [(30 * step, 6044 + 100 * step) for step in range(11)])
    usual = await rollout.trials(range(0, 301, 30), usual=100)
    rollout.write("after", [(401, 7926), (416, 7976), (431, 8026), (461, 8126)])
    empty, again = await rollout.trials([300, 330, 360, 390], 100), await rollout.trials([390, 420, 450], 100)
    assert (usual, empty, again) == ([100] * 10, [0] * 3, [50, 50])
    assert len(rollout.notes) == 1
    assert "7926 of all_total" in rollout.notes[0]


async def test_a_small_life_counts_from_where_it_was_when_prometheus_lost_its_data(
    body: dict[str, Any],
) -> None:
    with prometheus_server() as server:  # what came out of order on a shared one cannot be deleted
        one = CountedRollout(server, body, "lost")
        samples: Samples = [(15.0 * step, 10.0 * step) for step in range(20)]
        one.write("only", samples[:7])
        assert await one.trials([0, 30, 60, 90], usual=20) == [20, 20, 20]
        server.lose('{route="lost"}')
        assert await one.trials([90, 120], usual=20) == [0]
        one.write("only", samples[9:])
        assert sum(await one.trials([120, 150, 180, 210, 240], usual=20)) == 160 - 60
        assert "60 of all_total not counted: it was counted before" in one.notes[0]
        await one.close()


async def test_many_small_lives_at_once_are_one(rollout: CountedRollout) -> None:
    for pod in range(20):
        rollout.write(str(pod), [(10, 400), (25, 405)])
    assert await rollout.trials([0, 30], usual=100) == [100]
    assert "8000 of all_total" in rollout.notes[0]


async def test_a_busy_newcomer_counts_whole(rollout: CountedRollout) -> None:
    rollout.write("old", scraped(0, 120, 50))
    rollout.write("new", [(40, 90), (55, 180), (70, 270)])
    assert sum(await rollout.trials([0, 30, 60, 90], usual=90)) == 6 + 270
    assert rollout.notes == []


async def test_a_life_of_a_counter_that_was_reset_right_after_is_not_learned(rollout: CountedRollout) -> None:
    rollout.write("new", [(5, 9000), (15, 10), (25, 40)])
    assert await rollout.trials([0, 30], usual=100) == [40]
    assert "9000 of all_total" in rollout.notes[0]


async def test_a_life_of_requests_is_not_counted_either(rollout: CountedRollout) -> None:
    rollout.body["spec"]["rollback"] = {"requests": f'served_total{{route="{rollout.name}"}}'}
    rollout.write("old", scraped(0, 120, 50))
    rollout.write("gateway", [(40, 70_000), (55, 70_030)], "served_total")
    await rollout.trials([0, 30, 60], usual=10)
    assert rollout.requests == {"logistic": 30}
    assert rollout.notes == [
        "arm logistic: 70000 of served_total not counted: its series began with a life behind them, as "
        "after Prometheus lost its data or labels changed"
    ]


SAWTOOTH: Samples = [(0.0, 100), (15.0, 40), (30.0, 130), (45.0, 70), (60.0, 160), (75.0, 100)]


async def test_several_processes_behind_one_address_are_not_learned_from(rollout: CountedRollout) -> None:
    rollout.write("a", SAWTOOTH)
    await rollout.window(0, 30)
    found = await rollout.window(30, 60)
    assert found == Implausible(
        "CounterNotSteady",
        "good_total went down from 130 to 70 without starting again; are there several processes behind one "
        "metrics address?",
    )


async def test_a_series_that_is_reset_in_three_windows_running_is_no_counter(rollout: CountedRollout) -> None:
    rollout.write("a", [(15.0 * step, 500 * 2 ** (step // 2) if step % 2 else 5) for step in range(12)])
    found = [await rollout.window(start, start + 30) for start in (0, 30, 60, 90)]
    assert [isinstance(one, Observed) for one in found] == [True, True, False, False]
    assert "went down again and again" in found[2].message


async def test_two_counters_that_take_turns_are_noticed_in_the_next_window(rollout: CountedRollout) -> None:
    rollout.write("a", [(15.0 * step, 500 + step if step % 2 else 5) for step in range(12)])
    found = [await rollout.window(start, start + 30) for start in (0, 30)]
    assert isinstance(found[1], Implausible)
    assert "went from 5 back to 503 in one step" in found[1].message


async def test_pods_that_restart_one_after_the_other_are_counters_all_the_same(
    rollout: CountedRollout,
) -> None:
    for number in range(4):
        when = 30 * number + 10
        rollout.write(f"pod-{number}", [*scraped(0, when, 100), *scraped(when + 15, 150, 0)])
    found = [await rollout.window(start, start + 30) for start in (0, 30, 60, 90)]
    assert all(isinstance(one, Observed) for one in found)


@pytest.mark.parametrize("edges", [[0, 60], [0, 15, 30, 45, 60]])
async def test_a_small_dip_is_no_reset(rollout: CountedRollout, edges: Any) -> None:
    rollout.write("a", [(0, 1000145), (15, 1000147), (30, 1000142), (45, 1000155)])
    assert 10 <= sum(await rollout.trials(edges)) <= 15


async def test_a_small_dip_while_nobody_looked_is_no_reset(rollout: CountedRollout) -> None:
    rollout.write("a", [(0, 1000145), (15, 1000147), (900, 1000142), (915, 1000155)])
    assert sum(await rollout.trials([0, 30, 890, 930])) == 2 + 8


@pytest.mark.parametrize("lag", [20, 45, 100, 200])
async def test_samples_that_come_late_are_all_counted(rollout: CountedRollout, lag: int) -> None:
    rollout.write("a", [(0, 1000)])
    written, total = 0, 0.0
    for end in range(30, 1231, 30):
        while written + 15 <= end + 30 - lag:  # the window is read 30 s after its end
            written += 15
            rollout.write("a", [(written, 1000 + written)])
        total += (await rollout.trials([end - 30, end], usual=30))[0]
    assert total == min(1230, written)
    assert all(rollout.late[10:]) is (lag > 30)
    assert rollout.notes == []
    assert set(rollout.queries[1:]) == {1}


async def test_a_pod_whose_first_samples_come_late_is_counted_whole(rollout: CountedRollout) -> None:
    rollout.write("a", [(when, 1000 + when) for when in range(0, 301, 15)])
    first = await rollout.trials([0, 30, 60, 90], usual=30)
    rollout.write("b", [(80, 4), (95, 9), (110, 15)])
    assert [*first, *await rollout.trials([90, 120], usual=30)] == [30, 30, 30, 30 + 15]


async def test_a_life_that_comes_late_is_not_learned_and_this_is_said(rollout: CountedRollout) -> None:
    rollout.write("a", [(when, 1000 + when) for when in range(0, 301, 15)])
    await rollout.trials([0, 30, 60, 90], usual=30)
    rollout.write("b", [(80, 5000), (95, 5002), (110, 5005)])
    assert await rollout.trials([90, 120], usual=30) == [30 + 5]
    assert "5000 of all_total not counted: its series came late" in rollout.notes[0]


async def test_a_window_that_is_read_again_counts_the_same(rollout: CountedRollout) -> None:
    rollout.write("a", [(when, 1000 + when) for when in range(0, 76, 15)])
    await rollout.window(30, 60)
    rollout.write("a", [(when, 1000 + when) for when in range(90, 121, 15)])
    first = await rollout.window(60, 90)
    assert await rollout.window(60, 90) == first


@pytest.mark.parametrize(
    ("trials", "says"),
    [
        ('all_totals{route="ROUTE"}', "there is no metric all_totals; all_total is the nearest name"),
        ('all_total{route="x"}', 'no series of all_total has route="x"; its values of route are '),
        (
            'all_total{route="ROUTE"}',
            'the values of arm on all_total{route="ROUTE"} are A, v1.2;'
            " where they are not the arms' names, set arms[].labelValue",
        ),
    ],
)
async def test_of_arms_without_series_it_is_said_what_there_is_instead(
    rollout: CountedRollout, trials: str, says: str
) -> None:
    late = 40 * HOUR  # names of series that are written out of order cannot be looked up at once
    samples = scraped(late, late + 120, 50)
    rollout.write("a", samples, arm="A")
    rollout.write("a", samples, arm="v1.2")
    rollout.body["spec"]["reward"]["prometheus"]["trials"] = trials.replace("ROUTE", rollout.name)
    found = await rollout.window(late, late + 30)
    assert isinstance(found, NoData)
    expected = f"no series of trials: at {rollout.server.address}, {says.replace('ROUTE', rollout.name)}"
    assert found.reason.startswith(expected)


async def test_tenants_see_nothing_of_each_other_where_namespaces_are_bound(rollout: CountedRollout) -> None:
    name, mine, theirs = rollout.name, scraped(0, 120, 0), [(0, 0), (30, 9000), (60, 18000)]
    for namespace, samples in (("models", mine), ("victim", theirs)):
        labels = {"route": name, "arm": "logistic", "namespace": namespace}
        for metric in ("good_total", "all_total", "secret_total"):
            rollout.server.write(metric, labels, [(rollout.epoch + when, value) for when, value in samples])
    bound = Observer(Cache(), rollout.prometheus, None, Causes(rollout.discovery), bind_namespace=True)
    rollout.observer = bound
    assert await rollout.trials([0, 30, 60]) == [2, 2]
    rollout.body["spec"]["reward"] = {
        "type": "Bounded",
        "prometheus": {
            "query": 'sum by (arm) (increase(secret_total{namespace="victim"}[$window])) * 0 + 0.5 # mine',
            "samples": 'max by (arm) (increase(secret_total{namespace=~".*"}[$window]) * 0 + secret_total)',
            "address": rollout.server.address,
        },
    }
    assert await rollout.window(0, 30) == Observed(2, 1)


ADDRESS = "10.0.0.5:8000"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"job": "models"}, {"job": "pods"}),
        ({"job": "models", "prometheus_replica": "0"}, {"job": "models", "prometheus_replica": "1"}),
        ({"job": "models", "endpoint": "http"}, {"job": "pods", "node": "n1"}),
        ({"job": "models", "prometheus": "a/a"}, {"job": "models", "prometheus": "b/b"}),
    ],
    ids=["two jobs", "two replicas", "with labels of their own", "two servers"],
)
async def test_what_is_scraped_twice_is_not_learned_until_it_is_scraped_once(
    rollout: CountedRollout, first: dict[str, str], second: dict[str, str]
) -> None:
    rollout.write("a", scraped(0, 600, 50), instance=ADDRESS, **first)
    rollout.write("a", [*scraped(7, 127, 50), (130, None)], instance=ADDRESS, **second)
    found = [await rollout.window(start, start + 30) for start in range(0, 300, 30)]
    assert found[2] == Implausible(
        "ScrapedTwice",
        f"good_total at {ADDRESS} is scraped 2 times, so that each reward counts as often: let one job "
        f"scrape it, or have what answers for several Prometheus deduplicate, or name one job or replica in "
        f"the selector",
    )
    assert [isinstance(one, Implausible) for one in found] == [True] * 4 + [False] * 6
    assert rollout.queries[1:] == [1] * 9


async def test_a_second_server_that_begins_to_scrape_is_noticed_in_that_window(
    rollout: CountedRollout,
) -> None:
    rollout.write("a", scraped(0, 300, 50), instance=ADDRESS, prometheus_replica="0")
    rollout.write("a", scraped(97, 300, 56), instance=ADDRESS, prometheus_replica="1")
    found = [await rollout.window(start, start + 30) for start in range(0, 240, 30)]
    assert [isinstance(one, Implausible) for one in found] == [False] * 3 + [True] * 5


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"instance": ADDRESS, "job": "models"}, {"instance": "10.0.0.6:8000", "job": "pods"}),
        ({"instance": ADDRESS, "code": "200"}, {"instance": ADDRESS, "code": "500"}),
        ({"job": "models"}, {"job": "pods"}),
        ({"instance": ADDRESS, "replica": "r#1"}, {"instance": ADDRESS, "replica": "r#2"}),
        ({"instance": ADDRESS, "cluster": "a"}, {"instance": ADDRESS, "cluster": "b", "prometheus": "b/b"}),
    ],
    ids=["two targets", "two series of one", "without address", "replicas of a model", "two clusters"],
)
async def test_series_of_several_targets_are_no_copies(
    rollout: CountedRollout, first: dict[str, str], second: dict[str, str]
) -> None:
    rollout.write("a", scraped(0, 120, 50), **first)
    rollout.write("a", scraped(0, 120, 50), **second)
    assert await rollout.trials(every(30, 120)) == [4] * 4


async def test_a_job_that_is_renamed_is_not_two(rollout: CountedRollout) -> None:
    rollout.write("a", [*scraped(0, 285, 50), (290, None)], instance=ADDRESS, job="before")
    rollout.write("a", scraped(300, 600, 70), instance=ADDRESS, job="after")
    found = [await rollout.window(start, start + 30) for start in range(0, 600, 30)]
    assert not any(isinstance(one, Implausible) for one in found)
