"""Other writers of the weights, weights too coarse, and gateways that do not follow them."""

from __future__ import annotations

import itertools
import json
import threading
import time
from typing import Any

from bench.chaos.fault import Fault, expect
from bench.chaos.live import RATE, LiveRollout
from bench.chaos.scene import NAMESPACE, Scene
from testbed.rollout import Rollout

MANAGER = "gitops-controller"
SECONDS_OF_GITOPS = 30.0
"""The usual distance of a GitOps controller's looks."""


class WeightsToADeadArm(Fault):
    """Another writer insists on an arm that is at zero."""

    name = "weights-at-a-dead-arm-each-second"
    injected = "The loser is at zero; another writer sets 5000/5000 each second for 30 s."
    expected = (
        "Weights are put back each time; the loser gets Pods until the fight is over, so that no request"
        " fails from then on; WeightsContested is said."
    )
    quick = True

    def prepare(self, scene: Scene) -> LiveRollout:
        """A loser at zero."""
        return scene.with_loser_out()

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Set weights again and again."""
        end = time.time() + 30
        while time.time() < end:
            scene.stroke()
            one.set_weights(good=5000, bad=5000)
            time.sleep(max(0.0, scene.strokes[-1] + 1 - time.time()))

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """The fight is named, and nothing fails once the arm has its Pods."""
        one.wait("the loser has Pods", lambda: one.endpoints("bad"), 5)
        up = one.endpoints_since("bad")
        one.wait("weights are put back", lambda: one.share("bad") == 0, 3)
        one.wait_for("TrafficInSync", "False", "WeightsContested", seconds=5)
        scene.hold(10)
        failed = one.failed_since(up + 1)
        expect(failed == 0, f"{failed} requests failed after the loser had Pods again")
        return (
            f"{len(scene.strokes)} foreign writes put back; the loser had Pods {up - scene.strokes[0]:.1f} s"
            f" after the first, and no request failed from then on"
        )


class GitOpsLoop(Fault):
    """A GitOps controller puts back what Git says."""

    name = "gitops-loop"
    injected = (
        "The loser is at zero; the whole route is applied from Git, with weights 5000/5000, every 10 s for"
        " 80 s (usual are 30 s; shortened)."
    )
    expected = (
        "Fewer than 1 % of the requests at the loser, reckoned for a loop of 30 s; none fails once the fight"
        " is noticed; it is named with the field manager."
    )

    def prepare(self, scene: Scene) -> LiveRollout:
        """A loser at zero."""
        return scene.with_loser_out()

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Apply the route again and again."""
        self.loops = 8
        words = ("apply", "--server-side", "--force-conflicts", f"--field-manager={MANAGER}", "-f", "-")
        for _ in range(self.loops):
            begun = scene.stroke()
            one.cluster.kubectl(*words, stdin=json.dumps(one.route_object()))
            scene.stroke()  # kubectl takes half a second and more to come to its request
            time.sleep(max(0.0, begun + 10 - time.time()))

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """Few requests went astray."""
        first = scene.strokes[0]
        condition = one.wait_for("TrafficInSync", "False", "WeightsContested", seconds=10)
        expect(MANAGER in condition["message"], condition["message"])
        astray = sum(one.arm == "bad" for one in one.requests() if one.sent >= first)
        share = astray / self.loops / (RATE * SECONDS_OF_GITOPS)
        expect(share < 0.01, f"{share:.2%} of the requests of a loop of 30 s were at the loser")
        failed = one.failed_since(one.endpoints_since("bad") + 1)
        expect(failed == 0, f"{failed} requests failed after the loser had Pods again")
        return f"{share:.2%} of the requests of a loop of 30 s at the loser; named: {MANAGER}"


class WeightsLeftOut(Fault):
    """A rule without weights, beside a backend that is no arm."""

    name = "weights-left-out"
    injected = "The rule has two arms and a backend that is no arm, none with a weight (default 1)."
    expected = (
        "Weights are made finer; the better arm gets more, by 20 points a step at most; the stranger keeps"
        " its third."
    )

    def prepare(self, scene: Scene) -> LiveRollout:
        """Pods and route; no resource yet."""
        one = scene.rollout(good=0.3, bad=0.9)
        made = [part for arm in (*one.arms, "legacy") for part in one.pods(arm)]
        one.cluster.apply(*made)
        route = one.route_object()
        refs = [*route["spec"]["rules"][0]["backendRefs"], {"name": f"{one.name}-legacy", "port": 80}]
        route["spec"]["rules"][0]["backendRefs"] = [
            {key: value for key, value in ref.items() if key != "weight"} for ref in refs
        ]
        one.start_route(route)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """The resource is made."""
        one.start_resource(rollback={"scaleToZero": False})
        scene.stroke()
        one.send(RATE)

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """The better arm gets more, step by step."""
        one.wait("the better arm has 60 %", lambda: one.share("bad") > 0.6, 90)
        weights = [
            {ref["name"]: ref["weight"] for ref in body["spec"]["rules"][0]["backendRefs"]}
            for body in one.routes()
            if all("weight" in ref for ref in body["spec"]["rules"][0]["backendRefs"])
        ]
        strangers = [each[f"{one.name}-legacy"] / sum(each.values()) for each in weights]
        expect(all(abs(share - 1 / 3) < 0.005 for share in strangers), f"the stranger had {strangers}")
        shares = [
            each[f"{one.name}-bad"] / (each[f"{one.name}-bad"] + each[f"{one.name}-good"]) for each in weights
        ]
        steps = [abs(after - before) for before, after in itertools.pairwise(shares)]
        expect(max(steps, default=0) < 0.201, f"a step of {max(steps, default=0):.1%}")
        return f"the better arm has {one.share('bad'):.0%} of the arms' traffic, the stranger its third"


class SmallArmBesideMovingRoutes(Fault):
    """A gateway begins its round robin again with each configuration."""

    name = "small-arm-beside-moving-routes"
    injected = "Eight other resources of the gateway move their weights at every tick, 5 s apart, for 60 s."
    expected = "A route that nobody changes gives its small arm, of 5 %, at least half of its share."
    alone = True
    counted = "samples"

    def prepare(self, scene: Scene) -> LiveRollout:
        """A route at rest, and others that move."""
        one = scene.rollout(weights={"good": 9500, "bad": 500}, good=0.5, bad=0.5)
        one.start(mode="Observe")  # nothing moves it
        self.others = [
            Rollout(scene.stage.cluster, f"{self.name}-{number}", NAMESPACE) for number in range(8)
        ]
        rates = {f"{other.name}/{arm}": (60.0, 0.5) for other in self.others for arm in other.arms}
        scene.stage.rewards.put(rates)
        for other in self.others:
            other.create(guardrails={"minTrials": 1, "minChange": "0"})
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """They move."""
        for other in self.others:
            other.wait_for_move()
        scene.stroke()
        scene.hold(60)

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """Count who answered."""
        answers = [request.arm for request in one.requests() if request.sent >= scene.strokes[0]]
        share = answers.count("bad") / len(answers)
        expect(share > 0.05 / 2, f"the arm of 5 % got {share:.2%} of {len(answers)} requests")
        return f"the arm of 5 % got {share:.2%} of {len(answers)} requests"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """The others end."""
        for other in self.others:
            other.delete()


class RouteRefused(Fault):
    """The only gateway of a route refuses it."""

    name = "route-refused-by-the-gateway"
    injected = "The route's only Gateway is changed so that it refuses the route, for 20 s."
    expected = "Ready is False/RouteNotAccepted with the gateway's words within 2 s; weights are held."

    def prepare(self, scene: Scene) -> LiveRollout:
        """A route on a Gateway of its own."""
        one = scene.rollout(good=0.6, bad=0.5)
        listener = {"name": "http", "port": 80, "protocol": "HTTP"}
        self.gateway = {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": one.name, "namespace": NAMESPACE},
            "spec": {"gatewayClassName": "traefik", "listeners": [listener]},
        }
        one.parent = {"name": one.name, "namespace": NAMESPACE}
        one.start(self.gateway)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """It lets in routes of other namespaces only."""
        namespaces = {"from": "Selector", "selector": {"matchLabels": {"routes": "welcome"}}}
        scene.stroke()
        self._allow(one, namespaces)

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is said."""
        one.wait("the gateway refuses it", lambda: not any(one.servable_now().values()), 20)
        scene.stroke()
        share = one.share("bad")
        one.wait_for("Ready", "False", "RouteNotAccepted", seconds=20)
        after = scene.since
        scene.hold(20)
        expect(one.share("bad") == share, "the weights moved meanwhile")
        return f"RouteNotAccepted {after:.1f} s after the change: “{one.condition('Ready')['message'][:160]}”"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """It lets the route in again."""
        scene.stroke()
        self._allow(one, {"from": "Same"})
        one.wait("the gateway accepts it", lambda: any(one.servable_now().values()), 20)
        scene.stroke()
        one.wait_for("Ready", "True", "InSync", seconds=30)

    def _allow(self, one: LiveRollout, namespaces: dict[str, Any]) -> None:
        """Say whose routes the listener lets in."""
        path = "/spec/listeners/0/allowedRoutes/namespaces"
        change = json.dumps([{"op": "replace", "path": path, "value": namespaces}])
        one.cluster.kubectl("patch", "gateway", one.name, "--type=json", "-p", change)


class TwoGateways(Fault):
    """A second gateway of the route lags behind."""

    name = "two-gateways"
    injected = "The route has a second gateway, whose status stays at an old generation for 25 s of a drain."
    expected = "The drain waits for it (WaitingForRoute) with the loser's Pods; then it goes on."

    def prepare(self, scene: Scene) -> LiveRollout:
        """A route with two parents, both of which have accepted it."""
        one = scene.rollout(good=0.9, bad=0.9)
        # Nobody runs this gateway: its words are written as its controller would write them.
        listener = {"name": "http", "port": 80, "protocol": "HTTP"}
        internal = {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": "internal", "namespace": NAMESPACE},
            "spec": {"gatewayClassName": "internal", "listeners": [listener]},
        }
        one.start(internal)
        parent = {"name": "internal", "namespace": NAMESPACE}
        one.patch_route({"op": "add", "path": "/spec/parentRefs/-", "value": parent})
        self.accepted = 0
        self.ended = False
        self.controller = threading.Thread(target=self._speak, args=(one, parent), daemon=True)
        self.controller.start()
        self.accepted = int(one.route()["metadata"]["generation"])
        one.wait("the second gateway has spoken", lambda: self._has_spoken(one), 15)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """The loser is found, and the second gateway says nothing new."""
        scene.stroke()
        one.steer(bad={"mean": 0.1})
        one.wait_for_state("bad", "Draining", seconds=90)

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """The drain waits, and goes on."""
        end = time.time() + 25
        while time.time() < end:
            expect(one.replicas("bad") == 1, "the loser was scaled down before all gateways had its weight")
            time.sleep(0.2)
        reason = one.arm("bad").get("reason")
        expect(reason == "WaitingForRoute", f"bad is {one.arm('bad').get('state')}/{reason}")
        self.accepted = 10**6
        one.wait("the loser is at zero", lambda: one.replicas("bad") == 0, 60)
        return "25 s WaitingForRoute with its Pods; at zero once both gateways had accepted"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """The second gateway is gone."""
        self.ended = True
        self.controller.join(10)

    def _has_spoken(self, one: LiveRollout) -> bool:
        return len(one.route().get("status", {}).get("parents", [])) == 2

    def _speak(self, one: LiveRollout, parent: dict[str, Any]) -> None:
        """Keep the second gateway's words in the status, whatever the first one writes there."""
        while not self.ended:
            route = one.route()
            generation = min(self.accepted, int(route["metadata"]["generation"]))
            parents = route.get("status", {}).get("parents", [])
            conditions = [
                {
                    "type": kind, "status": "True", "reason": kind, "message": "",
                    "observedGeneration": generation, "lastTransitionTime": "2026-01-01T00:00:00Z",
                }
                for kind in ("Accepted", "ResolvedRefs")
            ]  # fmt: skip
            own = {"parentRef": parent, "controllerName": "example.org/internal", "conditions": conditions}
            others = [each for each in parents if each["parentRef"]["name"] != parent["name"]]
            if generation and [*others, own] != parents:
                body = json.dumps({"status": {"parents": [*others, own]}})
                words = ("httproute", one.name, "--subresource=status", "--type=merge", "-p", body)
                one.cluster.run("cluster", "kubectl", "patch", *words, check=False)
            time.sleep(0.3)
