"""A real Prometheus that asks another for a part of its data, which does not answer."""

from __future__ import annotations

import pytest

from bandit_operator.adapters.prometheus import Prometheus
from bandit_operator.core.model import SourceDown
from tests.support.prometheus import prometheus_server

pytestmark = pytest.mark.slow
READS_FROM_NOBODY = """\
remote_read: [{url: "http://127.0.0.1:9/read", read_recent: true}]
"""


async def test_what_a_prometheus_adds_up_without_those_it_reads_from_is_no_answer(
    patient: Prometheus,
) -> None:
    with prometheus_server(configuration=READS_FROM_NOBODY) as server:
        found = await patient.query(server.address, "sum(increase(all_total[1m]))", 1000.0)
    assert isinstance(found, SourceDown)
    assert found.reason == "PartialAnswer"
