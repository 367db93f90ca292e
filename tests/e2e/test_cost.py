"""What a tick costs the API server and Prometheus, by the audit log and the operator's own counters."""

from __future__ import annotations

from collections import Counter

import httpx
import pytest

from cluster.client import EmbeddedCluster
from testbed.installation import OPERATOR_ACCOUNT, OPERATOR_NAMESPACE
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


def ticks(rollout) -> int:
    return int(rollout.status().get("decisions", {}).get("total", 0))


@pytest.fixture
def audited(operator) -> EmbeddedCluster:
    """The embedded cluster, which alone has an audit log that tests can read."""
    if not isinstance(operator, EmbeddedCluster):
        pytest.fail("this test reads the API server's audit log: run it without KUBECONFIG and CLUSTER")
    return operator


def test_ticks_that_move_weights_read_nothing_and_write_twice_at_most(rollout, steer, audited):
    one = rollout()
    steer(one.name, good=(60, 0.5), bad=(60, 0.5))
    one.create(guardrails={"minTrials": 20, "minChange": "0"})
    wait_until(lambda: ticks(one) >= 2, "it ticks", 60)
    before, first = api_requests(audited, one.name), ticks(one)
    wait_until(lambda: ticks(one) >= first + 6, "six more ticks", 90)
    made, ticked = api_requests(audited, one.name) - before, ticks(one) - first
    assert not {key for key in made if key[0] in READS}, made
    assert sum(made.values()) <= 2 * (ticked + 1), made


def test_quiet_ticks_write_no_more_than_a_status_a_minute(rollout, steer, audited):
    one = rollout()
    steer(one.name, good=(60, 0.5), bad=(60, 0.5))
    one.create(guardrails={"minTrials": 10**9})
    one.wait_for("Ready", "True", "InSync", seconds=60)
    before = api_requests(audited, one.name)
    cursor = one.status()["cursor"]
    wait_until(lambda: one.status()["cursor"] != cursor, "the next status is written", 90)
    after_one = api_requests(audited, one.name)
    assert after_one - before == Counter({("patch", "banditdeployments/status"): 1})
    assert len(one.status()["history"]) >= 10


def test_a_tick_asks_prometheus_one_question(rollout, steer, operator):
    one = rollout()
    steer(one.name, good=(60, 0.5), bad=(60, 0.5))
    one.create()
    pod = operator.namespace(OPERATOR_NAMESPACE)
    one.wait_for("Ready", "True", "InSync", seconds=60)

    def counted(metric: str) -> float:
        found = operator.query(f"sum({metric}{{namespace='{OPERATOR_NAMESPACE}'}})")
        return found[0][1] if found else 0.0

    first = counted("bandit_operator_prometheus_queries_total")
    wait_until(lambda: counted("bandit_operator_prometheus_queries_total") >= first + 5, "five questions", 60)
    assert pod.kubectl("get", "pods", "--no-headers").count("Running") == 1


def test_metrics_and_probes_tell_what_it_does(rollout, steer, operator):
    one = rollout()
    steer(one.name, good=(60, 0.2), bad=(60, 0.9))
    one.create()
    one.wait_for_move()
    wanted = {"decisions_total", "arm_weight", "arm_probability_best", "tick_seconds_count"}
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
