"""The demo as lines of text: what changed, and when."""

from __future__ import annotations

from demo.story import StepState
from demo.view_model import ArmView, ViewModel

COUNTERS_SECONDS = 15.0


class LogView:
    """Turns one moment after the other into lines about what is new in it."""

    def __init__(self) -> None:
        self._steps: dict[int, StepState] = {}
        self._decision: tuple[float, str, str] | None = None
        self._events = 0
        self._arms: dict[str, tuple[str, tuple[int, int, int]]] = {}
        self._counted_at = 0.0

    def new(self, model: ViewModel) -> list[str]:
        """Return the lines about what has changed since the moment before."""
        lines = [*self._decisions(model), *self._states(model), *self._told(model), *self._steps_done(model)]
        if model.requests and model.seconds - self._counted_at >= COUNTERS_SECONDS:
            self._counted_at = model.seconds
            lines.append(
                f"traffic   {model.requests:,} requests, {model.failed} failed; "
                f"{model.rewards_sent:,} labels sent, {model.rewards_counted:,} counted"
            )
        return [f"{model.seconds:6.1f} s  {line}" for line in lines]

    def _decisions(self, model: ViewModel) -> list[str]:
        if model.decision == self._decision or model.decision is None:
            return []
        self._decision = model.decision
        weights = "  ".join(f"{arm.name} {arm.share:.1%}" for arm in model.arms)
        return [f"decision  {model.decision[1]}: {model.decision[2]}", f"weights   {weights}"]

    def _states(self, model: ViewModel) -> list[str]:
        lines = []
        for arm in model.arms:
            now = (arm.state, arm.pods)
            if arm.state and self._arms.get(arm.name) != now:
                self._arms[arm.name] = now
                lines.append(
                    f"arm       {arm.name} is {arm.state} ({arm.reason}), {_pods(arm)}{_evidence(arm)}"
                )
        return lines

    def _told(self, model: ViewModel) -> list[str]:
        new = model.events[self._events :]
        self._events = len(model.events)
        return [f"event     {reason}: {note}" for _, reason, note in new]

    def _steps_done(self, model: ViewModel) -> list[str]:
        lines = []
        for number, step in enumerate(model.steps):
            if self._steps.get(number, StepState.LATER) is step.state:
                continue
            self._steps[number] = step.state
            mark = {StepState.NOW: "await  ", StepState.DONE: "done  ✔", StepState.FAILED: "missed ✘"}[
                step.state
            ]
            lines.append(f"story     {mark} {number + 1}/{len(model.steps)} {step.text}")
        return lines


def _pods(arm: ArmView) -> str:
    wanted, there, ready = arm.pods
    return f"Pods: {ready} ready of {there}, {wanted} wanted"


def _evidence(arm: ArmView) -> str:
    if arm.evidence is None or arm.threshold is None:
        return ""
    return f", evidence {arm.evidence:.3g} of {arm.threshold:g}"
