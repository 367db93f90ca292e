"""Killed at every step of its work, while Pods come and go, the operator counts every reward once."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from bandit_operator.api.timestamps import from_timestamp
from bandit_operator.api.v1alpha1 import parse, to_experiment
from bandit_operator.core import memory as memories
from bandit_operator.core.decide import Intention, decide
from bandit_operator.core.memory import update
from bandit_operator.core.model import (
    ArmFacts,
    ArmStanding,
    ArmState,
    NoData,
    Observed,
    Snapshot,
    Window,
)
from cluster.client import Cluster
from testbed.reward_source import COUNTING_MODEL
from testbed.rollout import Rollout
from testbed.waiting import wait_until
from tests.e2e.conftest import patched_operator, program
from tests.e2e.versions import Versions, assert_counted_once

pytestmark = pytest.mark.cluster

PLAN = {
    "before question": 3,
    "after question": 3,
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
    container = "/spec/template/spec/containers/0"
    patch = [
        {"op": "replace", "path": f"{container}/image", "value": "bandit-operator:killed"},
        {"op": "add", "path": f"{container}/args/0", "value": json.dumps(PLAN)},
        {"op": "remove", "path": f"{container}/livenessProbe"},  # it would kill at points of its own
        {
            "op": "add",
            "path": f"{container}/volumeMounts",
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
            if victim:
                rollout.cluster.kubectl(
                    "delete", "pod", victim, "--force", "--grace-period=0", "--wait=false"
                )
        case _:
            replicas = generator.randint(1, 3)
            rollout.cluster.kubectl("scale", "deployment", name, f"--replicas={replicas}")


def window_of(record: dict[str, Any]) -> Window:
    """The window of a record, as the core takes it."""
    seen = record.get("observations", {})
    outcomes = {
        arm: Observed(float(seen[arm]["trials"]), float(seen[arm]["rewards"])) if arm in seen else NoData()
        for arm in ARMS
    }
    window = record["window"]
    return Window(from_timestamp(window["start"]), from_timestamp(window["end"]), outcomes)


def intention_of(status: dict[str, Any]) -> Intention:
    """What a status intends."""
    standings = {
        arm["name"]: ArmStanding(
            ArmState(arm["state"]),
            from_timestamp(arm["since"]),
            arm["reason"],
            arm.get("template"),
            arm.get("previousReplicas"),
            None if "quietSince" not in arm else from_timestamp(arm["quietSince"]),
        )
        for arm in status["arms"]
    }
    return Intention(standings, {arm["name"]: arm["weight"] for arm in status["arms"]})


def snapshot_of(record: dict[str, Any]) -> Snapshot:
    """What a record says was seen."""
    seen = record["seen"]
    arms = {
        arm: ArmFacts(
            facts["weight"],
            facts.get("available"),
            facts.get("replicas"),
            facts.get("template"),
            None if "requests" not in facts else float(facts["requests"]),
        )
        for arm, facts in seen["arms"].items()
    }
    reading = window_of(record) if "window" in record else None
    return Snapshot(from_timestamp(record["time"]), reading, arms, seen["generation"], seen["accepted"])


def replay(bodies: list[dict[str, Any]]) -> int:
    """Make every decision between two versions of the status again; gives how many acted.

    Raises AssertionError where memory or weights come out otherwise.
    """
    acted = 0
    for before, after in itertools.pairwise(bodies):
        old, new = before.get("status", {}), after.get("status", {})
        if "memory" not in old or "memory" not in new or old["memory"] == new["memory"]:
            continue
        experiment = to_experiment(parse(after))
        memory, notes = memories.from_json(old["memory"], experiment)
        assert notes == ()
        intention = intention_of(old)
        known = {json.dumps(record, sort_keys=True) for record in old.get("history", [])}
        fresh = [one for one in new["history"] if json.dumps(one, sort_keys=True) not in known]
        for record in reversed(fresh):
            if "seen" not in record:
                memory = update(experiment, memory, window_of(record)) if "window" in record else memory
                continue
            decision = decide(experiment, memory, intention, snapshot_of(record))
            assert dict(decision.weights) == record["weights"], record
            assert decision.message[:1024] == record["message"]
            memory, acted = decision.memory, acted + 1
            intention = Intention(decision.standings, decision.weights)
        assert memories.to_json(memory) == new["memory"]
    return acted


def test_every_reward_is_counted_once_and_every_decision_can_be_made_again(rollout, killed):
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
        # Every tick moves something, so that every step is there to be killed at.
        "guardrails": {"minTrials": 20, "minChange": "0", "minShare": "0.1"},
    }
    services = [made for made in one.services() if made["kind"] != "Service"]
    one.cluster.apply(*services, one.route_object(), one.resource(**spec))
    watched = Versions(one)
    wanted = sum(PLAN.values())
    died = 0
    while (died_now := kills(killed)) < wanted:
        if died_now != died:
            died = died_now
            disturb(one, generator)
        wait_until(lambda died=died: kills(killed) > died, f"kill {died + 1} of {wanted}", 150)
    wait_until(lambda: one.arm("bad").get("state") == "RolledBack", "the loser is rolled back", 150)
    last = one.status()["cursor"]
    wait_until(lambda: one.status()["cursor"] > last, "it goes on", 90)
    watched.end()

    counted = assert_counted_once(
        one,
        watched.bodies,
        {"model_reward_trials_total": "trials", "model_reward_successes_total": "rewards"},
    )
    assert min(sum(by_arm.values()) for by_arm in counted.values()) > 2000
    assert kills(killed) >= 20
    assert replay(watched.bodies) >= 5
    assert one.cluster.get("deployment", f"{one.name}-bad")["spec"]["replicas"] == 0
