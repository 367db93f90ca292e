"""The operator's process, its clock, its API server and its gateway."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import ExitStack
from typing import Any

from bench.chaos.fault import Fault, expect
from bench.chaos.live import LiveRollout
from bench.chaos.scene import VALUES, Scene
from testbed.altered import (
    CONTAINER,
    SETTABLE_CLOCK_PATCH,
    holder,
    patched_operator,
    process_of,
    process_with,
    set_clock,
)
from testbed.waiting import wait_until


class KilledInDrain(Fault):
    """The operator dies while an arm drains, again and again."""

    name = "operator-killed-in-drain"
    injected = "The operator is killed (SIGKILL) three times as a drain begins, whenever it is up again."
    expected = "The drain ends in order; every reward is counted once."
    alone = True

    def prepare(self, scene: Scene) -> LiveRollout:
        """A loser that drains."""
        one = scene.rollout(good=0.9, bad=0.1)
        one.start(rollback={"drain": "15s", "retryAfter": "0s"})
        one.wait_for_state("bad", "Draining", seconds=90)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Kill it wherever it is."""
        for _ in range(3):
            process = wait_until(lambda: self._process(scene), "the operator is up again", 60)
            scene.stroke()
            os.kill(process, signal.SIGKILL)
            scene.hold(1)

    def _process(self, scene: Scene) -> int:
        return process_of(scene.stage.operator_pod())

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """The drain ends."""
        one.wait("the loser is at zero", lambda: one.arm("bad").get("reason") == "ScaledToZero", 150)
        after = scene.since
        one.wait_for_later_window()
        return f"the loser was at zero {after:.0f} s after the first kill"


class ArmDiesWithoutOperator(Fault):
    """What is seen at the start is as it must be."""

    name = "arm-dies-while-the-operator-is-away"
    injected = "The operator has no Pod; meanwhile one of two arms loses its Pods; the operator comes back."
    expected = "The arm loses its weight within 2 s of the operator's return."
    alone = True

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that serve, and no operator."""
        one = scene.rollout(good=0.5, bad=0.5)
        one.start()
        scene.stage.operators.kubectl("scale", "deployment", "bandit-operator", "--replicas=0")
        scene.hold(4)
        one.cluster.kubectl("scale", "deployment", one.backends["bad"], "--replicas=0")
        one.wait("the arm has no Pods", lambda: not one.endpoints("bad"), 20)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """The operator is back: from then on it has to act."""
        scene.stage.operators.kubectl("scale", "deployment", "bandit-operator", "--replicas=1")
        scene.stage.operators.kubectl("rollout", "status", "deployment/bandit-operator", "--timeout=60s")
        scene.stroke()

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """The arm has no weight."""
        one.wait("its weight is 0", lambda: one.share("bad") == 0, 20)
        return f"weight 0 {scene.since:.1f} s after the operator was ready"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """Scale up again."""
        one.cluster.kubectl("scale", "deployment", one.backends["bad"], "--replicas=1")
        one.wait("it serves again", lambda: one.share("bad") > 0, 40)


class LeaderStopped(Fault):
    """The leader of two replicas sleeps past its lease, and wakes."""

    name = "leader-stopped-and-woken"
    injected = "The leader of two replicas is stopped (SIGSTOP) until the other leads, and woken."
    expected = "The other goes on with the same memory; the sleeper writes nothing; all is counted once."
    alone = True

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two replicas, which no probe restarts while they sleep, and a rollout that moves."""
        patch: list[dict[str, Any]] = [
            {"op": "replace", "path": "/spec/replicas", "value": 2},
            {"op": "remove", "path": f"{CONTAINER}/livenessProbe"},
        ]
        self.stack = ExitStack()
        self.stack.enter_context(patched_operator(scene.stage.cluster, patch, *VALUES))
        one = scene.rollout(good=0.6, bad=0.5)
        one.start(guardrails={"minTrials": 20, "minChange": "0"})
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Stop it, and wake it when another leads."""
        operators = scene.stage.operators
        self.sleeper = holder(operators)
        process = process_of(self.sleeper)
        scene.stroke()
        os.kill(process, signal.SIGSTOP)
        try:
            one.wait("another leads", lambda: holder(operators) not in ("", self.sleeper), 60)
            self.took = scene.since
            one.wait_for_later_window()
        finally:
            os.kill(process, signal.SIGCONT)
        self.woken = scene.stroke()

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """The sleeper writes nothing."""
        one.wait_for_later_window()
        scene.hold(5)
        made = [
            request
            for request in scene.stage.cluster.requests()
            if request.pod == self.sleeper and request.time.timestamp() > self.woken
            and request.verb not in ("get", "list", "watch") and request.resource != "leases"
        ]  # fmt: skip
        expect(not made, f"the sleeper wrote {[(each.verb, each.resource) for each in made]}")
        return f"another led after {self.took:.0f} s; the sleeper wrote nothing"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """One replica again."""
        self.stack.close()


class ClockSet(Fault):
    """The clock of the operator's machine is set an hour ahead, and back."""

    name = "clock-set"
    injected = "The clock of the operator's machine is set an hour ahead for 20 s, and back."
    expected = "MetricsAvailable is False/ClockSet; weights are held; every reward is counted once."
    alone = True

    def prepare(self, scene: Scene) -> LiveRollout:
        """An operator whose clock can be set."""
        self.stack = ExitStack()
        cluster = scene.stage.cluster
        self.stack.enter_context(patched_operator(cluster, SETTABLE_CLOCK_PATCH, *VALUES))
        one = scene.rollout(good=0.6, bad=0.5)
        one.start()
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """An hour ahead."""
        scene.stroke()
        set_clock(scene.stage.operators, 3600)

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is said, and nothing moves."""
        one.wait_for("MetricsAvailable", "False", "ClockSet", seconds=30)
        after, share = scene.since, one.share("bad")
        scene.hold(max(0.0, 20 - after))
        expect(one.share("bad") == share, "the weights moved meanwhile")
        scene.stroke()
        set_clock(scene.stage.operators, 0)
        one.wait_for("MetricsAvailable", "True", "RewardsObserved", seconds=120)
        return f"ClockSet after {after:.0f} s"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """An operator as it is shipped."""
        self.stack.close()


class APIServerSilent(Fault):
    """The API server gives no answer."""

    name = "api-server-silent"
    injected = "The API server is stopped (SIGSTOP) for 15 s of a drain, and goes on."
    expected = "Traffic stays as it is; the drain ends in order; every reward is counted once."
    alone = True

    def prepare(self, scene: Scene) -> LiveRollout:
        """A loser that drains."""
        one = scene.rollout(good=0.9, bad=0.1)
        one.start(rollback={"drain": "10s", "retryAfter": "0s"})
        parts = {part["name"]: part["pid"] for part in scene.stage.cluster.status()["parts"]}
        self.process = int(parts["kube-apiserver"])
        one.wait_for_state("bad", "Draining", seconds=90)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Stop it for a while."""
        os.kill(self.process, signal.SIGSTOP)
        try:
            for _ in range(15):
                scene.stroke()  # while it is silent nobody can say anything else
                scene.hold(1)
        finally:
            os.kill(self.process, signal.SIGCONT)
        scene.stroke()

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """All goes on."""
        one.wait("the loser is at zero", lambda: one.arm("bad").get("reason") == "ScaledToZero", 150)
        one.wait_for_later_window()
        failed = one.failed_since(scene.strokes[0])
        expect(failed == 0, f"{failed} requests failed")
        return f"no request failed; the loser was at zero {scene.since:.0f} s after the stop"


class OlderDefinition(Fault):
    """The definition of the kind is older than the operator."""

    name = "definition-older-than-operator"
    injected = "The definition loses status.record, which an older one has not, and one of two arms breaks."
    expected = (
        "Ready is False/StatusNotKept, and no weight moves for what would be forgotten; with the definition "
        "of this version the arm is rolled back, and every reward is counted once."
    )
    alone = True
    quick = True

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two equal arms, and the way to the field."""
        one = scene.rollout(good=0.9, bad=0.9)
        one.start(rollback={"drain": "3s", "retryAfter": "0s"})
        (version,) = self._definition(one)["spec"]["versions"]
        self.kept = version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]["record"]
        return one

    def _definition(self, one: LiveRollout) -> dict[str, Any]:
        return one.cluster.get("crd", "banditdeployments.bandit-operator.dev")

    def _change(self, one: LiveRollout, **operation: Any) -> None:
        path = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties/record"
        patch = json.dumps([{"path": path, **operation}])
        one.cluster.kubectl(
            "patch", "crd", "banditdeployments.bandit-operator.dev", "--type=json", "-p", patch
        )

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Take it out, and break the arm once it is dropped."""
        scene.stroke()
        self._change(one, op="remove")
        one.wait("it is dropped", lambda: "record" not in one.status(), 90)
        one.steer(bad={"mean": 0.1})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is said, and the weights are as they were."""
        condition = one.wait_for("Ready", "False", "StatusNotKept", seconds=90)
        after, share = scene.since, one.share("bad")
        expect("status.record" in condition["message"], condition["message"])
        scene.hold(15)
        expect(one.share("bad") == share, f"the weights moved from {share:.1%} to {one.share('bad'):.1%}")
        self.undo(scene, one)
        one.wait("the arm that broke is out", lambda: one.replicas("bad") == 0, 150)
        one.wait_for("Ready", "True", "InSync", seconds=60)
        later = scene.since - after - 15
        return f"StatusNotKept after {after:.0f} s; rolled back and Ready {later:.0f} s after its end"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """The definition of this version again."""
        self._change(one, op="add", value=self.kept)


class GatewayStalls(Fault):
    """The gateway stands still when it is given weight 0."""

    name = "gateway-stalls"
    injected = "The gateway's process is stopped (SIGSTOP) for 4 s as a drain begins."
    expected = "The drain waits until the gateway has accepted weight 0; no request fails for it."
    alone = True

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that serve."""
        one = scene.rollout(good=0.9, bad=0.9)
        one.start(rollback={"drain": "3s", "retryAfter": "0s"})
        pods = scene.stage.cluster.namespace("gateway").get("pods", "-l", "app=traefik")["items"]
        self.process = process_with("HOSTNAME", str(pods[0]["metadata"]["name"]))
        one.steer(bad={"mean": 0.1})
        one.wait("it is found worse", lambda: one.arm("bad").get("state") == "Draining", 120)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Stop it for less than a client waits."""
        scene.stroke()
        os.kill(self.process, signal.SIGSTOP)
        self.scaled = False
        try:
            end = time.time() + 4
            while time.time() < end:
                self.scaled |= one.replicas("bad") == 0
                time.sleep(0.1)
        finally:
            os.kill(self.process, signal.SIGCONT)

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It goes on."""
        one.wait("the loser is at zero", lambda: one.replicas("bad") == 0, 60)
        failed = one.failed_since(scene.strokes[0])
        expect(failed == 0, f"{failed} requests failed")
        return f"at zero {scene.since:.0f} s after the stop; no request failed"
