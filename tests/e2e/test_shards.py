"""Three replicas divide the resources: each looks at its own, through kills and stops, no two at one."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bandit_operator.runtime.shards import shard_of
from cluster.client import Cluster, EmbeddedCluster
from testbed import altered
from testbed.altered import CONTAINER, process_of
from testbed.installation import install_operator
from testbed.rollout import Rollout
from testbed.waiting import wait_until
from tests.e2e import ADDRESSES

pytestmark = pytest.mark.cluster

SHARDS = 3
RESOURCES = 9
MOST = 30
"""Resources of which one falls to each shard, but for a chance of one in 60,000."""
LEASE = "bandit-operator"
UNPROBED: list[dict[str, Any]] = [{"op": "remove", "path": f"{CONTAINER}/livenessProbe"}]


def lease(operators: Cluster, name: str) -> dict[str, Any]:
    spec: dict[str, Any] = operators.get("lease", name)["spec"]
    return spec


def holders(operators: Cluster) -> list[str]:
    """Who holds each shard."""
    return [str(lease(operators, f"{LEASE}-{shard}")["holderIdentity"]) for shard in range(SHARDS)]


def pods(operators: Cluster) -> set[str]:
    """The Pods that are there to stay."""
    found = operators.get("pods", "-l", "app.kubernetes.io/name=bandit-operator")["items"]
    return {one["metadata"]["name"] for one in found if "deletionTimestamp" not in one["metadata"]}


def wait_for_one_each(operators: Cluster) -> None:
    wait_until(lambda: set(holders(operators)) == pods(operators), "each has a shard", 90)


@pytest.fixture(scope="module")
def replicas(operator: Cluster) -> Iterator[Cluster]:
    """The operator with three shards, which no probe restarts; afterwards it is one again."""
    install_operator(operator, ADDRESSES, f"shards={SHARDS}")
    with altered.patched_operator(operator, UNPROBED, ADDRESSES) as operators:
        wait_for_one_each(operators)
        yield operators
    wait_until(lambda: lease(operators, LEASE)["holderIdentity"] in pods(operators), "it leads", 60)


@pytest.fixture
def several(rollout: Callable[..., Rollout], steer: Callable[..., None]) -> list[Rollout]:
    """As many resources as are needed for each shard to have some: which has one, its uid says."""
    made: list[Rollout] = []
    while len(made) < RESOURCES or {shard_of(uid(one), SHARDS) for one in made} < set(range(SHARDS)):
        assert len(made) < MOST
        one = rollout(f"-{len(made)}")
        good = 0.5 + 0.04 * (len(made) % RESOURCES)
        steer(one.name, good=(60, good), bad=(60, good - 0.02))
        one.create()
        made.append(one)
    for one in made:
        one.wait_for("Ready", "True", "InSync", seconds=90)
    return made


def uid(one: Rollout) -> str:
    return str(one.cluster.get("bd", one.name)["metadata"]["uid"])


def writers(cluster: EmbeddedCluster, one: Rollout) -> list[str]:
    """The Pods that wrote a resource or its route, each run of writes by one Pod once."""
    wrote = (
        made.pod
        for made in sorted(cluster.requests(), key=lambda made: made.time)
        if made.name == one.name
        and made.namespace == one.namespace
        and made.verb in ("patch", "update", "create")
        and made.code < 300
        and made.pod.startswith("bandit-operator-")
    )
    return [pod for pod, _ in itertools.groupby(wrote)]


def handed_over(operators: Cluster, shard: int) -> int:
    """How often a shard has gone from one replica to another."""
    return int(lease(operators, f"{LEASE}-{shard}")["leaseTransitions"])


def wait_for_all_to_go_on(several: list[Rollout]) -> None:
    cursors = [one.status()["cursor"] for one in several]
    for one, before in zip(several, cursors, strict=True):
        one.wait_for_later_window(before)


def test_three_replicas_look_at_what_falls_to_them_and_hand_it_over_through_kills_and_stops(
    replicas: Cluster, several: list[Rollout], audited: EmbeddedCluster
) -> None:
    shards = [shard_of(uid(one), SHARDS) for one in several]
    assert set(shards) == set(range(SHARDS))
    before = [handed_over(replicas, shard) for shard in range(SHARDS)]
    held = holders(replicas)
    for one, shard in zip(several, shards, strict=True):
        assert writers(audited, one) == [held[shard]]
    ticks = [one.status()["memory"]["ticks"] for one in several]

    replicas.kubectl("delete", "pod", held[0], "--force", "--grace-period=0")
    wait_until(lambda: held[0] not in holders(replicas), "its shard is another's", 40)
    wait_for_all_to_go_on(several)
    wait_for_one_each(replicas)

    sleeper = holders(replicas)[1]
    process = process_of(sleeper)
    os.kill(process, signal.SIGSTOP)
    try:
        wait_until(lambda: sleeper not in holders(replicas), "its shard is another's", 60)
        wait_for_all_to_go_on(several)
    finally:
        os.kill(process, signal.SIGCONT)
    wait_for_one_each(replicas)

    stopped = holders(replicas)[2]
    replicas.kubectl("delete", "pod", stopped, "--wait=false")
    wait_until(lambda: stopped not in holders(replicas), "its shard is another's", 12)
    wait_for_one_each(replicas)
    wait_for_all_to_go_on(several)

    handed = [handed_over(replicas, shard) - count for shard, count in enumerate(before)]
    assert sum(handed) >= 3
    for one, shard, count in zip(several, shards, ticks, strict=True):
        # Each time of holding the shard is one run of writes at most: nobody wrote in between.
        assert len(writers(audited, one)) - 1 <= handed[shard]
        status = one.status()
        assert status["memory"]["ticks"] > count
        ends = [record["window"]["end"] for record in status["history"] if "window" in record]
        assert len(ends) == len(set(ends))


def test_another_number_of_shards_takes_over_when_the_last_replica_of_before_is_gone(
    replicas: Cluster, operator: Cluster, several: list[Rollout], audited: EmbeddedCluster
) -> None:
    olds = pods(replicas)
    install_operator(operator, ADDRESSES, "shards=1")
    [new] = pods(replicas) - olds
    wait_until(lambda: lease(replicas, LEASE)["holderIdentity"] == new, "the new one leads", 60)
    wait_for_all_to_go_on(several)
    for one in several:
        first, last = writers(audited, one)
        assert first in olds
        assert last == new
