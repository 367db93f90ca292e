"""The shadow's counters in a real Prometheus: read as exactly as served ones, and at no cost of theirs."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest

from bandit_operator.adapters.access import Access, Origin
from bandit_operator.adapters.discovery import Discovery
from bandit_operator.adapters.prometheus import Prometheus
from bandit_operator.api.v1alpha1 import parse
from bandit_operator.core import reasons
from bandit_operator.core.model import Implausible, NoData, Observed, Paired, Shadowed, SourceDown
from bandit_operator.reconcile.causes import Causes
from bandit_operator.reconcile.observe import Observer, WindowRead
from bandit_operator.sources import Sample
from bandit_operator.sources.resets import Series
from bandit_operator.watch.cache import Cache
from tests.support.prometheus import PrometheusServer, prometheus_server

pytestmark = pytest.mark.slow
PAIR = ("logistic", "boosting")
OF_PAIRS = ("pair_trials", "pair_gains", "pair_losses", "pair_squares")


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    with prometheus_server() as one:
        yield one


class Counting(Prometheus):
    """Counts what it is asked; answers nothing about the samples of the shadow's counters where told so."""

    queries = 0
    dumb = False

    async def query(self, *arguments: Any, **named: Any) -> list[Sample] | SourceDown:
        self.queries += 1
        return await super().query(*arguments, **named)

    async def series(self, address: str, promql: str, at: Any) -> list[Series] | SourceDown:
        if self.dumb and "shadow" in promql:
            return SourceDown(reasons.BAD_ANSWER, "too many samples")
        return await super().series(address, promql, at)


class Rollout:
    """One resource with a shadow; times are seconds since a moment two hours ago."""

    def __init__(self, server: PrometheusServer, body: dict[str, Any], name: str) -> None:
        self.server, self.name, self.epoch = server, name, int(time.time()) - 7200
        body["spec"]["reward"] = {
            "prometheus": {
                "successes": f'model_reward_successes_total{{route="{name}"}}',
                "trials": f'model_reward_trials_total{{route="{name}"}}',
                "address": server.address,
            }
        }
        body["spec"]["shadow"] = {"prometheus": {"collector": {"route": name}}}
        body["spec"]["rollback"] = {}
        self.body = body
        access = Access(Origin.of(server.address))
        self.prometheus, self.discovery = Counting(access, deadline=30), Discovery(access)
        self.observer = Observer(Cache(), self.prometheus, None, Causes(self.discovery))

    def write(self, metric: str, samples: Mapping[float, float], **labels: str) -> None:
        """Let Prometheus have samples, by their times, of one of the collector's counters."""
        shifted = [(self.epoch + when, value) for when, value in samples.items()]
        self.server.write(f"model_reward_{metric}_total", {"route": self.name, **labels}, shifted)

    def serve(self) -> None:
        """Ten served requests of each arm a window of 30 s, half of them successes."""
        for arm in PAIR:
            self.write("trials", {0: 100, 30: 110, 60: 120, 90: 130}, arm=arm)
            self.write("successes", {0: 50, 30: 55, 60: 60, 90: 65}, arm=arm)

    def score(self, *values: float, begin: float = 0) -> None:
        """The shadow's counters every 30 s; boosting gains half of the time."""
        for arm in PAIR:
            for metric in ("trials", "successes"):
                samples = {begin + 30 * step: value for step, value in enumerate(values)}
                self.write(f"shadow_{metric}", samples, arm=arm)
        for metric, factor in zip(OF_PAIRS, (1.0, 0.5, 0.0, 0.5), strict=True):
            samples = {begin + 30 * step: factor * value for step, value in enumerate(values)}
            self.write(f"shadow_{metric}", samples, pair="boosting/logistic")

    async def window(self, start: float, end: float) -> WindowRead:
        reading = await self.observer.rewards(parse(self.body), self.epoch + start, self.epoch + end)
        assert isinstance(reading, WindowRead)
        assert set(reading.window.arms.values()) == {Observed(10, 5)}, "what was served is as it was"
        return reading

    async def shadow(self, start: float, end: float) -> Shadowed:
        found = (await self.window(start, end)).window.shadow
        assert found is not None
        return found


@pytest.fixture
async def rollout(
    body: dict[str, Any], server: PrometheusServer, request: pytest.FixtureRequest
) -> AsyncIterator[Rollout]:
    one = Rollout(server, body, re.sub("[^A-Za-z0-9]", "-", request.node.name))
    one.serve()
    yield one
    await one.prometheus.close()
    one.discovery.close()


async def test_arms_and_pairs_are_read_by_the_query_that_reads_what_was_served(rollout: Rollout) -> None:
    rollout.score(4, 8, 20)
    assert await rollout.shadow(0, 30) == Shadowed(
        dict.fromkeys(PAIR, Observed(4, 4)), {PAIR: Paired(4, -2, 2)}
    )
    assert (await rollout.shadow(30, 60)).pairs == {PAIR: Paired(12, -6, 6)}
    assert rollout.prometheus.queries == 2


async def test_a_collector_that_starts_again_counts_from_zero(rollout: Rollout) -> None:
    rollout.score(100, 120, 6)
    assert (await rollout.shadow(0, 30)).pairs == {PAIR: Paired(20, -10, 10)}
    assert (await rollout.shadow(30, 60)).pairs == {PAIR: Paired(6, -3, 3)}


async def test_what_comes_late_is_counted_with_the_next_window(rollout: Rollout) -> None:
    rollout.score(10, 14)
    assert (await rollout.shadow(0, 30)).arms["boosting"] == Observed(4, 4)
    rollout.score(20, begin=29)  # comes after its window has been read
    rollout.score(26, begin=60)
    rollout.score(20, begin=30.5)
    found = [(await rollout.shadow(30, 60)).arms["boosting"]]
    assert found == [Observed(12, 12)]


async def test_where_the_shadow_has_no_series_the_cause_is_named(rollout: Rollout) -> None:
    rollout.body["spec"]["shadow"]["prometheus"] = {"collector": {"route": "another"}}
    other = Rollout(rollout.server, rollout.body, "known")
    other.score(4, 8)
    await other.prometheus.close()
    other.discovery.close()
    rollout.body["spec"]["reward"]["prometheus"] |= {
        key: f'model_reward_{key}_total{{route="{rollout.name}"}}' for key in ("successes", "trials")
    }
    rollout.body["spec"]["shadow"]["prometheus"] = {"collector": {"route": "another"}}
    missing = (await rollout.shadow(0, 30)).arms["boosting"]
    assert isinstance(missing, NoData)
    assert missing.reason.startswith("no series of trials: at http://")
    assert 'no series of model_reward_shadow_trials_total has route="another"' in missing.reason
    assert "known" in missing.reason


async def test_a_counter_of_the_shadow_that_is_none_costs_the_shadow_alone(rollout: Rollout) -> None:
    rollout.score(1000, 800, 820)  # neither a reset nor a step that is tolerated
    found = await rollout.shadow(0, 30)
    for outcome in (*found.arms.values(), *found.pairs.values()):
        assert isinstance(outcome, Implausible)
        assert outcome.reason == reasons.COUNTER_NOT_STEADY
        assert "went down from" in outcome.message


async def test_samples_of_the_shadow_that_cannot_be_read_cost_the_shadow_alone(rollout: Rollout) -> None:
    rollout.score(100, 6, 20)  # a reset, which is read sample by sample
    rollout.prometheus.dumb = True
    found = await rollout.shadow(0, 30)
    for outcome in (*found.arms.values(), *found.pairs.values()):
        assert isinstance(outcome, NoData)


async def test_a_life_of_the_shadows_counters_is_not_counted_and_leaves_the_rest(rollout: Rollout) -> None:
    rollout.score(50_000, begin=20)
    read = await rollout.window(0, 30)
    assert read.window.shadow is not None
    assert read.window.shadow.arms == dict.fromkeys(PAIR, Observed(0, 0))
    assert not read.past_is_lost
    assert any("model_reward_shadow_trials" in note for note in read.notes)
