"""What is said: whose fault it was, and whether anything is known."""

from __future__ import annotations

from bench.chaos.fault import Fault, expect
from bench.chaos.live import LiveRollout
from bench.chaos.scene import Scene

LEARNED = 60.0
"""Seconds of ticks from which on the rewards' usual course is known."""


class AllArmsBreak(Fault):
    """The world changes, not a model."""

    name = "all-arms-break"
    injected = "The mean reward of all three arms falls from 0.8 to 0.05 at once."
    expected = "Nobody is blamed or taken out for it."

    def prepare(self, scene: Scene) -> LiveRollout:
        """Three arms that are known."""
        one = scene.rollout(good=0.8, bad=0.8, fair=0.8)
        one.start()
        scene.hold(LEARNED)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """All fall."""
        scene.stroke()
        one.steer(**{arm: {"mean": 0.05} for arm in one.arms})
        one.worse.clear()  # while they are told one after the other nobody is worse
        scene.hold(45)

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """No arm is named."""
        notes = [event.get("note", "") for event in one.events() if event["reason"] == "RewardsChanged"]
        blamed = [note for note in notes if "broke" in note and "world" not in note]
        expect(not blamed, f"blamed: {blamed}")
        return f"“{notes[-1][:160]}”" if notes else "nothing was said of it in 45 s"


class OneArmBreaks(Fault):
    """A model breaks, not the world."""

    name = "one-arm-breaks"
    injected = "The mean reward of one of three arms falls from 0.8 to 0.05."
    expected = "It alone is taken out; nobody says that the world has changed."

    def prepare(self, scene: Scene) -> LiveRollout:
        """Three arms that are known."""
        one = scene.rollout(good=0.8, bad=0.8, fair=0.8)
        one.start()
        scene.hold(LEARNED)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """One falls."""
        scene.stroke()
        one.steer(bad={"mean": 0.05})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is taken out."""
        one.wait_for_state("bad", "Draining", "RolledBack", seconds=120)
        after = scene.since
        notes = [event.get("note", "") for event in one.events() if event["reason"] == "RewardsChanged"]
        expect(not any("the world changed" in note for note in notes), f"it was said: {notes}")
        return f"taken out after {after:.0f} s"


class LeaderBreaks(Fault):
    """The arm that has nearly all traffic turns bad."""

    name = "leader-breaks"
    injected = "An arm that leads with 90 % or more turns from 0.9 to 0.1; the baseline earns 0.7."
    expected = "It has less than half of the traffic within 60 s (12 ticks)."

    def prepare(self, scene: Scene) -> LiveRollout:
        """An arm that leads."""
        one = scene.rollout(good=0.7, bad=0.9)
        one.start()
        one.wait("it leads", lambda: one.share("bad") >= 0.9, 120)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """It turns bad."""
        scene.stroke()
        one.steer(bad={"mean": 0.1})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """Its traffic goes."""
        one.wait("the first weight moves", lambda: one.share("bad") < 0.88, 60)
        first = scene.since
        one.wait("it has less than half", lambda: one.share("bad") < 0.5, 60)
        expect(scene.since <= 60, f"it took {scene.since:.0f} s")
        return f"first move after {first:.0f} s, below half after {scene.since:.0f} s"


class Paused(Fault):
    """The user pauses a rollout."""

    name = "paused"
    injected = "The spec's mode is Paused for 15 s, then Active."
    expected = "Ready is not True, and the reason is Paused; then all is counted."

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that serve."""
        one = scene.rollout(good=0.6, bad=0.5)
        one.start()
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Pause it."""
        scene.stroke()
        one.patch({"mode": "Paused"})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is said."""
        one.wait_for("MetricsAvailable", "Unknown", "Paused", seconds=10)
        ready = one.condition("Ready")
        expect(ready["status"] != "True", f"Ready is {ready['status']}")
        scene.hold(15)
        one.patch({"mode": "Active"})
        scene.stroke()
        one.wait_for("Ready", "True", "InSync", seconds=60)
        return f"Ready {ready['status']}/{ready['reason']}"
