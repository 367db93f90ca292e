"""The verbs of the command line on a real cluster, and the other commands of docs/operations.md."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.client import Cluster
from testbed.rollout import Rollout
from testbed.waiting import wait_until
from tests.e2e import NAMESPACE
from tests.e2e.conftest import program

pytestmark = pytest.mark.cluster

PLUGIN = Path(sys.executable).with_name("kubectl-bandit")
PAGE = Path("docs/operations.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)
KUBECTL = [
    shlex.split(line)[1:]
    for block in BLOCKS
    for line in block.strip().splitlines()
    if line.startswith("kubectl ") and not line.startswith("kubectl bandit")
]
IDLE = Path("testbed/broken_prometheus.py")
"""A program that answers on a port: Pods that are ready."""


def bandit(one: Rollout, *arguments: str, code: int = 0) -> str:
    """Run the plugin as kubectl does."""
    done = subprocess.run(
        [PLUGIN, *arguments],
        env={**os.environ, "KUBECONFIG": str(one.cluster.kubeconfig)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def one(operator: Cluster, rollout: Callable[..., Rollout], steer: Callable[..., None]) -> Rollout:
    """A rollout of equal arms, of which bad has Pods of its own that can be scaled."""
    made = rollout()
    steer(made.name, good=(20, 0.5), bad=(20, 0.5))
    bad = f"{made.name}-bad"
    made.cluster.apply(*program(bad, IDLE, 9090))
    made.cluster.kubectl("wait", "--for=condition=Available", f"deploy/{bad}", "--timeout=90s")
    target: dict[str, Any] = {"scaleTargetRef": {"name": bad}}
    arms = [
        {"name": "good", "backendRef": {"name": f"{made.name}-good"}},
        {"name": "bad", "backendRef": {"name": bad}, **target},
    ]
    services = [service for service in made.services() if service["metadata"]["name"] != bad]
    resource = made.resource(arms=arms, rollback={"drain": "3s", "retryAfter": "0s"})
    made.cluster.apply(*services, made.route_object(), resource)
    made.wait_for("Ready", "True", "InSync")
    assert operator
    return made


def replicas(one: Rollout) -> int:
    wanted: int = one.cluster.get("deployment", f"{one.name}-bad")["spec"]["replicas"]
    return wanted


def test_a_night_with_the_verbs(one: Rollout) -> None:
    here = ("-n", NAMESPACE)
    assert "is pinned to bad" in bandit(
        one, "pin", one.name, "bad", "--reason", "latency", "--by", "alice", *here
    )
    wait_until(lambda: one.weights() == {"good": 0, "bad": 10000}, "all traffic goes to the pinned arm", 20)
    pinned = one.wait_for("Ready", "True", "Pinned")
    assert "by alice" in pinned["message"]
    assert "Pinned" in one.cluster.kubectl("get", "bd", one.name)
    assert any(event["reason"] == "Pinned" and "latency" in event["note"] for event in one.events())

    bandit(one, "unpin", one.name, *here)
    wait_until(lambda: one.weights()["good"] > 0, "the strategy has the traffic again", 40)

    assert "promote another arm first" in bandit(one, "rollback", one.name, "good", *here, code=1)
    bandit(one, "rollback", one.name, "bad", "--reason", "leaks", *here)
    wait_until(lambda: one.arm("bad").get("state") == "RolledBack", "the arm is out", 60)
    assert one.weights() == {"good": 10000, "bad": 0}
    assert replicas(one) == 0
    assert "by hand" in bandit(one, "status", one.name, *here)
    bandit(one, "restore", one.name, "bad", *here)
    wait_until(lambda: one.weights()["bad"] > 0, "the arm has traffic again", 60)
    assert replicas(one) == 1

    bandit(one, "pause", one.name, "--reason", "incident", *here)
    wait_until(lambda: one.status()["phase"] == "Paused", "it is paused", 20)
    assert "Paused" in one.cluster.kubectl("get", "bd", one.name)
    bandit(one, "resume", one.name, *here)
    wait_until(lambda: one.status()["phase"] == "Learning", "it goes on", 30)

    acts = [line.split()[1].rstrip(",") for line in bandit(one, "history", one.name, *here).splitlines()]
    told = [
        act
        for act in acts
        if act in {"Pinned", "Unpinned", "TakenOut", "Drained", "Restored", "Paused", "Resumed"}
    ]
    assert told == ["Pinned", "Unpinned", "TakenOut", "Drained", "Restored", "Paused", "Resumed"]
    wait_until(lambda: one.status().get("checkpoint"), "a decision of this spec is recorded", 30)
    assert "agree" in bandit(one, "replay", one.name, *here)
    for words in KUBECTL:
        one.cluster.kubectl(*(word.replace("income", one.name) for word in words))


def test_an_arm_that_a_verdict_took_out_is_restored_by_hand(one: Rollout, steer: Callable[..., None]) -> None:
    steer(one.name, good=(40, 0.9), bad=(40, 0.1))
    wait_until(lambda: one.arm("bad").get("state") == "RolledBack", "the loser is rolled back", 120)
    steer(one.name, good=(40, 0.5), bad=(40, 0.5))
    assert "brings bad back" in bandit(one, "restore", one.name, "bad", "--by", "bob", "-n", NAMESPACE)
    wait_until(lambda: one.arm("bad").get("state") in ("Joining", "Active"), "it is back", 60)
    assert any(act["kind"] == "Restored" and act.get("by") == "bob" for act in one.status()["acts"])
