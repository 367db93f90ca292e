"""Every panel and every alert rule is asked of a real Prometheus that scrapes a real operator."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cluster.client import Cluster
from monitoring.alerts import ALERTS, Alert
from monitoring.dashboards import DASHBOARDS, as_json, filled, queries
from testbed.rollout import Rollout
from testbed.waiting import wait_until
from tests.e2e import NAMESPACE

pytestmark = pytest.mark.cluster

WITHOUT_DATA = (
    "arm_realised_share",
    "foreign_weight_changes",
    "holds_total",
    "rollbacks_total",
    'status="False"',
)
"""What there is nothing of where nobody counts requests, nobody else sets weights and no arm is out."""


def test_every_panel_shows_something_of_a_rollout_that_runs(
    rollout: Callable[..., Rollout], steer: Callable[..., None], operator: Cluster
) -> None:
    one = rollout()
    steer(one.name, good=(60, 0.2), bad=(60, 0.9))
    one.create()
    one.wait_for_move()
    pages = [as_json(page()) for page in DASHBOARDS.values()]
    every = {
        filled(promql, {"namespace": NAMESPACE, "resource": one.name})
        for page in pages
        for promql in queries(page)
    }
    wanted = {promql for promql in every if not any(part in promql for part in WITHOUT_DATA)}

    def all_answered() -> bool:
        empty = sorted(promql for promql in wanted if not operator.query(promql))
        assert not empty, empty
        return True

    wait_until(all_answered, "every panel has data", 60)
    for promql in sorted(every - wanted):
        operator.query(promql)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_rule_is_a_query_that_prometheus_answers(alert: Alert, operator: Cluster) -> None:
    operator.query(alert.promql)
