"""A counter that is infinite: numbers that cannot be are held for as long as they are so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from bandit_operator.core.model import Observed
from tests.support.counted import CountedRollout
from tests.support.prometheus import PrometheusServer, prometheus_server

pytestmark = pytest.mark.slow
INFINITE: Any = "Infinity"  # as OTLP writes it in JSON


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    with prometheus_server() as one:
        yield one


@pytest.fixture
async def rollout(body: dict[str, Any], server: PrometheusServer) -> AsyncIterator[CountedRollout]:
    one = CountedRollout(server, body, "infinite")
    yield one
    await one.close()


async def test_successes_that_became_infinite_are_not_learned_as_failures(rollout: CountedRollout) -> None:
    """The process adds one reward of +Inf after 120 s; the counter is infinite from then on."""
    times = range(0, 301, 15)
    rollout.write("a", [(time, 10.0 * time) for time in times], "all_total")
    rollout.write("a", [(time, 9.0 * time if time <= 120 else INFINITE) for time in times], "good_total")
    found = [await rollout.window(start, start + 30) for start in range(0, 270, 30)]
    assert [one for one in found if isinstance(one, Observed) and one.rewards != 0.9 * one.trials] == []
