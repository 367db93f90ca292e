"""What the operator says when it starts."""

from __future__ import annotations

from structlog.testing import capture_logs

from bandit_operator.adapters.access import Access, Origin
from bandit_operator.adapters.prometheus import Prometheus
from bandit_operator.app import look_for
from tests.support.servers import answering, server, vector


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


async def test_a_wrong_address_is_told_before_there_is_a_rollout() -> None:
    async with server(answering("")) as address:
        pass
    level, words = await said(address)
    assert level == "warning"
    assert address in words
    assert "cannot be reached" in words
