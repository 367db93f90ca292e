"""Two replicas: one acts, the other takes over with the same memory, and a sleeper writes nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from cluster.client import Cluster, EmbeddedCluster
from testbed.altered import CONTAINER, holder, lease, process_of
from testbed.rollout import Rollout
from testbed.waiting import wait_until
from tests.e2e.conftest import patched_operator

pytestmark = pytest.mark.cluster


@pytest.fixture
def pair(operator: Cluster) -> Iterator[Cluster]:
    """The operator with two replicas, which no probe restarts while they sleep."""
    patch: list[dict[str, Any]] = [
        {"op": "replace", "path": "/spec/replicas", "value": 2},
        {"op": "remove", "path": f"{CONTAINER}/livenessProbe"},
    ]
    with patched_operator(operator, patch) as operators:
        yield operators


def test_the_other_replica_goes_on_with_the_same_memory_when_the_leader_is_killed(
    rollout: Callable[..., Rollout], steer: Callable[..., None], pair: Cluster
) -> None:
    one = rollout()
    steer(one.name, good=(60, 0.5), bad=(60, 0.5))
    one.create()
    one.wait_for("Ready", "True", "InSync", seconds=60)
    before = one.status()
    leader = holder(pair)
    pair.kubectl("delete", "pod", leader, "--force", "--grace-period=0")
    wait_until(lambda: holder(pair) not in ("", leader), "another leads", 40)
    one.wait_for_later_window(before["cursor"])
    after = one.status()
    assert float(after["arms"][0]["trials"]) > float(before["arms"][0]["trials"])
    assert after["memory"]["ticks"] > before["memory"]["ticks"]
    ends = [record["window"]["end"] for record in after["history"] if "window" in record]
    assert len(ends) == len(set(ends))


def test_a_leader_that_slept_longer_than_its_lease_writes_nothing_when_it_wakes(
    rollout: Callable[..., Rollout], steer: Callable[..., None], audited: EmbeddedCluster, pair: Cluster
) -> None:
    one = rollout()
    steer(one.name, good=(60, 0.5), bad=(60, 0.5))
    one.create(guardrails={"minTrials": 20, "minChange": "0"})
    one.wait_for("Ready", "True", "InSync", seconds=60)
    sleeper = holder(pair)
    process = process_of(sleeper)
    os.kill(process, signal.SIGSTOP)
    try:
        wait_until(lambda: holder(pair) not in ("", sleeper), "another leads", 60)
        one.wait_for_later_window()
    finally:
        woken = datetime.now(UTC)
        os.kill(process, signal.SIGCONT)
    versions = lease(pair)["leaseTransitions"]
    one.wait_for_later_window()
    requests = [made for made in audited.requests() if made.pod == sleeper and made.time > woken]
    assert any(made.resource == "leases" for made in requests)  # it is awake, and asks who leads
    changes = [made for made in requests if made.verb not in ("get", "list", "watch")]
    assert [made for made in changes if made.resource != "leases"] == []
    assert lease(pair)["leaseTransitions"] == versions
    assert holder(pair) != sleeper


def test_a_replica_that_is_stopped_in_order_hands_over_within_seconds(
    rollout: Callable[..., Rollout], steer: Callable[..., None], pair: Cluster
) -> None:
    one = rollout()
    steer(one.name, good=(60, 0.5), bad=(60, 0.5))
    one.create()
    one.wait_for("Ready", "True", "InSync", seconds=60)
    leader = holder(pair)
    pair.kubectl("delete", "pod", leader, "--wait=false")
    wait_until(lambda: holder(pair) not in ("", leader), "another leads", 12)
