"""Whole decisions with a shadow: arms that begin in it, what it decides, and what is not believed of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bandit_operator.core import memory as memories
from bandit_operator.core import reasons
from bandit_operator.core.decide import decide
from bandit_operator.core.decision import Decision, Intention
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.memory import Memory
from bandit_operator.core.model import (
    Arm,
    ArmFacts,
    ArmReading,
    ArmStanding,
    ArmState,
    Guardrails,
    Implausible,
    NoData,
    Observed,
    Paired,
    RewardType,
    Rollback,
    Shadow,
    Shadowed,
    Snapshot,
    Window,
)
from bandit_operator.core.outcomes import Joined, RolledBack, Scaled
from bandit_operator.core.plausible_shadow import checked_shadow

SHADOW = Shadow(share=0.1, margin=0.02)


class Scene:
    """A rollout of arms that are right so often, all of them scored on the same requests."""

    def __init__(self, rng: np.random.Generator, experiment: Experiment, weights: dict[str, int]) -> None:
        self.rng, self.experiment = rng, experiment
        self.memory: Memory = memories.initial(experiment)
        serving = {arm: ArmStanding(ArmState.ACTIVE, 0.0, "Serving", "v1") for arm in weights}
        self.intention = Intention(serving, weights)
        self.facts = {
            arm: ArmFacts(weight=weights.get(arm, 0), available=True, replicas=1, template="v1")
            for arm in experiment.names
        }
        self.now = 0.0

    def tick(self, *, scored: int = 20, lie: float = 0.0, **rates: float) -> Decision:
        """A window of 100 served and so many scored requests; the shadow says ``lie`` too little of b."""
        self.now += 30.0
        shares = self.intention.shares()
        outcomes = {}
        for arm, rate in rates.items():
            count = round(100 * shares.get(arm, 0.0))
            outcomes[arm] = Observed(count, float(self.rng.binomial(count, rate)))
        window = Window(self.now - 30, self.now, outcomes, shadow=self.scored(scored, lie, rates))
        snapshot = Snapshot(self.now + 5, window, self.facts, 1, True)
        decision = decide(self.experiment, self.memory, self.intention, snapshot)
        self.memory, self.intention = decision.memory, decision.intention
        self.facts = {
            arm: replace(self.facts[arm], weight=weight) for arm, weight in decision.weights.items()
        }
        return decision

    def scored(self, count: int, lie: float, rates: dict[str, float]) -> Shadowed:
        hard = self.rng.random(count)  # a request is hard for all arms alike
        right = {
            arm: (hard < rate - (lie if arm == "b" else 0.0)).astype(float) for arm, rate in rates.items()
        }
        arms = {arm: Observed(count, float(values.sum())) for arm, values in right.items()}
        names = list(rates)
        pairs = {}
        for i, first in enumerate(names):
            for second in names[i + 1 :]:
                gap = right[first] - right[second]
                pairs[first, second] = Paired(count, float(gap.sum()), float((gap**2).sum()))
        return Shadowed(arms, pairs)

    def state(self, arm: str) -> ArmState:
        return self.intention.standings[arm].state


Start = Callable[..., Scene]


@pytest.fixture
def rollout(make_experiment: Callable[..., Experiment], rng: np.random.Generator) -> Start:
    """Start a rollout of arms a, b and c, of which c is onboarded in the shadow."""

    def start(weights: dict[str, int] | None = None, **changes: Any) -> Scene:
        arms = (Arm("a"), Arm("b"), Arm("c", onboards_in_shadow=True))
        settings = {"strategy": "ContrastThompson", "arms": 3, "shadow": SHADOW, "guardrails": Guardrails()}
        experiment = replace(make_experiment(**{**settings, **changes}), arms=arms)
        return Scene(rng, experiment, weights or {"a": 5000, "b": 5000})

    return start


def test_a_new_arm_is_onboarded_in_the_shadow_without_any_traffic_and_joins_once_it_is_no_worse(
    rollout: Start,
) -> None:
    run = rollout()
    decision = run.tick(a=0.8, b=0.8, c=0.8)
    assert run.state("c") is ArmState.SHADOWING
    assert decision.weights["c"] == 0
    for _ in range(200):
        decision = run.tick(a=0.8, b=0.8, c=0.8)
        if run.state("c") is not ArmState.SHADOWING:
            break
        assert decision.weights["c"] == 0
    assert Joined("c", reasons.SHOWN_NO_WORSE) in decision.outcomes
    assert decision.weights["c"] == pytest.approx(1000, abs=1)  # newArmShare


@pytest.mark.parametrize(
    ("weights", "begins"),
    [
        ({"a": 10_000, "b": 0, "c": 0}, ArmState.SHADOWING),
        ({"a": 3334, "b": 3333, "c": 3333}, ArmState.SHADOWING),  # a route in which nobody set weights
        ({"a": 500, "b": 0, "c": 9500}, ArmState.ACTIVE),
    ],
)
def test_an_arm_of_a_new_resource_begins_in_the_shadow_unless_it_has_most_of_the_traffic(
    rollout: Start, weights: dict[str, int], begins: ArmState
) -> None:
    run = rollout(weights)
    run.intention = Intention({}, weights)
    decision = run.tick(a=0.8, b=0.8, c=0.8)
    assert run.state("c") is begins
    assert (decision.weights["c"] > 0) is (begins is ArmState.ACTIVE)
    assert run.state("a") is ArmState.ACTIVE


def test_an_arm_that_is_worse_in_the_shadow_is_rolled_back_before_any_user_met_it(rollout: Start) -> None:
    run = rollout()
    for _ in range(120):
        decision = run.tick(a=0.8, b=0.8, c=0.6)
        assert decision.weights.get("c", 0) == 0
        verdicts = list(decision.of(RolledBack))
        if verdicts:
            break
    assert [verdict.arm for verdict in verdicts] == ["c"]
    assert verdicts[0].by_shadow
    assert "mostly by the shadow" in str(verdicts[0])
    assert run.state("c") is ArmState.DRAINING


def test_an_arm_that_has_served_nobody_is_scaled_down_without_a_counter_of_its_requests(
    rollout: Start,
) -> None:
    run = rollout(rollback=Rollback(requests_counted=True))
    for _ in range(150):
        decision = run.tick(a=0.8, b=0.8, c=0.4)
        scaled = list(decision.of(Scaled))
        if scaled:
            break
    assert scaled == [Scaled("c", expected=1, replicas=0)]


def test_what_is_shown_of_an_arm_in_the_shadow_says_how_long_it_may_take(rollout: Start) -> None:
    run = rollout()
    for _ in range(10):
        decision = run.tick(a=0.8, b=0.8, c=0.8)
    report = decision.reports["c"].shadow
    assert report is not None
    assert report.trials == 160  # not the windows before it began: what came there was not its own
    assert report.interval is not None
    assert report.interval[0] < -SHADOW.margin
    assert report.shown_in is not None
    assert 60 < report.shown_in < 30 * 1_000


def test_the_baseline_and_an_arm_that_is_pinned_are_never_kept_in_the_shadow(rollout: Start) -> None:
    run = rollout(pin="c")
    run.tick(a=0.8, b=0.8, c=0.8)
    assert run.state("c") is ArmState.JOINING
    arms = (Arm("a", onboards_in_shadow=True), Arm("b"), Arm("c"))
    other = rollout({"b": 10_000})
    other.experiment = replace(other.experiment, arms=arms)
    other.memory = memories.initial(other.experiment)
    other.tick(a=0.8, b=0.8, c=0.8)
    assert other.state("a") is ArmState.JOINING


def test_an_arm_in_the_shadow_joins_at_once_where_the_user_no_longer_wants_it_there(rollout: Start) -> None:
    run = rollout()
    run.tick(a=0.8, b=0.8, c=0.8)
    run.experiment = replace(run.experiment, arms=(Arm("a"), Arm("b"), Arm("c")))
    run.tick(a=0.8, b=0.8, c=0.8)
    assert run.state("c") is ArmState.JOINING


def test_an_arm_in_the_shadow_serves_where_no_other_can(rollout: Start) -> None:
    run = rollout()
    run.tick(a=0.8, b=0.8, c=0.8)
    gone = replace(run.facts["a"], available=False, replicas=1, ready_endpoints=0)
    run.facts |= {"a": gone, "b": gone}
    decision = run.tick(a=0.8, b=0.8, c=0.8)
    assert run.state("c") is ArmState.JOINING
    assert decision.weights == {"a": 0, "b": 0, "c": 10_000}


def test_an_arm_that_is_tried_again_after_a_verdict_begins_in_the_shadow(rollout: Start) -> None:
    run = rollout(rollback=Rollback(retry_after=600.0, scale_to_zero=False, drain=3.0))
    while run.state("c") is not ArmState.ROLLED_BACK if "c" in run.intention.standings else True:
        run.tick(a=0.8, b=0.8, c=0.4)
    for _ in range(200):
        decision = run.tick(a=0.8, b=0.8, c=0.8)
        if run.state("c") is ArmState.SHADOWING:
            break
    assert run.state("c") is ArmState.SHADOWING
    assert decision.weights["c"] == 0
    assert not list(decision.of(Scaled))


def test_full_feedback_needs_no_exploration_and_nearly_all_traffic_goes_to_the_best(rollout: Start) -> None:
    run = rollout({"a": 3334, "b": 3333, "c": 3333}, guardrails=Guardrails(min_share=0.0))
    for _ in range(80):
        decision = run.tick(a=0.7, b=0.7, c=0.85)
    assert decision.weights["c"] >= 9_900
    before = dict(decision.weights)
    for _ in range(20):
        decision = run.tick(a=0.7, b=0.7, c=0.85)
    assert decision.weights == before  # and no write follows from chances of a thousandth


def test_an_arm_without_traffic_is_followed_in_the_shadow_and_gets_it_when_it_becomes_the_best(
    rollout: Start,
) -> None:
    run = rollout({"a": 3334, "b": 3333, "c": 3333}, guardrails=Guardrails(min_share=0.0))
    for _ in range(60):
        run.tick(a=0.7, b=0.8, c=0.6)
    for _ in range(60):
        decision = run.tick(a=0.9, b=0.6, c=0.6)
    assert decision.weights["a"] >= 9_000


def test_no_verdict_and_no_share_rests_on_a_shadow_that_served_rewards_contradict(rollout: Start) -> None:
    run = rollout({"a": 5000, "b": 5000, "c": 0}, rollback=Rollback(error_rate=0.001))
    contradicted = None
    for _ in range(150):
        decision = run.tick(scored=5, lie=0.3, a=0.8, b=0.8, c=0.8)
        contradicted = decision.shadow_contradicted or contradicted
        assert not [one for one in decision.of(RolledBack) if contradicted]
        if contradicted:
            break
    assert contradicted == "b"
    np.testing.assert_array_equal(run.memory.trials_with_shadow, run.memory.trials)


def test_impossible_numbers_of_a_shadow_are_not_learned_and_cost_the_served_ones_nothing(
    rollout: Start,
) -> None:
    run = rollout()
    run.tick(a=0.8, b=0.8, c=0.8)
    before = run.memory
    assert before.shadow is not None
    run.now += 30.0
    arms: dict[str, ArmReading] = {"a": Observed(50.0, 40.0), "b": Observed(50.0, 40.0), "c": NoData()}
    shadow = Shadowed(
        {"a": Observed(10.0, 97.0), "b": Observed(10.0, 8.0), "c": Observed(10.0, 8.0)},
        {("a", "b"): Paired(10.0, 30.0, 10.0), ("a", "c"): Paired(10.0, 1.0, 40.0), ("b", "c"): NoData()},
    )
    window = Window(run.now - 30, run.now, arms, shadow=shadow)
    decision = decide(
        run.experiment, before, run.intention, Snapshot(run.now + 5, window, run.facts, 1, True)
    )
    assert decision.memory.shadow is not None
    np.testing.assert_array_equal(
        decision.memory.shadow.paired["paired_trials"], before.shadow.paired["paired_trials"]
    )
    assert decision.memory.trials[0] == before.trials[0] + 50
    assert decision.memory.shadow.moments[0, 0] == before.shadow.moments[0, 0]


@pytest.mark.parametrize(
    ("pair", "word"),
    [
        (Paired(-1.0, 0.0, 0.0), "a counter cannot"),
        (Paired(10.0, float("nan"), 1.0), "a counter cannot"),
        (Paired(10.0, 0.0, -1.0), "a counter cannot"),
        (Paired(10.0, 5.0, 1.0), "no differences"),
        (Paired(10.0, 1.0, 11.0), "differ by 1 at the most"),
    ],
)
def test_what_cannot_be_true_of_a_pair_is_said_with_its_numbers(pair: Paired, word: str) -> None:
    checked = checked_shadow(RewardType.BERNOULLI, Shadowed({}, {("a", "b"): pair}))
    fault = checked.pairs["a", "b"]
    assert isinstance(fault, Implausible)
    assert word in fault.message
    assert "a and b" in fault.message


def test_what_is_scored_of_arms_that_are_not_in_the_spec_teaches_nothing(rollout: Start) -> None:
    run = rollout()
    run.tick(a=0.8, b=0.8, c=0.8, gone=0.8)
    assert run.memory.shadow is not None
    assert run.memory.shadow.paired["paired_trials"][0, 1] == 20
    assert run.memory.shadow.moments.shape == (2, 3)


def test_a_memory_with_a_shadow_survives_the_status_bit_for_bit_and_loses_only_the_shadow_with_it(
    rollout: Start,
) -> None:
    run = rollout()
    for _ in range(20):
        run.tick(a=0.8, b=0.7, c=0.8)
    again, notes = memories.from_json(memories.to_json(run.memory), run.experiment)
    assert again == run.memory
    assert notes == ()
    without = replace(run.experiment, shadow=None)
    alone, notes = memories.from_json(memories.to_json(run.memory), without)
    assert alone.shadow is None
    assert notes == ("spec.shadow removed: what the shadow has shown is forgotten",)
    np.testing.assert_array_equal(alone.trials, run.memory.trials)


def test_another_pod_template_forgets_what_the_shadow_has_shown_of_the_arm(rollout: Start) -> None:
    run = rollout({"a": 5000, "b": 5000, "c": 0})
    for _ in range(5):
        run.tick(a=0.8, b=0.8, c=0.8)
    run.facts["b"] = replace(run.facts["b"], template="v2")
    run.tick(a=0.8, b=0.8, c=0.8)
    assert run.memory.shadow is not None
    trials = run.memory.shadow.paired["paired_trials"]
    assert trials[0, 1] == trials[1, 2] == 0
    assert trials[0, 2] > 0
