"""Arms, backends and resources that become something else, go, or come again."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from bench.chaos.fault import Fault, expect
from bench.chaos.live import RATE, LiveRollout
from bench.chaos.scene import Scene


class NewBackendUnderAnOldName(Fault):
    """The leader's name is given to a model that nobody has tried."""

    name = "new-backend-under-an-old-name"
    injected = "The leading arm's backendRef is changed to another, bad, untried Service."
    expected = "It starts anew within 2 s: Joining with at most newArmShare (10 %), and no trials."
    quick = True

    def prepare(self, scene: Scene) -> LiveRollout:
        """An arm that leads, and another model that is up."""
        one = scene.rollout(good=0.3, bad=0.9, scale=False)
        one.start(*one.pods("other", label="bad"), rollback={"scaleToZero": False})
        one.wait("it leads", lambda: one.share("bad") > 0.6, 90)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Route and resource name the other Service."""
        other = f"{one.name}-other"
        one.backends["bad"] = other
        one.steer(bad={"mean": 0.1})
        scene.stroke()
        one.patch_route({"op": "replace", "path": "/spec/rules/0/backendRefs/1/name", "value": other})
        one.patch({"arms": one.resource()["spec"]["arms"]})
        scene.stroke()

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is a new arm."""
        one.wait("it has lost the old one's share", lambda: one.share("bad") <= 0.1, 10)
        after = scene.since
        expect(after <= 2, f"it had the old one's share for {after:.1f} s")
        one.wait("it has a small share", lambda: one.share("bad") > 0, 15)
        one.wait_for_state("bad", "Joining", seconds=5)
        trials = float(one.arm("bad").get("trials", 0))
        expect(trials == 0, f"it has {trials:g} trials")
        scene.hold(15)
        trials = float(one.arm("bad").get("trials", 0))
        expect(one.share("bad") <= 0.1001 or trials >= 20, f"{one.share('bad'):.0%} after {trials:g} trials")
        share = f"{one.share('bad'):.0%} of the traffic 15 s later"
        return f"the old one's share was gone after {after:.1f} s; Joining with 0 trials, {share}"


class BaselineAtZero(Fault):
    """The user makes the loser the baseline."""

    name = "baseline-at-zero"
    injected = "The spec's baseline is changed to an arm that was rolled back and is at zero."
    expected = "It is scaled up first and serves again; the old baseline is not taken out for it."

    def prepare(self, scene: Scene) -> LiveRollout:
        """A loser at zero."""
        return scene.with_loser_out()

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Another baseline."""
        scene.stroke()
        one.patch({"baseline": "bad"})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is back."""
        one.wait("it has Pods", lambda: one.replicas("bad") == 1, 10)
        one.wait("it serves", lambda: one.share("bad") > 0, 30)
        after = scene.since
        scene.hold(20)
        states = {arm: one.arm(arm).get("state") for arm in one.arms}
        expect(not {"Draining", "RolledBack"} & set(states.values()), f"states are {states}")
        return f"it serves after {after:.1f} s; states {states}"


class ArmRemovedAndPutBack(Fault):
    """An arm leaves the spec with its traffic, and comes again as something else."""

    name = "arm-removed-and-put-back"
    injected = "The leading arm is taken out of spec.arms; 12 s later it is there again with another backend."
    expected = "Its unmanaged traffic is named; put back it starts anew, without a trial of the old Pods."
    stated = "What the arm earns while it is not in the spec."
    stated_lost = 0.4

    def prepare(self, scene: Scene) -> LiveRollout:
        """Three arms, and another model that is up."""
        one = scene.rollout(good=0.5, fair=0.5, late=0.9)
        one.start(*one.pods("other", label="late"), rollback={"scaleToZero": False})
        one.wait("it leads", lambda: one.share("late") > 0.5, 90)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """It is taken out."""
        scene.stroke()
        one.patch({"arms": one.resource()["spec"]["arms"][:2]})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is named, and new when it comes again."""

        def named() -> bool:
            return "%" in one.condition("Accepted").get("message", "")

        one.wait("its traffic is named", named, 10)
        word = one.condition("Accepted")["message"]
        scene.hold(10)
        other = f"{one.name}-other"
        one.backends["late"] = other
        scene.stroke()
        one.patch_route({"op": "replace", "path": "/spec/rules/0/backendRefs/2/name", "value": other})
        one.patch({"arms": one.resource()["spec"]["arms"]})
        scene.stroke()
        one.wait("it has a small share", lambda: one.share("late") <= 0.1, 15)
        one.wait_for_state("late", "Joining", seconds=5)
        arm = one.arm("late")
        expect(float(arm.get("trials", 0)) < 100, f"it has {arm.get('trials')} trials")
        return f"“{word[:120]}”; put back: {arm.get('state')}/{arm.get('reason')}"


class ResourceMadeAgain(Fault):
    """The resource is deleted and applied again while a loser is at zero."""

    name = "resource-made-again"
    injected = "The loser is at zero; the BanditDeployment is deleted and applied again."
    expected = "It finds the arm without Pods, brings it back and tries it again."
    begins_again = True

    def prepare(self, scene: Scene) -> LiveRollout:
        """A loser at zero."""
        return scene.with_loser_out()

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Delete and apply."""
        one.delete()
        scene.stroke()
        one.cluster.apply(one.resource())

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is brought back."""
        one.wait("it has Pods", lambda: one.replicas("bad") == 1, 15)
        after = scene.since
        one.wait("it serves", lambda: one.share("bad") > 0, 30)
        return f"scaled up after {after:.1f} s, serves after {scene.since:.1f} s"


class BackendLeavesTheRule(Fault):
    """A backend is missing, and meanwhile another arm turns bad."""

    name = "backend-leaves-the-rule"
    injected = "The backendRef of one of three arms is taken out of the rule; another arm turns bad."
    expected = "Only that arm is out (BackendNotInRule); the bad one is rolled back all the same."

    def prepare(self, scene: Scene) -> LiveRollout:
        """Three arms that serve."""
        one = scene.rollout(good=0.9, bad=0.9, late=0.9)
        one.start()
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """It leaves, and another breaks."""
        scene.stroke()
        one.patch_route({"op": "remove", "path": "/spec/rules/0/backendRefs/2"})
        one.steer(bad={"mean": 0.1})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """A verdict on the other."""
        one.wait("it is named", lambda: one.arm("late").get("reason") == "BackendNotInRule", 10)
        named = scene.since
        one.wait_for_state("bad", "Draining", "RolledBack", seconds=120)
        return f"named after {named:.1f} s; the bad arm taken out after {scene.since:.0f} s"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """It is there again."""
        scene.stroke()
        ref = {"name": one.backends["late"], "port": 80, "weight": 0}
        one.patch_route({"op": "add", "path": "/spec/rules/0/backendRefs/-", "value": ref})
        one.wait("it serves again", lambda: one.share("late") > 0, 40)


class BaselineLeavesTheRule(Fault):
    """The arm with which verdicts compare is gone."""

    name = "baseline-leaves-the-rule"
    injected = "The baseline's backendRef is taken out of the rule for 20 s; two other arms can serve."
    expected = "They have all traffic within 2 s; Ready is False/BaselineUnavailable until it is back."

    def prepare(self, scene: Scene) -> LiveRollout:
        """Three arms that serve."""
        one = scene.rollout(good=0.6, bad=0.6, fair=0.6)
        one.start()
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """It is gone."""
        self.backend = one.route()["spec"]["rules"][0]["backendRefs"][0]
        scene.stroke()
        one.patch_route({"op": "remove", "path": "/spec/rules/0/backendRefs/0"})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is said."""
        condition = one.wait_for("Ready", "False", "BaselineUnavailable", seconds=10)
        after = scene.since
        expect(after <= 2, f"it was said after {after:.1f} s")
        scene.hold(20)
        still = one.condition("Ready")
        expect(still["reason"] == "BaselineUnavailable", f"Ready {still['status']}/{still['reason']}")
        return f"said after {after:.1f} s: “{condition['message'][:160]}”"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """It is in the rule again, and gets its share."""
        scene.stroke()
        back = {**self.backend, "weight": 0}
        one.patch_route({"op": "add", "path": "/spec/rules/0/backendRefs/0", "value": back})
        one.wait("it serves again", lambda: one.share("good") > 0, 40)
        one.wait_for("Ready", "True", "InSync", seconds=40)


class NamesOfOthers(Fault):
    """Models, metrics and rules are called as others call them."""

    name = "names-of-others"
    injected = (
        "The metric is model.trials, its label service.name has the values v1.2.0 and Model_A, the rule is "
        "predict.v1. First the arms have no labelValue, then they have. At last 17 arms are asked for."
    )
    expected = (
        "NoData names the values that there are; then windows are read, and the worse arm is taken out. "
        "17 arms are refused: a rule has 16 backends at most."
    )
    values: ClassVar[dict[str, str]] = {"good": "v1.2.0", "bad": "Model_A"}

    def prepare(self, scene: Scene) -> LiveRollout:
        """Arms that serve; what they count is called otherwise."""
        one = scene.rollout(good=0.9, bad=0.1)
        told = {self.values[arm]: {"mean": mean, "dotted": True} for arm, mean in one.means.items()}
        one.steer(**told)
        one.cluster.apply(*(part for arm in one.arms for part in one.pods(arm, self.values[arm])))
        route = one.route_object()
        route["spec"]["rules"][0]["name"] = "predict.v1"
        one.start_route(route)
        selector = f'{{"model.trials","service.namespace"="{one.name}"}}'
        one.wait("Prometheus has them", lambda: len(scene.stage.cluster.query(selector)) == len(one.arms), 60)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """The resource is made, as if the values were the arms' names."""
        one.counts = False  # what tells its rewards apart are not its arms' names
        asked = {
            field: f'{{"model.{field}","service.namespace"="{one.name}"}}'
            for field in ("successes", "trials")
        }
        spec = one.resource()["spec"]
        spec["traffic"]["routeRef"]["sectionName"] = "predict.v1"
        prometheus = {**spec["reward"]["prometheus"], **asked, "armLabel": "service.name"}
        one.start_resource(traffic=spec["traffic"], reward={"prometheus": prometheus})
        scene.stroke()
        one.send(RATE)

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is said, and put right."""
        one.wait_for("MetricsAvailable", "False", "NoData", seconds=60)
        one.wait("the values are named", lambda: "are Model_A, v1.2.0" in self._said(one), 30)
        arms = one.resource()["spec"]["arms"]
        one.patch({"arms": [{**arm, "labelValue": self.values[arm["name"]]} for arm in arms]})
        scene.stroke()
        one.wait_for("MetricsAvailable", "True", "RewardsObserved", seconds=60)
        one.wait("the worse arm is out", lambda: one.arm("bad").get("reason") == "ScaledToZero", 120)
        after = scene.since
        self._ask_for_17(one, arms)
        return f"the worse arm was at zero after {after:.0f} s; 17 arms were refused"

    def _said(self, one: LiveRollout) -> str:
        return str(one.condition("MetricsAvailable").get("message"))

    def _ask_for_17(self, one: LiveRollout, arms: list[dict[str, Any]]) -> None:
        more = [{"name": f"arm-{at}", "backendRef": {"name": f"arm-{at}"}} for at in range(15)]
        patch = json.dumps({"spec": {"arms": [*arms, *more]}})
        refused = one.cluster.kubectl_fails("patch", "bd", one.name, "--type=merge", "-p", patch).stderr
        expect("at most 16 arms" in refused, f"17 arms are refused otherwise: {refused}")
