"""Another Pod template on a real cluster: whose rewards are whose while Pods are replaced."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from testbed.rollout import Rollout
from testbed.waiting import wait_until
from tests.e2e.conftest import program

pytestmark = pytest.mark.cluster

IDLE = Path("testbed/broken_prometheus.py")
"""A program that answers on a port: Pods that are ready."""


@pytest.mark.parametrize("named", [True, False], ids=["by its scale target", "by the Pods of its Service"])
def test_an_arm_learns_nothing_while_its_rolling_update_hangs(
    rollout: Callable[..., Rollout], steer: Callable[..., None], named: bool
) -> None:
    one = rollout()
    steer(one.name, good=(20, 0.5), bad=(20, 0.5))
    bad = f"{one.name}-bad"
    one.cluster.apply(program(bad, IDLE, 9090)[0], program(bad, IDLE, 9090)[1])
    one.cluster.kubectl("rollout", "status", f"deploy/{bad}", "--timeout=90s")
    arms = one.resource()["spec"]["arms"]
    if named:
        arms[1]["scaleTargetRef"] = {"name": bad}
    one.create(arms=arms)
    spec = {"selector": {"app": bad}, "ports": [{"port": 80, "targetPort": 9090}]}
    one.cluster.kubectl("patch", "service", bad, "--type=merge", "-p", json.dumps({"spec": spec}))
    one.wait_for("Ready", "True", "InSync", seconds=60)
    wait_until(lambda: float(one.arm("bad").get("trials") or 0) > 0, "it learns", 90)

    never = {"httpGet": {"path": "/", "port": 1}, "periodSeconds": 1}
    (container,) = json.loads(one.cluster.kubectl("get", "deploy", bad, "-o", "json"))["spec"]["template"][
        "spec"
    ]["containers"]
    template = {"spec": {"containers": [{"name": container["name"], "readinessProbe": never}]}}
    one.cluster.kubectl("patch", "deploy", bad, "-p", json.dumps({"spec": {"template": template}}))
    wait_until(lambda: one.arm("bad")["reason"] == "RollingUpdate", "the update is seen", 30)
    one.wait_for_later_window()
    hanging = one.arm("bad")
    assert (hanging["trials"], hanging["state"]) == ("0", "Joining")

    one.cluster.kubectl("rollout", "undo", f"deploy/{bad}")
    wait_until(lambda: one.arm("bad")["reason"] == "NewPodTemplate", "the old Pods are gone", 60)
    wait_until(lambda: float(one.arm("bad").get("trials") or 0) > 0, "it learns again", 120)
