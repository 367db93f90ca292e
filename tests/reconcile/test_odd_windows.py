"""Windows that are no whole number of seconds: spec.interval takes ms, and a change of it leaves a rest."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from bandit_operator.api.v1alpha1 import parse
from bandit_operator.core.windows import due, newest_end
from bandit_operator.reconcile.observe import WindowRead
from tests.support.counted import CountedRollout
from tests.support.prometheus import PrometheusServer, prometheus_server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    with prometheus_server() as one:
        yield one


@pytest.fixture
async def rollout(
    body: dict[str, Any], server: PrometheusServer, request: pytest.FixtureRequest
) -> AsyncIterator[CountedRollout]:
    one = CountedRollout(server, body, re.sub("[^A-Za-z0-9]", "-", request.node.name))
    one.epoch -= one.epoch % 510  # so that edges lie on the grid
    yield one
    await one.close()


def edges(interval: float, until: float) -> list[float]:
    return [step * interval for step in range(int(until / interval) + 1)]


@pytest.mark.parametrize("interval", [7.0, 7.5])
async def test_each_reward_counts_five_minutes_after_a_reset_too(
    rollout: CountedRollout, interval: float
) -> None:
    """A Pod starts again at 106 s, and then counts on; a scrape a second."""
    parse({**rollout.body, "spec": {**rollout.body["spec"], "interval": f"{round(1000 * interval)}ms"}})
    before = [(float(when), 1000.0 + when) for when in range(106)]
    rollout.write("a", [*before, *((float(when), float(when - 106)) for when in range(106, 526))])
    counted = await rollout.trials(edges(interval, 525))
    assert counted.count(0) == 0
    assert sum(counted) == 105 + 419


async def test_what_is_left_of_a_second_after_a_change_of_the_interval_can_be_read(
    rollout: CountedRollout,
) -> None:
    """From 5100ms to 30s: the cursor stands on a multiple of 5.1 s, and the next grid point is 0.3 s away."""
    cursor = newest_end(rollout.epoch + 239.9, 5.1, 0.0)
    (start, end), *_ = due(cursor, rollout.epoch + 240.0, 30.0).windows
    rollout.write("a", [(float(when), float(when)) for when in range(260)])
    read = await rollout.observer.rewards(parse(rollout.body), start, end)
    assert isinstance(read, WindowRead), (end - start, read)
