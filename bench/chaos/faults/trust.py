"""Resources that do harm, rights that are missing, and backends that cannot be."""

from __future__ import annotations

import json
from typing import Any

from bench.chaos.fault import Fault, expect
from bench.chaos.live import LiveRollout
from bench.chaos.scene import NAMESPACE, Scene
from cluster.client import ClusterError


class SlowPattern(Fault):
    """A selector that was made to keep a regular expression busy."""

    name = "selector-made-to-be-slow"
    injected = "Another resource's selectors hold 2,000 blanks and quotes, made to keep a pattern busy."
    expected = "It is refused, or stops itself alone: the neighbour's ticks go on."

    def prepare(self, scene: Scene) -> LiveRollout:
        """A neighbour that ticks."""
        one = scene.rollout(good=0.6, bad=0.5)
        one.start(guardrails={"minTrials": 20, "minChange": "0"})
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Apply them."""
        self.refused = 0
        self.names = []
        blanks = " " * 1900
        hard = [f's_total{{a="b"{blanks}\'}}', f's{{a="b", {blanks} c=d}}', "s{" + "a," * 950 + "}"]
        scene.stroke()
        for number, selector in enumerate(hard):
            resource = one.resource()
            resource["metadata"]["name"] = f"{one.name}-{number}"
            prometheus = {"successes": "s_total", "trials": selector}
            resource["spec"]["reward"] = {"prometheus": prometheus}
            try:
                one.cluster.apply(resource)
                self.names.append(resource["metadata"]["name"])
            except ClusterError:
                self.refused += 1

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """Ticks go on."""
        ticks = len(one.records().ticks)
        # Where nothing changes, a status with the newest ticks is written once a minute.
        one.wait("the neighbour's next three ticks", lambda: len(one.records().ticks) >= ticks + 3, 90)
        admitted = len(self.names)
        expect(admitted > 0, "the schema refused all of them, so that the operator had none to parse")
        return f"{self.refused} refused by the schema, {admitted} admitted; the neighbour's ticks went on"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        if self.names:
            one.cluster.kubectl("delete", "bd", "--wait=false", *self.names)


class ScaleRefused(Fault):
    """The operator has no right to a scale target of another kind."""

    name = "scale-target-refused"
    injected = "An arm's scaleTargetRef is of a kind that the operator was not given rights to."
    expected = "Accepted is False/ScaleTargetRefused and names the chart's value `scalables`; weights stay."

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that serve, and a kind of scale target of somebody's own."""
        scale = {
            "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas",
        }  # fmt: skip
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        version = {
            "name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema},
            "subresources": {"scale": scale, "status": {}},
        }  # fmt: skip
        names = {"kind": "Workload", "plural": "workloads", "singular": "workload"}
        definition = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "workloads.example.org"},
            "spec": {"group": "example.org", "scope": "Namespaced", "names": names, "versions": [version]},
        }
        scene.stage.cluster.apply(definition)
        words = ("--for=condition=Established", "crd/workloads.example.org", "--timeout=20s")
        scene.stage.cluster.kubectl("wait", *words)
        workload = {
            "apiVersion": "example.org/v1",
            "kind": "Workload",
            "metadata": {"name": "workload", "namespace": NAMESPACE},
            "spec": {"replicas": 1},
        }
        scene.stage.cluster.apply(workload)
        one = scene.rollout(good=0.6, bad=0.5)
        one.start()
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """The spec names it."""
        arms = one.resource()["spec"]["arms"]
        arms[1]["scaleTargetRef"] = {"apiVersion": "example.org/v1", "kind": "Workload", "name": "workload"}
        scene.stroke()
        one.patch({"arms": arms})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is said."""
        condition = one.wait_for("Accepted", "False", "ScaleTargetRefused", seconds=20)
        after = scene.since
        expect("scalables" in condition["message"], condition["message"])
        scene.hold(10)
        return f"ScaleTargetRefused after {after:.1f} s: “{condition['message'][:160]}”"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """As before."""
        one.patch({"arms": one.resource()["spec"]["arms"]})


class RefusedBackend(Fault):
    """The gateway cannot resolve an arm's backend."""

    name = "backend-refused-by-the-gateway"
    injected = "The route names a port of an arm's Service that it does not have, for 20 s."
    expected = "The arm has no weight within 2 s, and returns when the gateway resolves it."

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that serve."""
        one = scene.rollout(good=0.5, bad=0.5)
        one.start()
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Another port."""
        scene.stroke()
        one.patch_route({"op": "replace", "path": "/spec/rules/0/backendRefs/1/port", "value": 81})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It has no weight."""
        one.wait("its weight is 0", lambda: one.share("bad") == 0, 10)
        after = scene.since  # the Service shows it sooner than the gateway says it
        one.wait("what the gateway says is told", lambda: one.arm("bad")["reason"] == "BackendUnresolved", 10)
        scene.hold(20)
        return f"weight 0 after {after:.1f} s, Unavailable/BackendUnresolved; Ready {self._word(one)}"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """The right port."""
        scene.stroke()
        one.patch_route({"op": "replace", "path": "/spec/rules/0/backendRefs/1/port", "value": 80})
        one.wait("it serves again", lambda: one.share("bad") > 0, 40)

    def _word(self, one: LiveRollout) -> str:
        condition = one.condition("Ready")
        return f"{condition.get('status')}/{condition.get('reason')}"


class StatusEdited(Fault):
    """Somebody writes nonsense into the status."""

    name = "status-edited"
    injected = "The status' times, memory and replicas are overwritten with nonsense by another hand."
    expected = "The operator goes on: it starts afresh, says so, and takes nobody out."
    counted = "not"

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that serve."""
        one = scene.rollout(good=0.5, bad=0.5)
        one.start(guardrails={"minTrials": 20, "minChange": "0"})
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Overwrite it, and let the operator read it anew."""
        never = "0000-01-01T00:00:00Z"
        many = {"previousReplicas": 10**5}
        weights = {arm["name"]: arm["weight"] for arm in one.status()["arms"]}
        arms = [
            {"name": arm, "state": "Active", "weight": weights[arm], "since": never} | many
            for arm in one.arms
        ]
        nonsense: dict[str, Any] = {"cursor": never, "arms": arms, "record": "nonsense"}
        scene.stroke()
        body = json.dumps({"status": nonsense})
        one.cluster.kubectl("patch", "bd", one.name, "--subresource=status", "--type=merge", "-p", body)

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It goes on."""

        def right() -> bool:
            assert one.status().get("cursor", "") > "2020", one.status().get("cursor")
            return sum(int(arm["weight"]) for arm in one.status()["arms"]) == 10_000

        one.wait("the status is right again", right, 60)
        after = scene.since
        one.wait_for("Ready", "True", "InSync", seconds=60)
        return f"right again after {after:.0f} s"


class PolicyRefusesWeights(Fault):
    """A policy of the cluster lets nobody change the route."""

    name = "policy-refuses-weights"
    injected = (
        "An admission policy refuses all changes of the route, while another arm becomes the better one."
    )
    expected = "Ready is False/WriteRefused with the policy's words; weights move once it is gone."

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two equal arms."""
        one = scene.rollout(good=0.5, bad=0.5)
        one.start()
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Nothing may change, and something should."""
        rule = {
            "apiGroups": ["gateway.networking.k8s.io"],
            "apiVersions": ["*"],
            "operations": ["UPDATE"],
            "resources": ["httproutes"],
        }
        mine = {"name": "mine", "expression": f"request.name == '{one.name}'"}
        spec = {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [rule]},
            "matchConditions": [mine],
            "validations": [{"expression": "false", "message": "nothing changes before Monday"}],
        }
        bound = {"policyName": one.name, "validationActions": ["Deny"]}
        version, metadata = "admissionregistration.k8s.io/v1", {"name": one.name}
        kind = "ValidatingAdmissionPolicy"
        scene.stroke()
        one.cluster.apply(
            {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec},
            {"apiVersion": version, "kind": f"{kind}Binding", "metadata": metadata, "spec": bound},
        )
        scene.hold(3)  # until the API server goes by it
        one.steer(bad={"mean": 0.95})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is said, and the weights are as they were."""
        share = one.share("bad")
        condition = one.wait_for("Ready", "False", "WriteRefused", seconds=60)
        after = scene.since
        expect("nothing changes before Monday" in condition["message"], condition["message"])
        scene.hold(10)
        expect(one.share("bad") == share, f"the weights moved from {share:.1%} to {one.share('bad'):.1%}")
        self.undo(scene, one)
        one.wait("the better arm gets more", lambda: one.share("bad") > share, 60)
        one.wait_for("Ready", "True", "InSync", seconds=60)
        return f"WriteRefused after {after:.0f} s: “{condition['message'][:160]}”"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """The policy goes."""
        kinds = "validatingadmissionpolicybinding,validatingadmissionpolicy"
        one.cluster.kubectl("delete", "--ignore-not-found", kinds, one.name)
