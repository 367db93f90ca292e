"""Pods, routes and resources that others use and change, too."""

from __future__ import annotations

import json
import threading
import time

from bench.chaos.fault import Fault, expect
from bench.chaos.live import RATE, LiveRollout
from bench.chaos.scene import NAMESPACE, Scene
from cluster.client import REPOSITORY
from testbed.installation import PROMETHEUS


class TwoResourcesOverTheSamePods(Fault):
    """Two routes, two resources, one set of Deployments, and audiences that disagree."""

    name = "two-resources-over-the-same-pods"
    injected = (
        "A second route and resource over the same Services and Deployments, with the other arm as baseline"
        " and rewards that say the contrary."
    )
    expected = "Each finds its loser, and neither scales down what the other's route gives weight to."

    def prepare(self, scene: Scene) -> LiveRollout:
        """The first rollout."""
        one = scene.rollout("-web", good=0.9, bad=0.1)
        one.start()
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """The second, over the same Pods."""
        self.other = scene.rollout("-mobile", bad=0.9, good=0.1)
        self.other.backends = {arm: one.backends[arm] for arm in self.other.arms}
        self.other.counts = False
        scene.stage.rewards.steer(self.other.name, bad=(40.0, 0.9), good=(40.0, 0.1))
        self.other.start_route(self.other.route_object())
        self.other.start_resource()
        scene.stroke()
        self.other.send(RATE)

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """Both losers are out, with their Pods."""
        one.wait_for_state("bad", "RolledBack", seconds=120)
        self.other.wait_for_state("good", "RolledBack", seconds=120)
        scene.hold(15)
        replicas = {arm: one.replicas(arm) for arm in one.arms}
        expect(all(replicas.values()), f"replicas are {replicas}")
        reasons = {one.arm("bad").get("reason"), self.other.arm("good").get("reason")}
        expect(reasons == {"PodsInUse"}, f"the losers are {reasons}")
        return "both losers RolledBack/PodsInUse, both Deployments keep their Pods"


class AnotherRouteUsesTheLoser(Fault):
    """A route without any resource gives weight to an arm's Service."""

    name = "another-route-uses-the-loser"
    injected = "A route of nobody's sends 8 requests a second to the loser's Service, past its weight 0."
    expected = "The loser keeps its Pods (PodsInUse, WaitingForRequests before) until that route is gone."

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that serve, and the other route."""
        one = scene.rollout("-own", good=0.9, bad=0.9)
        one.start()
        self.other = scene.rollout("-foreign", bad=0.9)
        self.other.backends = {"bad": self._service(one)}
        self.other.counts = False
        self.other.start_route(self.other.route_object())
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """It is used, and the arm found worse."""
        scene.stroke()
        self.other.send(8)
        one.steer(bad={"mean": 0.1})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It keeps its Pods."""
        one.wait_for_state("bad", "Draining", "RolledBack", seconds=120)
        scene.hold(25)
        arm = one.arm("bad")
        expect(one.replicas("bad") == 1, f"the loser has {one.replicas('bad')} replicas")
        kept = (arm.get("state"), arm.get("reason"))
        expect(kept[1] in ("PodsInUse", "WaitingForRequests"), f"the loser is {kept}")
        return f"{kept[0]}/{kept[1]} with its Pods; {self._word(one)}; at zero once the route was gone"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """The route goes."""
        self.other.send(0)
        scene.hold(2)
        one.cluster.kubectl("delete", "httproute", self.other.name)
        one.wait("the loser is at zero", lambda: one.replicas("bad") == 0, 60)

    def _service(self, one: LiveRollout) -> str:
        """The Service that the other route names."""
        return one.backends["bad"]

    def _word(self, one: LiveRollout) -> str:
        condition = one.condition("TrafficInSync")
        return f"TrafficInSync {condition.get('status')}/{condition.get('reason')}"


class AnotherServiceOverTheSamePods(AnotherRouteUsesTheLoser):
    """A route without any resource reaches an arm's Pods by another Service."""

    name = "another-service-over-the-same-pods"
    injected = "A route of nobody's sends 8 requests a second to the loser's Pods by a Service of its own."

    def _service(self, one: LiveRollout) -> str:
        """Made beside the arm's own."""
        service = one.pods("bad")[2]
        name = f"{one.name}-legacy"
        one.cluster.apply({**service, "metadata": {**service["metadata"], "name": name}})
        return name


def _told_until_out(scene: Scene, one: LiveRollout, reason: str) -> str:
    """Wait until the spec is refused for a reason, and for a while after the worse arm is out."""
    condition = one.wait_for("Accepted", "False", reason, seconds=20)
    after = scene.since
    one.wait_for_state("bad", "Draining", "RolledBack", seconds=120)
    scene.hold(20)
    return f"{reason} after {after:.1f} s: “{condition['message'][:160]}”"


class ScaleTargetOfOthers(Fault):
    """An arm's scaleTargetRef names what serves something else."""

    name = "scale-target-of-others"
    injected = "An arm's scaleTargetRef is set to a Deployment of others; then the arm is worse."
    expected = "Accepted is False/ScaleTargetMismatch with both names; nobody's replicas are changed."

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that serve, and Pods of others."""
        self.others = scene.rollout("-others", idle=0.5)
        self.others.counts = False
        one = scene.rollout(good=0.9, bad=0.9)
        one.start(*self.others.pods("idle"))
        self.others.wait("its Pod is ready", lambda: self.others.endpoints("idle"), 60)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """The spec names it, and the arm is worse."""
        arms = one.resource()["spec"]["arms"]
        arms[1]["scaleTargetRef"] = {"name": self.others.backends["idle"]}
        scene.stroke()
        one.patch({"arms": arms})
        one.steer(bad={"mean": 0.1})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is said, and nothing is scaled."""
        told = _told_until_out(scene, one, "ScaleTargetMismatch")
        replicas = (self.others.replicas("idle"), one.replicas("bad"))
        expect(replicas == (1, 1), f"others and the arm have {replicas} replicas")
        return told

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """Its own again, which goes once it is seen to be worse."""
        scene.stroke()
        one.patch({"arms": one.resource()["spec"]["arms"]})
        one.wait_for("Accepted", "True", "Accepted", seconds=20)


class SelectorTakesBothArms(Fault):
    """A Service of an arm has a selector that the Pods of another arm meet as well."""

    name = "selector-takes-both-arms"
    injected = "The Service of one arm comes to select the Pods of both; then the other arm is worse."
    expected = (
        "Accepted is False/SharedPods with both Services; the worse arm keeps its Pods until all is right."
    )
    counted = "not"  # each model counts for itself, whichever arm's share it answers

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms whose Pods have a label in common."""
        one = scene.rollout(good=0.9, bad=0.9)
        one.start()
        for service in one.backends.values():
            one.cluster.kubectl("label", "pods", "-l", f"app={service}", f"family={one.name}")
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """It is what is selected, and the other arm is worse."""
        scene.stroke()
        self._select(one, {"app": None, "family": one.name})
        one.steer(bad={"mean": 0.1})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is said, and the Pods stay."""
        told = _told_until_out(scene, one, "SharedPods")
        expect(one.replicas("bad") == 1, f"the worse arm has {one.replicas('bad')} replicas")
        return told

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """The selector is right again, so that the worse arm's Pods go."""
        scene.stroke()
        self._select(one, {"app": one.backends["good"], "family": None})
        one.wait("the worse arm is at zero", lambda: one.replicas("bad") == 0, 60)

    def _select(self, one: LiveRollout, selector: dict[str, str | None]) -> None:
        spec = json.dumps({"spec": {"selector": selector}})
        one.cluster.kubectl("patch", "service", one.backends["good"], "--type=merge", "-p", spec)


class RequestsPastTheGateway(Fault):
    """Requests reach the loser that no route sends, as those of a mirror do."""

    name = "requests-past-the-gateway"
    injected = "Requests reach a loser's Pods past the gateway, as a mirror's do, from before the verdict on."
    expected = "The loser is not scaled down while they come (WaitingForRequests); then it is."

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that serve, whose own counter tells of requests."""
        one = scene.rollout(good=0.9, bad=0.9)
        one.counts = False  # such requests are trials without an answer
        own = f'model_reward_trials_total{{route="{one.name}"}}'
        one.start(rollback={"drain": "5s", "retryAfter": "0s", "requests": own})
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """They come, and the arm is found worse."""
        self.ended = False
        self.sender = threading.Thread(target=self._send, args=(one,), daemon=True)
        self.sender.start()
        scene.stroke()
        one.steer(bad={"mean": 0.1})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It drains and keeps its Pods."""
        one.wait_for_state("bad", "Draining", "RolledBack", seconds=120)
        scene.hold(30)
        arm = one.arm("bad")
        kept = (arm.get("state"), arm.get("reason"))
        expect(one.replicas("bad") == 1, f"scaled to zero under requests: {kept}")
        expect(kept == ("Draining", "WaitingForRequests"), f"the loser is {kept}")
        return f"{kept[0]}/{kept[1]} with its Pods for 30 s; at zero once they had ended"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """They end."""
        self.ended = True
        self.sender.join(10)
        one.wait("the loser is at zero", lambda: one.replicas("bad") == 0, 60)

    def _send(self, one: LiveRollout) -> None:
        """Send to the Service by way of the API server."""
        path = f"/api/v1/namespaces/{NAMESPACE}/services/{one.backends['bad']}:80/proxy/request"
        while not self.ended:
            one.cluster.run("cluster", "kubectl", "get", "--raw", path, check=False)
            time.sleep(0.2)


class LoserScaledUp(Fault):
    """Another hand gives a loser Pods again."""

    name = "loser-scaled-up-by-others"
    injected = "The loser is at zero; somebody scales it to 1."
    expected = "It is named (ScaledByOthers, an event) and gets no traffic."

    def prepare(self, scene: Scene) -> LiveRollout:
        """A loser at zero."""
        return scene.with_loser_out()

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Scale by hand."""
        scene.stroke()
        one.cluster.kubectl("scale", "deployment", one.backends["bad"], "--replicas=1")

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is named."""
        one.wait("it is named", lambda: one.arm("bad").get("reason") == "ScaledByOthers", 20)
        after = scene.since
        scene.hold(15)
        first = scene.strokes[0]
        answers = sum(request.arm == "bad" for request in one.requests() if request.sent > first)
        expect(answers == 0, f"the loser answered {answers} requests")
        one.wait("an event names it", lambda: "ScaledByOthers" in one.reasons(), 5)
        return f"named after {after:.1f} s, no request"


class ArmScaledToZeroByOthers(Fault):
    """An autoscaler, or a person, takes a serving arm's Pods."""

    name = "arm-scaled-to-zero-by-others"
    injected = "Somebody scales the Deployment of a serving arm to zero for 15 s."
    expected = "Its weight is 0 within 2 s; it is called NoReplicas, not broken; it returns with its Pods."

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that serve."""
        one = scene.rollout(good=0.5, bad=0.5)
        one.start()
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Scale by hand."""
        scene.stroke()
        one.cluster.kubectl("scale", "deployment", one.backends["bad"], "--replicas=0")

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It has no weight, and is called what it is."""
        one.wait("its weight is 0", lambda: one.share("bad") == 0, 10)
        after = scene.since
        one.wait("it is named", lambda: one.arm("bad").get("reason") == "NoReplicas", 5)
        scene.hold(15)
        return f"weight 0 after {after:.1f} s, Unavailable/NoReplicas"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """Scale up again."""
        one.cluster.kubectl("scale", "deployment", one.backends["bad"], "--replicas=1")
        one.wait("it serves again", lambda: one.share("bad") > 0, 40)


class TwoResourcesOnOneRule(Fault):
    """A second resource claims the same rule."""

    name = "two-resources-on-one-rule"
    injected = "A second BanditDeployment names the same rule, with the arms' order and rewards turned round."
    expected = "The younger one is refused (RuleConflict, with the older's name) and moves nothing."

    def prepare(self, scene: Scene) -> LiveRollout:
        """A rollout."""
        one = scene.rollout("-older", good=0.9, bad=0.1)
        one.start(guardrails={"minTrials": 10**6})  # nothing of its own moves it
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """The second resource."""
        self.younger = scene.rollout("-younger", bad=0.9, good=0.1)
        self.younger.backends = {arm: one.backends[arm] for arm in self.younger.arms}
        self.younger.counts = False
        resource = self.younger.resource(traffic={"routeRef": {"name": one.name, "sectionName": "predict"}})
        scene.stroke()
        one.cluster.apply(resource)

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is refused."""
        condition = self.younger.wait_for("Accepted", "False", "RuleConflict", seconds=10)
        after = scene.since
        expect(one.name in condition["message"], condition["message"])
        weights = one.weights()
        scene.hold(20)
        expect(one.weights() == weights, f"weights went from {weights} to {one.weights()}")
        return f"RuleConflict after {after:.1f} s; weights unchanged"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """It goes."""
        self.younger.delete()


class SecondOperator(Fault):
    """Two installations work on one resource."""

    name = "second-operator"
    injected = "A second release of the chart, in another namespace, works on the same resource for 40 s."
    expected = "Ready is False/OtherOperator and names the other; every reward counts once all the same."
    alone = True

    def prepare(self, scene: Scene) -> LiveRollout:
        """A rollout that is written at every tick."""
        one = scene.rollout(good=0.5, bad=0.5)
        one.start(guardrails={"minTrials": 20, "minChange": "0"})
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Install the chart once more."""
        values = f"image.tag=dev,prometheus.address={PROMETHEUS},crds.install=false"
        chart = str(REPOSITORY / "charts" / "bandit-operator")
        scene.stage.cluster.run(
            "helm", "install", "second", chart, "--namespace", f"{NAMESPACE}-second", "--create-namespace",
            "--set", values, "--wait", "--timeout", "90s",
        )  # fmt: skip
        scene.stroke()

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is named."""
        condition = one.wait_for("Ready", "False", "OtherOperator", seconds=60)
        after = scene.since
        expect("lease" in condition["message"], condition["message"])
        scene.hold(max(0.0, 40 - after))
        return f"OtherOperator after {after:.0f} s"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """Uninstall it."""
        scene.stage.cluster.run("helm", "uninstall", "second", "--namespace", f"{NAMESPACE}-second", "--wait")
        scene.stroke()
        time.sleep(5)
