"""Arms whose Pods die, come and go, or were never there."""

from __future__ import annotations

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
        arm = one.arm("bad")
        expect(arm.get("reason") == "NoReadyEndpoint", f"bad is {arm.get('state')}/{arm.get('reason')}")
        scene.hold(20)
        return f"weight 0 after {after:.1f} s, Unavailable/NoReadyEndpoint"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """Scale up again."""
        one.cluster.kubectl("scale", "deployment", f"{one.name}-bad", "--replicas=1")
        one.wait("it serves again", lambda: one.share("bad") > 0, 40)


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
