"""What the operator says when it starts."""

from __future__ import annotations

from collections.abc import Sequence

from structlog.testing import capture_logs

from bandit_operator import app
from bandit_operator.adapters.access import Access, Origin
from bandit_operator.adapters.prometheus import Prometheus
from bandit_operator.app import find, look_for
from bandit_operator.core import reasons
from bandit_operator.core.model import SourceDown
from bandit_operator.runtime.election import LeaseSettings
from bandit_operator.runtime.settings import Settings
from bandit_operator.runtime.telemetry import Metrics
from bandit_operator.sources import Sample
from tests.support.fake_api import FakeAPI
from tests.support.servers import answering, server, vector

ADDRESS = "http://prometheus.monitoring:9090"


async def said(address: str) -> tuple[str, str]:
    """Level and words of what is logged of a Prometheus at that address."""
    prometheus = Prometheus(Access(Origin.of(address)))
    try:
        with capture_logs() as logs:
            await look_for(prometheus, address, 1.0)
    finally:
        await prometheus.close()
    [line] = logs
    return line["log_level"], f"{line['event']}: {line.get('reason')}"


async def test_a_prometheus_that_answers_is_named_once() -> None:
    async with server(answering(vector({"metric": {}, "value": [1, "1"]}))) as address:
        assert (await said(address))[0] == "info"


async def test_each_request_to_prometheus_is_counted() -> None:
    lease = LeaseSettings("operator", "system", "me", duration=15.0, deadline=10.0, period=1.0)
    async with server(answering(vector({"metric": {}, "value": [1, "1"]}))) as address:
        one = app.Operator(Settings(lease, prometheus_access=Access(Origin.of(address))), FakeAPI())
        for at in (1.0, 2.0):
            await one.prometheus.query(address, "vector(1)", at=at)
        await one.prometheus.close()
    assert one.metrics.registry.get_sample_value("bandit_operator_prometheus_requests_total") == 2


async def test_a_wrong_address_is_told_before_there_is_a_rollout() -> None:
    async with server(answering("")) as address:
        pass
    level, words = await said(address)
    assert level == "warning"
    assert address in words
    assert "cannot be reached" in words


class AnswersAtLast(Prometheus):
    """A server that answers the third time, and what the metric said whenever it was asked."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__(Access(Origin.of(ADDRESS)))
        self._registry = metrics.registry
        self.said: list[float | None] = []

    def look(self) -> None:
        labels = {"address": ADDRESS}
        self.said.append(self._registry.get_sample_value("bandit_operator_prometheus_found", labels))

    async def query(self, *_: object) -> Sequence[Sample] | SourceDown:  # type: ignore[override]  # made up
        self.look()
        return [] if len(self.said) == 3 else SourceDown(reasons.UNREACHABLE, "its name is not known")


async def test_a_metric_says_whether_the_installed_prometheus_has_answered_since_the_start() -> None:
    metrics = Metrics()
    prometheus = AnswersAtLast(metrics)
    await find(prometheus, ADDRESS, lambda: 1.0, metrics, pause=0.0)
    prometheus.look()
    assert prometheus.said == [0.0, 0.0, 0.0, 1.0]
