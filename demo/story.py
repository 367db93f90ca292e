"""The story of the demo: its steps, in order, each a wait for something that the cluster must come to.

The model that validated best is served with a training/serving skew. The operator takes its traffic
away, rolls it back and scales it to zero; it is redeployed without the skew, comes back with fresh
evidence and a small share, and leads. That is no proof yet, and no word of the demo says so. With a shadow
the same model is found worse before it serves anybody.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from cluster.client import Cluster
from demo.models import Prepared
from demo.traffic import Traffic
from demo.watching import Watched
from testbed.request_counts import queries_so_far

LEFT_SHARE = 0.6
"""Traffic counts as leaving an arm once the arm has less than this part of its first weight."""
MAJORITY = 0.6
"""Share of the traffic that the arm comes to which leads at the end."""
SURE = 0.95
"""Probability of being best from which on the arm is said to lead."""
OUT = ("Draining", "RolledBack")
SERVING = ("Joining", "Active")


class StoryError(Exception):
    """A step did not come about in time; the text names it and says what was there instead."""


class StepState(StrEnum):
    """How far a step is."""

    LATER = "later"
    NOW = "now"
    DONE = "done"
    FAILED = "failed"


@dataclass
class Step:
    """One step of the story."""

    key: str
    """Its name in ``Story.moments``."""
    text: str
    """What comes about, for people; {best} is the arm that validated best, {baseline} the baseline."""
    seconds: float
    """Longest that it may take."""
    run: Callable[[Story, Step], None]
    """Waits for it; it is called with the story and raises StoryError when time is over."""
    state: StepState = StepState.LATER


@dataclass(frozen=True)
class Moment:
    """When something came about."""

    time: float
    """Seconds since 1970."""
    tick: int
    """How many ticks the operator had recorded."""


@dataclass
class Story:
    """The demo while it goes on."""

    cluster: Cluster
    prepared: Prepared
    watched: Watched
    traffic: Traffic
    moments: dict[str, Moment] = field(default_factory=dict)
    """When each step that is done was done, by its key."""
    steps: list[Step] = field(default_factory=lambda: make_steps())
    """All steps, in order."""
    noted: Callable[[str], None] = lambda _key: None
    """Called with the key of each moment."""
    started: float = field(default_factory=time.time)
    ended: float = 0.0
    last_answer_before_scale: float | None = None
    answered_with_skew: int | None = None
    """Requests of users that the best arm answered while it had the skew; None before it was scaled down."""
    queries_at_start: float | None = None
    queries_at_end: float | None = None

    @property
    def best(self) -> str:
        """The arm that validated best and is served with the skew."""
        return self.prepared.best

    def text_of(self, step: Step) -> str:
        """Return the text of a step with the names in it."""
        baseline = self.watched.resource.get("spec", {}).get("baseline", "the baseline")
        return step.text.format(best=self.best, baseline=baseline)

    def run(self) -> None:
        """Go through all steps.

        Raises:
            StoryError: A step did not come about in time.
        """
        self.started = time.time()
        try:
            for step in self.steps:
                self._do(step)
        finally:
            self.ended = time.time()

    def _do(self, step: Step) -> None:
        step.state = StepState.NOW
        try:
            step.run(self, step)
        except BaseException:
            step.state = StepState.FAILED
            raise
        step.state = StepState.DONE
        self.note(step.key)

    def note(self, key: str) -> None:
        """Remember that something came about now."""
        self.moments[key] = Moment(time.time(), len(self.watched.records.ticks))
        self.noted(key)

    def expect(self, step: Step, condition: Callable[[], bool], instead: Callable[[], str]) -> None:
        """Wait for a condition.

        Args:
            step: The step that it is about.
            condition: What to wait for.
            instead: Says what there is as long as the condition does not hold.

        Raises:
            StoryError: It did not come about within ``step.seconds``, or the traffic broke off.
        """

        def over() -> bool:
            return condition() or self.traffic.error is not None

        came = self.watched.wait(over, step.seconds)
        if self.traffic.error is not None:
            raise StoryError(f"the traffic broke off: {self.traffic.error!r}")
        if not came:
            raise StoryError(
                f"this did not happen within {step.seconds:g} s: {self.text_of(step)}; instead: {instead()}"
            )

    def arm_now(self, arm: str | None = None) -> str:
        """Return what is known of an arm, for the text of an error."""
        known = self.watched.arm(arm or self.best)
        facts = ("state", "reason", "weight", "trials", "mean", "probabilityBest", "evidence", "threshold")
        return f"{arm or self.best} has " + ", ".join(f"{key} {known.get(key)}" for key in facts)


# ---- the steps ------------------------------------------------------------------------


def take_over(story: Story, step: Step) -> None:
    """Wait for the cursor, since rewards before it are not counted, and the gateway; then send traffic."""
    watched = story.watched

    def accepted() -> bool:
        conditions = {c["type"]: c["status"] for c in watched.status.get("conditions", [])}
        return conditions.get("Accepted") == "True" and watched.records.first_cursor is not None

    story.expect(step, accepted, lambda: f"its conditions are {watched.status.get('conditions')}")
    story.expect(step, lambda: story.traffic.routed, lambda: "the gateway does not forward to the arms")
    story.queries_at_start = queries_so_far(story.cluster)
    story.traffic.start()


def leave(story: Story, step: Step) -> None:
    """Wait until a good part of the skewed arm's traffic is elsewhere."""
    first = story.watched.route_weights()[story.best]
    story.expect(
        step, lambda: story.watched.route_weights()[story.best] < LEFT_SHARE * first, lambda: story.arm_now()
    )


def judge(story: Story, step: Step) -> None:
    """Wait for the verdict."""
    story.expect(step, lambda: story.watched.arm(story.best).get("state") in OUT, lambda: story.arm_now())


def accept_zero(story: Story, step: Step) -> None:
    """Wait until the gateway has accepted that the arm gets nothing."""
    watched = story.watched
    story.expect(
        step,
        lambda: watched.route_weights()[story.best] == 0 and watched.route_accepted(),
        lambda: f"the route's weights are {watched.route_weights()}",
    )


def scale_down(story: Story, step: Step) -> None:
    """Wait until the arm has no Pods; note when they were asked to end."""
    watched = story.watched
    story.expect(step, lambda: watched.pods(story.best)[0] == 0, lambda: story.arm_now())
    story.note("scaled")
    story.last_answer_before_scale = story.traffic.last_answer(story.best)
    story.answered_with_skew = story.traffic.answers.get(story.best, 0)
    story.expect(
        step,
        lambda: watched.pods(story.best)[1] == 0 and watched.arm(story.best).get("state") == "RolledBack",
        lambda: f"{story.arm_now()}; replicas (wanted, there, ready): {watched.pods(story.best)}",
    )


def fix(story: Story, step: Step) -> None:
    """Redeploy the arm without the skew and wait until the operator has seen that its Pods are others."""
    story.prepared.rollout().without_skew().deploy(story.cluster, story.best)
    story.expect(step, lambda: story.watched.arm(story.best).get("state") not in OUT, lambda: story.arm_now())


def come_back(story: Story, step: Step) -> None:
    """Wait until the arm serves again, with a weight."""
    watched = story.watched
    story.expect(
        step,
        lambda: (
            watched.arm(story.best).get("state") in SERVING
            and watched.pods(story.best)[2] > 0
            and watched.route_weights()[story.best] > 0
        ),
        lambda: story.arm_now(),
    )


def lead(story: Story, step: Step) -> None:
    """Wait until the arm has most of the traffic and is likely the best."""
    watched = story.watched

    def leads() -> bool:
        arm, weights = watched.arm(story.best), watched.route_weights()
        probability = float(arm.get("probabilityBest", 0))
        return probability >= SURE and weights[story.best] >= MAJORITY * sum(weights.values())

    story.expect(step, leads, lambda: f"{story.arm_now()}; the weights are {watched.route_weights()}")


def settle(story: Story, step: Step) -> None:
    """Stop the traffic, wait for the last labels, and until the operator has counted all of them."""
    story.traffic.stop()
    replayer, records = story.traffic.replayer, story.watched.records
    story.expect(
        step,
        lambda: story.traffic.ended and records.trials() == replayer.labels_sent,
        lambda: (
            f"{replayer.labels_sent} labels were sent, {replayer.labels_waiting} wait, "
            f"and the operator has counted {records.trials()} rewards"
        ),
    )
    story.queries_at_end = queries_so_far(story.cluster)


def arrive(story: Story, step: Step) -> None:
    """Add the arm that validated best, and wait until it answers copies."""
    story.prepared.rollout().introduce(story.cluster)
    story.expect(
        step, lambda: story.watched.arm(story.best).get("state") == "Shadowing", lambda: story.arm_now()
    )


def prove(story: Story, step: Step) -> None:
    """Wait until the arm has Pods again and answers copies, or has shown itself already."""
    watched = story.watched
    story.expect(
        step,
        lambda: (
            watched.arm(story.best).get("state") in ("Shadowing", *SERVING)
            and watched.pods(story.best)[2] > 0
        ),
        lambda: story.arm_now(),
    )


def make_shadow_steps() -> list[Step]:
    """Return the steps of the story with a shadow, in their order."""
    return [
        Step("start", "the operator takes the route over, traffic starts", 40, take_over),
        Step(
            "arrived",
            "{best}, which validated best, is added: it answers copies, and serves nobody",
            40,
            arrive,
        ),
        Step("verdict", "verdict: {best} is worse than {baseline}, by the shadow", 240, judge),
        Step("rolled back", "it is scaled to zero Pods", 90, scale_down),
        Step("fixed", "{best} is redeployed without the skew, its evidence starts again", 30, fix),
        Step("shadowed", "{best} has Pods again, and answers copies", 60, prove),
        Step("restored", "the shadow shows it to be no worse: it gets a small weight", 240, come_back),
        Step("leads", "{best} leads: it has most of the traffic, and P(best) is over 95%", 120, lead),
        Step("settled", "traffic stops, every label is counted", 60, settle),
    ]


def make_steps() -> list[Step]:
    """Return the steps in their order."""
    return [
        Step("start", "the operator takes the route over, traffic starts", 40, take_over),
        Step("left", "traffic leaves {best}, the arm that validated best", 60, leave),
        Step("verdict", "verdict: {best} is worse than {baseline}", 240, judge),
        Step("drained", "{best} has weight 0, and the gateway has accepted it", 30, accept_zero),
        Step("rolled back", "its last requests end, then it is scaled to zero Pods", 60, scale_down),
        Step("fixed", "{best} is redeployed without the skew, its evidence starts again", 30, fix),
        Step("restored", "{best} is back: Pods first, then a small weight", 60, come_back),
        Step("leads", "{best} leads: it has most of the traffic, and P(best) is over 95%", 120, lead),
        Step("settled", "traffic stops, every label is counted", 60, settle),
    ]
