"""What a tick costs the API server and Prometheus, by the audit log and the operator's own counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from cluster.client import Cluster, EmbeddedCluster
from testbed.installation import OPERATOR_ACCOUNT, OPERATOR_NAMESPACE
from testbed.rollout import Rollout
from testbed.waiting import wait_until
from tests.e2e import NAMESPACE

pytestmark = pytest.mark.cluster

READS = {"get", "list"}
WRITES = {"create", "update", "patch", "delete"}


def api_requests(cluster: EmbeddedCluster, name: str) -> Counter[tuple[str, str]]:
    """The operator's requests about one rollout's objects, without leases and watches."""
    return Counter(
        (one.verb, f"{one.resource}/{one.subresource}".rstrip("/"))
        for one in cluster.requests()
        if one.user == OPERATOR_ACCOUNT
        and one.namespace == NAMESPACE
        and one.verb in READS | WRITES
        and (one.name.startswith(name) or one.resource == "events")
    )


def ticks(rollout: Rollout) -> int:
    return int(rollout.status().get("decisions", {}).get("total", 0))


def test_ticks_that_move_weights_read_nothing_and_write_twice_at_most(
    rollout: Callable[..., Rollout], steer: Callable[..., None], audited: EmbeddedCluster
) -> None:
    one = rollout()
    steer(one.name, good=(60, 0.5), bad=(60, 0.5))
    one.create(guardrails={"minTrials": 20, "minChange": "0"})
    wait_until(lambda: ticks(one) >= 2, "it ticks", 60)
    before, first = api_requests(audited, one.name), ticks(one)
    wait_until(lambda: ticks(one) >= first + 6, "six more ticks", 90)
    made, ticked = api_requests(audited, one.name) - before, ticks(one) - first
    assert not {key for key in made if key[0] in READS}, made
    assert sum(made.values()) <= 2 * (ticked + 1), made


def test_quiet_ticks_write_no_more_than_a_status_a_minute(
    rollout: Callable[..., Rollout], steer: Callable[..., None], audited: EmbeddedCluster
) -> None:
    one = rollout()
    steer(one.name, good=(60, 0.5), bad=(60, 0.5))
    one.create(guardrails={"minTrials": 10**9})
    one.wait_for("Ready", "True", "InSync", seconds=60)
    before = api_requests(audited, one.name)
    one.wait_for_later_window()
    after_one = api_requests(audited, one.name)
    assert after_one - before == Counter({("patch", "banditdeployments/status"): 1})
    assert len(one.status()["history"]) >= 10
    described = one.cluster.kubectl("describe", "bd", one.name).splitlines()
    assert len(described) <= 200, len(described)  # spec with its defaults, six conditions, arms, events


def test_a_tick_makes_one_query(
    rollout: Callable[..., Rollout], steer: Callable[..., None], operator: Cluster
) -> None:
    one = rollout()
    steer(one.name, good=(60, 0.5), bad=(60, 0.5))
    one.create(guardrails={"minTrials": 20, "minChange": "0"})  # each tick is written, so it can be counted
    one.wait_for("Ready", "True", "InSync", seconds=60)

    def queries() -> float:
        """What Prometheus itself has answered, without the queries that this test makes."""
        text = httpx.get(f"{operator.endpoints.prometheus}/metrics", timeout=5).text
        name = 'prometheus_http_requests_total{code="200",handler="/api/v1/query"} '
        return next(float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name))

    first, ticked = queries(), ticks(one)
    wait_until(lambda: ticks(one) >= ticked + 6, "six ticks", 90)
    made, ticked = queries() - first, ticks(one) - ticked
    assert ticked <= made + 1
    assert made <= ticked + 1


def test_metrics_and_probes_tell_what_it_does(
    rollout: Callable[..., Rollout], steer: Callable[..., None], operator: Cluster
) -> None:
    one = rollout()
    steer(one.name, good=(60, 0.2), bad=(60, 0.9))
    one.create()
    one.wait_for_move()
    # Those that every rollout moves; tests/reconcile/test_reasons.py moves all, in the process.
    wanted = {
        "decisions_total",
        "prometheus_queries_total",
        "prometheus_requests_total",
        "api_writes_total",
        "leading",
        "resources",
    }
    wanted |= {"arm_share", "arm_probability_best", "arm_evidence", "arm_mean_reward", "condition", "phase"}
    wanted |= {"tick_seconds_count", "tick_lag_seconds_count"}
    selector = f'{{namespace="{OPERATOR_NAMESPACE}"}}'

    def all_are_there() -> bool:
        names = {labels.get("__name__", "") for labels, _ in operator.query(selector)}
        missing = {name for name in wanted if f"bandit_operator_{name}" not in names}
        assert not missing, missing
        return True

    wait_until(all_are_there, "Prometheus has the operator's metrics", 20)
    deployment = operator.namespace(OPERATOR_NAMESPACE).get("deployment", "bandit-operator")
    probe = deployment["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]["httpGet"]["path"]
    assert probe == "/healthz"
    assert httpx.get(f"{operator.endpoints.prometheus}/-/healthy", timeout=5).status_code == 200
