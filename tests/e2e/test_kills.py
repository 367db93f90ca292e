"""Killed at every step of its work, while Pods come and go, the operator counts every reward once."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bandit_operator.status.replay import NothingToReplay, replay
from cluster.client import Cluster
from testbed.altered import CONTAINER
from testbed.reward_source import COUNTING_MODEL
from testbed.rollout import Rollout
from testbed.waiting import wait_until
from tests.e2e.conftest import patched_operator, program
from tests.e2e.versions import Versions, assert_counted_once

pytestmark = pytest.mark.cluster

PLAN = {
    "before query": 3,
    "after query": 3,
    "before commit": 4,
    "after commit": 4,
    "before route": 4,
    "after route": 4,
    "before scale": 1,
    "after scale": 1,
}
ARMS = {"good": 0.6, "fair": 0.6, "bad": 0.1}


@pytest.fixture
def killed(operator: Cluster) -> Iterator[Cluster]:
    """The operator as it is shipped, in a Pod that kills it by the plan."""
    patch: list[dict[str, Any]] = [
        {"op": "replace", "path": f"{CONTAINER}/image", "value": "bandit-operator:killed"},
        {"op": "add", "path": f"{CONTAINER}/args/0", "value": json.dumps(PLAN)},
        {"op": "remove", "path": f"{CONTAINER}/livenessProbe"},  # it would kill at points of its own
        {
            "op": "add",
            "path": f"{CONTAINER}/volumeMounts",
            "value": [{"name": "kills", "mountPath": "/kills"}],
        },
        {"op": "add", "path": "/spec/template/spec/volumes", "value": [{"name": "kills", "emptyDir": {}}]},
    ]
    with patched_operator(operator, patch) as operators:
        yield operators


def kills(operators: Cluster) -> int:
    return operators.kubectl("logs", "deployment/bandit-operator", "--tail=-1").count('"killed"')


def models(name: str) -> list[Any]:
    """Three arms with two Pods each, which count their own rewards."""
    made = []
    for arm, mean in ARMS.items():
        rates = json.dumps({f"{name}/{arm}": [25, mean]})
        made += program(f"{name}-{arm}", COUNTING_MODEL, 8000, rates, scraped=True, replicas=2)
    return made


def disturb(rollout: Rollout, generator: random.Random) -> None:
    """Let one Pod of a good arm die, vanish or join."""
    arm = generator.choice(["good", "fair"])
    name = f"{rollout.name}-{arm}"
    match generator.choice(["kill", "scale", "scale"]):
        case "kill":
            pods = rollout.cluster.get("pods", "-l", f"app={name}")["items"]
            victim = generator.choice(pods)["metadata"]["name"] if pods else None
            if victim:  # which may have been going when it was listed
                rollout.cluster.kubectl(
                    *("delete", "pod", victim, "--ignore-not-found"),
                    *("--force", "--grace-period=0", "--wait=false"),
                )
        case _:
            replicas = generator.randint(1, 3)
            rollout.cluster.kubectl("scale", "deployment", name, f"--replicas={replicas}")


def wait_for_kill(rollout: Rollout, operators: Cluster, number: int) -> None:
    """Wait for a kill; where no evidence moves weights for half a minute, another writer does."""
    moved = time.monotonic()

    def died() -> bool:
        nonlocal moved
        if time.monotonic() > moved + 30:
            rollout.set_weights(good=1, fair=1)
            moved = time.monotonic()
        return kills(operators) >= number

    wait_until(died, f"kill {number} of {sum(PLAN.values())}", 150)


def replay_all(bodies: list[dict[str, Any]]) -> int:
    """Make every decision that any version of the status holds again; gives how many acted."""
    acted: set[str] = set()
    for body in bodies:
        try:
            result = replay(body)
        except NothingToReplay:
            continue
        assert result.agrees, [(one.record, one.differences) for one in result.replayed if one.differences]
        acted |= {one.record.time for one in result.replayed if one.record.seen and one.record.weights}
    return len(acted)


def test_every_reward_is_counted_once_and_every_decision_can_be_made_again(
    rollout: Callable[..., Rollout], killed: Cluster
) -> None:
    generator = random.Random(20251125)
    one = rollout(weights={"good": 4000, "fair": 3000, "bad": 3000})
    arms = [
        {
            "name": arm,
            "backendRef": {"name": f"{one.name}-{arm}"},
            "scaleTargetRef": {"name": f"{one.name}-{arm}"},
        }
        for arm in ARMS
    ]
    one.cluster.apply(*models(one.name))
    one.cluster.kubectl("wait", "--for=condition=Available", "deploy", "--all", "--timeout=90s")
    spec = {
        "arms": arms,
        "rollback": {"drain": "1s"},
        # Small moves as well, so that every step is there to be killed at.
        "guardrails": {"minTrials": 20, "minChange": "0", "minShare": "0.1"},
    }
    services = [made for made in one.services() if made["kind"] != "Service"]
    one.cluster.apply(*services, one.route_object(), one.resource(**spec))
    wanted = sum(PLAN.values())
    with Versions(one) as watched:
        while (died := kills(killed)) < wanted:
            if died:
                disturb(one, generator)
            wait_for_kill(one, killed, died + 1)
        wait_until(lambda: one.arm("bad").get("state") == "RolledBack", "the loser is rolled back", 150)
        one.wait_for_later_window()

    counted = assert_counted_once(
        one,
        watched.bodies,
        {"model_reward_trials_total": "trials", "model_reward_successes_total": "rewards"},
    )
    assert min(sum(by_arm.values()) for by_arm in counted.values()) > 2000
    assert kills(killed) >= 20
    assert replay_all(watched.bodies) >= 5
    assert one.cluster.get("deployment", f"{one.name}-bad")["spec"]["replicas"] == 0
