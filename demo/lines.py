"""The demo as lines of text: what changed, and when."""

from __future__ import annotations

from demo.scene import ArmScene, Scene
from demo.story import StepState

COUNTERS_SECONDS = 15.0


class Lines:
    """Turns one moment after the other into lines about what is new in it."""

    def __init__(self) -> None:
        self._steps: dict[int, StepState] = {}
        self._decision: tuple[float, str, str] | None = None
        self._events = 0
        self._arms: dict[str, tuple[str, tuple[int, int, int]]] = {}
        self._counted_at = 0.0

    def new(self, scene: Scene) -> list[str]:
        """Return the lines about what has changed since the moment before."""
        found = [*self._decisions(scene), *self._states(scene), *self._told(scene), *self._steps_done(scene)]
        if scene.requests and scene.seconds - self._counted_at >= COUNTERS_SECONDS:
            self._counted_at = scene.seconds
            found.append(
                f"traffic   {scene.requests:,} requests, {scene.failed} failed; "
                f"{scene.rewards_sent:,} labels sent, {scene.rewards_counted:,} counted"
            )
        return [f"{scene.seconds:6.1f} s  {line}" for line in found]

    def _decisions(self, scene: Scene) -> list[str]:
        if scene.decision == self._decision or scene.decision is None:
            return []
        self._decision = scene.decision
        weights = "  ".join(f"{arm.name} {arm.share:.1%}" for arm in scene.arms)
        return [f"decision  {scene.decision[1]}: {scene.decision[2]}", f"weights   {weights}"]

    def _states(self, scene: Scene) -> list[str]:
        found = []
        for arm in scene.arms:
            now = (arm.state, arm.pods)
            if arm.state and self._arms.get(arm.name) != now:
                self._arms[arm.name] = now
                found.append(
                    f"arm       {arm.name} is {arm.state} ({arm.reason}), {_pods(arm)}{_evidence(arm)}"
                )
        return found

    def _told(self, scene: Scene) -> list[str]:
        new = scene.events[self._events :]
        self._events = len(scene.events)
        return [f"event     {reason}: {note}" for _, reason, note in new]

    def _steps_done(self, scene: Scene) -> list[str]:
        found = []
        for number, step in enumerate(scene.steps):
            if self._steps.get(number, StepState.LATER) is step.state:
                continue
            self._steps[number] = step.state
            mark = {StepState.NOW: "await  ", StepState.DONE: "done  ✔", StepState.FAILED: "missed ✘"}[
                step.state
            ]
            found.append(f"story     {mark} {number + 1}/{len(scene.steps)} {step.text}")
        return found


def _pods(arm: ArmScene) -> str:
    wanted, there, ready = arm.pods
    return f"Pods: {ready} ready of {there}, {wanted} wanted"


def _evidence(arm: ArmScene) -> str:
    if arm.evidence is None or arm.threshold is None:
        return ""
    return f", evidence {arm.evidence:.3g} of {arm.threshold:g}"
