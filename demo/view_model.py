"""What the views show: one moment of the demo, as plain values."""

from __future__ import annotations

import time
from dataclasses import dataclass

from demo.story import StepState, Story
from testbed.records import Object, number, parse_time


@dataclass(frozen=True)
class ArmView:
    """One arm; None where a number is not known."""

    name: str
    share: float
    """Share of the traffic by the weights in the route, 0 to 1."""
    mean: float | None
    """Mean reward."""
    interval: tuple[float, float] | None
    """Central 95 % interval of the mean."""
    probability_best: float | None
    evidence: float | None
    """e-value that the arm is worse than the baseline."""
    threshold: float | None
    """Evidence at which it is rolled back."""
    state: str
    reason: str
    pods: tuple[int, int, int]
    """Replicas asked for, existing and ready."""


@dataclass(frozen=True)
class StepView:
    """One step of the story; ``seconds`` after the start it was done, None before."""

    text: str
    state: StepState
    seconds: float | None


@dataclass(frozen=True)
class ViewModel:
    """One moment."""

    seconds: float
    """Since the start of the story."""
    interval: str
    baseline: str
    phase: str
    arms: tuple[ArmView, ...]
    rate: float
    requests: int
    failed: int
    rewards_sent: int
    rewards_counted: int
    ticks: int
    """Decisions with a window so far."""
    decision: tuple[float, str, str] | None
    """The newest decision: seconds since the start, reason and message; None before the first."""
    events: tuple[tuple[float, str, str], ...]
    """Seconds since the start, reason and note of the newest events, oldest first."""
    steps: tuple[StepView, ...]


def view_model_of(story: Story) -> ViewModel:
    """Return what there is to show now."""
    watched, replayer = story.watched, story.traffic.replayer
    weights = watched.route_weights()
    total = sum(weights.values()) or 1
    newest = watched.records.all[-1:]
    return ViewModel(
        seconds=time.time() - story.started,
        interval=watched.resource.get("spec", {}).get("interval", ""),
        baseline=watched.resource.get("spec", {}).get("baseline", ""),
        phase=watched.status.get("phase", ""),
        arms=tuple(
            _arm(watched.arm(name), name, weights.get(name, 0) / total, watched.pods(name))
            for name in story.prepared.arms
        ),
        rate=replayer.rate,
        requests=replayer.counters.requests_total,
        failed=replayer.counters.requests_failed,
        rewards_sent=replayer.labels_sent,
        rewards_counted=watched.records.trials(),
        ticks=len(watched.records.ticks),
        decision=_decision(newest[0], story.started) if newest else None,
        events=tuple(_event(event, story.started) for event in watched.events),
        steps=tuple(
            StepView(
                story.text_of(step),
                step.state,
                story.moments[step.key].time - story.started if step.key in story.moments else None,
            )
            for step in story.steps
        ),
    )


def _arm(arm: Object, name: str, share: float, pods: tuple[int, int, int]) -> ArmView:
    interval = arm.get("interval")
    return ArmView(
        name=name,
        share=share,
        mean=number(arm.get("mean")),
        interval=(float(interval["lower"]), float(interval["upper"])) if interval else None,
        probability_best=number(arm.get("probabilityBest")),
        evidence=number(arm.get("evidence")),
        threshold=number(arm.get("threshold")),
        state=arm.get("state", ""),
        reason=arm.get("reason", ""),
        pods=pods,
    )


def _decision(record: Object, started: float) -> tuple[float, str, str]:
    return parse_time(record["time"]) - started, record["reason"], record["message"]


def _event(event: Object, started: float) -> tuple[float, str, str]:
    return parse_time(event["eventTime"]) - started, event["reason"], event.get("note", "")
