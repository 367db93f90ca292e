"""A guard with a preset counts what happened in the window, whatever gateways and scrapes do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from bandit_operator.api.v1alpha1 import parse
from bandit_operator.reconcile.observe import WindowRead
from tests.support.counted import CountedRollout, Samples
from tests.support.prometheus import PrometheusServer, prometheus_server

pytestmark = pytest.mark.slow
SERVICE = "models-income-logistic-8080@kubernetesgateway"


@pytest.fixture
def server() -> Iterator[PrometheusServer]:
    with prometheus_server() as one:
        yield one


@pytest.fixture
async def rollout(
    body: dict[str, Any], server: PrometheusServer, request: pytest.FixtureRequest
) -> AsyncIterator[CountedRollout]:
    body["spec"]["guards"] = [{"name": "errors", "preset": "GatewaySuccess", "below": "95%"}]
    one = CountedRollout(server, body, request.node.name)
    yield one
    await one.close()


def counted(rollout: CountedRollout, code: str, samples: Samples) -> None:
    labels = {"service": SERVICE, "code": code, "pod": "traefik-0"}
    shifted = [(rollout.epoch + when, value) for when, value in samples]
    rollout.server.write("traefik_service_requests_total", labels, shifted)


async def share(rollout: CountedRollout, start: float, end: float) -> float | None:
    read = await rollout.observer.rewards(parse(rollout.body), rollout.epoch + start, rollout.epoch + end)
    assert isinstance(read, WindowRead)
    return read.window.guards["errors"].get("logistic")


async def test_a_gateway_that_starts_again_makes_no_arm_unwell(rollout: CountedRollout) -> None:
    """1 of 601 requests failed after the restart, and 2 of 10,002 before."""
    counted(rollout, "200", [(when, 10_000 + 20 * when) for when in range(0, 120, 15)])
    counted(rollout, "502", [(when, 2) for when in range(0, 120, 15)])
    counted(rollout, "200", [(when, 20 * (when - 120)) for when in range(135, 181, 15)])
    counted(rollout, "502", [(when, 3) for when in range(135, 181, 15)])
    assert await share(rollout, 60, 90) == 1.0
    value = await share(rollout, 120, 150)
    assert value is None or value > 0.95


async def test_scrapes_that_failed_for_ten_minutes_make_no_arm_unwell(rollout: CountedRollout) -> None:
    """A bad hour a week ago; since then every request succeeded."""
    for begin, end in ((0, 300), (900, 1200)):
        counted(rollout, "200", [(when, 10_000 + 20 * when) for when in range(begin, end + 1, 15)])
        counted(rollout, "502", [(when, 9_000) for when in range(begin, end + 1, 15)])
    assert await share(rollout, 60, 90) == 1.0
    value = await share(rollout, 890, 920)
    assert value is None or value > 0.95


async def test_what_starts_again_in_every_window_is_measured_all_the_same(rollout: CountedRollout) -> None:
    """As the counters of a model server that dies of every tenth request: half of its requests fail."""
    for when in range(0, 301, 5):
        life = when % 25  # seconds since it began
        counted(rollout, "200", [(when, 2.0 * life)])
        counted(rollout, "502", [(when, 2.0 * life)])
    for start in range(60, 240, 30):
        value = await share(rollout, start, start + 30)
        assert value is not None, start
        assert value < 0.95
