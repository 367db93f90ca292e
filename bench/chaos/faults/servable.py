"""Arms whose Pods die, come and go, or were never there."""

from __future__ import annotations

import json
import time

from bench.chaos.fault import Fault, expect
from bench.chaos.live import OUT, LiveRollout
from bench.chaos.scene import Scene


class LastArmDiesInDrain(Fault):
    """The baseline fails while the loser drains."""

    name = "last-arm-dies-in-drain"
    injected = "The baseline's readiness probe fails while the loser drains (drain 20 s), for 30 s."
    expected = "The drain ends: the loser serves again within 2 s and keeps its Pods."
    quick = True

    def prepare(self, scene: Scene) -> LiveRollout:
        """A loser that drains."""
        one = scene.rollout(good=0.9, bad=0.1)
        one.start(rollback={"drain": "20s", "retryAfter": "0s"})
        one.wait_for_state("bad", "Draining")
        one.wait("its weight is 0", lambda: one.share("bad") == 0, 10)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """The baseline is not ready."""
        one.steer(good={"ready": False})
        one.wait("the baseline has no ready endpoint", lambda: not one.endpoints("good"), 20)
        scene.stroke()

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """The loser has the traffic."""
        one.wait("the loser serves", lambda: one.share("bad") == 1.0, 10)
        after = scene.since
        scene.hold(30)
        expect(one.replicas("bad") == 1, f"the loser has {one.replicas('bad')} replicas")
        expect("NoOtherArm" in one.reasons(), f"no event NoOtherArm, but {sorted(one.reasons())}")
        return f"the loser had all traffic after {after:.1f} s and kept its Pod"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """The baseline is ready again."""
        scene.stroke()
        one.steer(good={"ready": True})
        one.wait("the baseline serves again", lambda: one.share("good") > 0, 30)


class LastArmDiesAfterDrain(Fault):
    """The baseline fails when the loser is at zero."""

    name = "last-arm-dies-after-drain"
    injected = "The loser is at zero; then the baseline's readiness probe fails for 30 s."
    expected = "The loser is scaled up at once and serves; until it is ready, Ready is False/NoArmAvailable."
    quick = True

    def prepare(self, scene: Scene) -> LiveRollout:
        """A loser at zero."""
        return scene.with_loser_out()

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """The baseline is not ready."""
        one.steer(good={"ready": False})
        one.wait("the baseline has no ready endpoint", lambda: not one.endpoints("good"), 20)
        scene.stroke()

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """The loser is brought back."""
        one.wait("the loser is scaled up", lambda: one.replicas("bad") > 0, 5)
        scaled = scene.since
        one.wait_for("Ready", "False", "NoArmAvailable", seconds=3)
        one.wait("the loser serves", lambda: one.share("bad") == 1.0, 30)
        served = scene.since
        scene.hold(20)
        return f"scaled up after {scaled:.1f} s, all traffic after {served:.1f} s"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """The baseline is ready again."""
        scene.stroke()
        one.steer(good={"ready": True})
        one.wait("the baseline serves again", lambda: one.share("good") > 0, 30)


class AllArmsDie(Fault):
    """No arm can serve, and then one can."""

    name = "all-arms-die"
    injected = "Both arms' readiness probes fail for 15 s; then one is ready again."
    expected = "Ready is False/NoArmAvailable; the arm that is ready again has all traffic within 2 s."

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that serve."""
        one = scene.rollout(good=0.5, bad=0.5)
        one.start()
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Neither is ready."""
        one.steer(good={"ready": False}, bad={"ready": False})
        one.wait("no arm is ready", lambda: not one.endpoints("good") and not one.endpoints("bad"), 20)
        scene.stroke()

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is said, and over as soon as it can be."""
        one.wait_for("Ready", "False", "NoArmAvailable", seconds=3)
        said = scene.since
        scene.hold(12)
        one.steer(bad={"ready": True})
        one.wait("one is ready", lambda: one.endpoints("bad"), 10)
        again = scene.stroke()
        one.wait("it has all traffic", lambda: one.share("bad") == 1.0, 10)
        after = time.time() - again
        return f"said after {said:.1f} s; the one that came back had all traffic after {after:.1f} s"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """Both are ready."""
        scene.stroke()
        one.steer(good={"ready": True})
        one.wait("both serve", lambda: 0 < one.share("good") < 1, 40)


class PodsGoneWithoutScaleTarget(Fault):
    """An arm that is scaled by nobody we know has no Pods."""

    name = "pods-gone-without-scale-target"
    injected = "Arms without scaleTargetRef; somebody scales one of them to zero for 20 s."
    expected = "Its weight is 0 within 2 s, it is called NoReadyEndpoint; it returns when its Pods do."
    quick = True

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms without scale target."""
        one = scene.rollout(good=0.5, bad=0.5, scale=False)
        one.start()
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Scale by hand."""
        scene.stroke()
        one.cluster.kubectl("scale", "deployment", f"{one.name}-bad", "--replicas=0")

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """The arm has no weight."""
        one.wait("its weight is 0", lambda: one.share("bad") == 0, 10)
        after = scene.since
        one.wait("it is named", lambda: one.arm("bad").get("reason") == "NoReadyEndpoint", 5)
        scene.hold(20)
        return f"weight 0 after {after:.1f} s, Unavailable/NoReadyEndpoint"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """Scale up again."""
        one.cluster.kubectl("scale", "deployment", f"{one.name}-bad", "--replicas=1")
        one.wait("it serves again", lambda: one.share("bad") > 0, 40)


class NotReadyAddressesPublished(Fault):
    """A Service whose every Pod counts as ready."""

    name = "not-ready-addresses-published"
    injected = "A Service with publishNotReadyAddresses; the readiness probe of its only Pod fails for 20 s."
    expected = "Its weight is 0 within 2 s, though its endpoint is called ready; it returns with its probe."

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that serve, one of them through such a Service."""
        one = scene.rollout(good=0.5, bad=0.5)
        one.start()
        published = '{"spec": {"publishNotReadyAddresses": true}}'
        one.cluster.kubectl("patch", "service", one.backends["bad"], "-p", published)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Its Pod is not ready."""
        one.steer(bad={"ready": False})
        one.wait("bad serves no more", lambda: not one.endpoints("bad"), 20)
        scene.stroke()

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """The arm has no weight."""
        one.wait("its weight is 0", lambda: one.share("bad") == 0, 10)
        after = scene.since
        slices = one.cluster.get("endpointslices", "-l", f"kubernetes.io/service-name={one.backends['bad']}")
        said = [each["conditions"] for each in slices["items"][0]["endpoints"]]
        expect(said[0]["ready"] and not said[0]["serving"], f"its endpoint is {said}")
        scene.hold(20)
        expect(one.share("bad") == 0, f"bad has {one.share('bad'):.0%}")
        return f"weight 0 after {after:.1f} s, while its endpoint was ready and not serving"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """It is ready again."""
        scene.stroke()
        one.steer(bad={"ready": True})
        one.wait("it serves again", lambda: one.share("bad") > 0, 40)


class PortRenamed(Fault):
    """A new version of an arm calls its port otherwise than its Service does."""

    name = "port-renamed"
    injected = "The new Pods of an arm call their port web, and its Service's targetPort is http; for 20 s."
    expected = (
        "Its weight is 0 within 2 s, though its Pods are ready; it returns once they have the port again."
    )

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that serve."""
        one = scene.rollout(good=0.5, bad=0.5)
        one.start()
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Another name."""
        scene.stroke()
        self._call_port(one, "web")
        one.wait("no Pod has the port", lambda: not one.endpoints("bad"), 60)
        scene.stroke()

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """The arm has no weight."""
        one.wait("its weight is 0", lambda: one.share("bad") == 0, 10)
        after = time.time() - scene.strokes[-1]
        slices = one.cluster.get("endpointslices", "-l", f"kubernetes.io/service-name={one.backends['bad']}")
        ready = sum(
            each["conditions"]["ready"] for part in slices["items"] for each in part["endpoints"] or []
        )
        expect(ready > 0, "none of its endpoints is ready")
        scene.hold(20)
        expect(one.share("bad") == 0, f"bad has {one.share('bad'):.0%}")
        return f"weight 0 after {after:.1f} s, while its Pods were ready"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """The name of before."""
        scene.stroke()
        self._call_port(one, "http")
        one.wait("it serves again", lambda: one.share("bad") > 0, 60)

    def _call_port(self, one: LiveRollout, name: str) -> None:
        container = {"name": "program", "ports": [{"containerPort": 8000, "name": name}]}
        change = {"spec": {"template": {"spec": {"containers": [container]}}}}
        one.cluster.kubectl("patch", "deployment", one.backends["bad"], "-p", json.dumps(change))


class CrashLoop(Fault):
    """An arm comes and goes."""

    name = "crash-loop"
    injected = "The process of one of two arms ends 6 s after each start, for 70 s."
    expected = "It returns less and less often (StayingUp); requests fail in the seconds of a crash only."

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that serve."""
        one = scene.rollout(good=0.5, bad=0.5)
        one.start()
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """The process ends again and again."""
        scene.stroke()
        one.steer(bad={"lives": 6.0})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is let in less and less often."""
        returns, had_weight = 0, True
        end = time.time() + 70
        while time.time() < end:
            weight = one.share("bad") > 0
            returns += weight and not had_weight
            had_weight = weight
            time.sleep(0.1)
        crashes = len(one.crashes("bad"))
        scene.strokes += one.crashes("bad")  # each crash is a fault of its own
        expect(crashes >= 3, f"it has crashed {crashes} times only")
        expect(returns <= 2, f"it was let in {returns} times in {crashes} crashes")
        return f"{crashes} crashes, let in again {returns} times"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """It lives."""
        one.steer(bad={"lives": 0.0})


class QuotaForbidsItsPods(Fault):
    """An arm is to come back, and the namespace's quota lets it have no Pods."""

    name = "quota-forbids-its-pods"
    injected = "A ResourceQuota that is used up; then the loser's time to be tried again comes."
    expected = (
        "It is Restoring, Progressing quotes the quota, and nobody notices; without the quota it returns."
    )
    alone = True

    def prepare(self, scene: Scene) -> LiveRollout:
        """A loser at zero."""
        one = scene.rollout(good=0.9, bad=0.1)
        one.start(rollback={"drain": "5s", "retryAfter": "1m"})
        one.wait("bad is at zero", lambda: one.arm("bad").get("reason") == "ScaledToZero", 120)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """There may be one Pod, and there are more."""
        scene.stroke()
        one.cluster.kubectl("create", "quota", self.name, "--hard=pods=1")

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is said what keeps its Pods."""
        one.wait_for_state("bad", "Restoring", seconds=120)
        one.wait("the quota is named", lambda: "exceeded quota" in self._said(one), 30)
        said = self._said(one)
        scene.hold(10)
        expect(one.share("good") == 1.0, f"good has {one.share('good'):.0%}")
        expect(self._said(one) == said, f"it changed to {self._said(one)}")
        return f"Progressing: {said}"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """The quota goes; its controller tries again, later each time."""
        one.cluster.kubectl("delete", "quota", self.name)
        one.wait("bad serves again", lambda: one.share("bad") > 0, 120)

    def _said(self, one: LiveRollout) -> str:
        said = [each for each in one.status().get("conditions", []) if each["type"] == "Progressing"]
        return str(said[0]["message"]) if said else ""


class PodsKilled(Fault):
    """Pods vanish without a word."""

    name = "pods-killed"
    injected = "The only Pod of one of two equal arms is deleted by force, three times."
    expected = "Traffic goes to the other arm within 2 s; the arm returns; nobody is found worse."

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that serve."""
        one = scene.rollout(good=0.6, bad=0.6)
        one.start()
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Delete its Pod by force, again and again."""
        for _ in range(3):
            scene.stroke()
            selector = f"app={one.name}-bad"
            words = ("--force", "--grace-period=0", "--wait=false")
            one.cluster.kubectl("delete", "pod", "-l", selector, *words)
            scene.hold(12)

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """All is as it was."""
        one.wait("both serve", lambda: 0 < one.share("bad") < 1, 40)
        expect(one.arm("bad").get("state") not in OUT, f"bad is {one.arm('bad').get('state')}")
        return "both arms serve"
