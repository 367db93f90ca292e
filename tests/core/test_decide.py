"""Whole decisions: from a window and a state of the cluster to weights and a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

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
    ArmStanding,
    ArmState,
    Guardrails,
    Mode,
    NoData,
    NothingDue,
    Observed,
    Promotion,
    PromotionAction,
    Snapshot,
    SourceDown,
    Window,
)
from bandit_operator.core.outcomes import BaselineChanged, Pinned, Unpinned
from bandit_operator.core.strategies import STRATEGIES

GUARDRAILS = Guardrails(min_trials=100, max_step=0.2, min_share=0.01, min_change=0.005, new_arm_share=0.1)


def facts(weights: dict[str, int], **changes: Any) -> dict[str, ArmFacts]:
    return {
        arm: ArmFacts(weight=weight, available=True, replicas=1, template="v1", **changes)
        for arm, weight in weights.items()
    }


def active(names: str) -> dict[str, ArmStanding]:
    return {arm: ArmStanding(ArmState.ACTIVE, 0.0, "Serving", "v1") for arm in names}


class Rollout:
    """A run of decisions, each from the one before."""

    def __init__(self, experiment: Experiment, weights: dict[str, int]) -> None:
        self.experiment = experiment
        self.memory: Memory = memories.initial(experiment)
        self.intention = Intention(active("".join(weights)), weights)
        self.facts = facts(weights)
        self.now = 0.0
        self.decision: Decision | None = None

    def tick(self, reading: Any = "window", **outcomes: Any) -> Decision:
        """Decide on a window with these (trials, rewards) by arm, or on another reading."""
        self.now += 30.0
        if reading == "window":
            arms = {
                arm: Observed(*numbers) if isinstance(numbers, tuple) else numbers
                for arm, numbers in outcomes.items()
            }
            reading = Window(self.now - 30, self.now, arms)
        snapshot = Snapshot(self.now + 5, reading, self.facts, 1, True)
        self.decision = decide(self.experiment, self.memory, self.intention, snapshot)
        self.memory = self.decision.memory
        self.intention = self.decision.intention
        self.facts = {
            arm: replace(self.facts[arm], weight=weight) for arm, weight in self.decision.weights.items()
        }
        return self.decision


Start = Callable[..., Rollout]


@pytest.fixture
def rollout(make_experiment: Callable[..., Experiment]) -> Start:
    def start(weights: dict[str, int] | None = None, **changes: Any) -> Rollout:
        weights = weights or {"a": 5000, "b": 5000}
        settings = {"guardrails": GUARDRAILS, **changes}
        return Rollout(make_experiment(arms=len(weights), **settings), weights)

    return start


def test_weights_follow_the_better_arm_step_by_step(rollout: Start) -> None:
    run = rollout()
    decision = run.tick(a=(500, 100), b=(500, 200))
    assert decision.reason == reasons.WEIGHTS_MOVED
    assert dict(decision.weights) == {"a": 3000, "b": 7000}
    assert dict(run.tick(a=(300, 60), b=(700, 280)).weights) == {"a": 1000, "b": 9000}


def test_weights_add_up_to_what_they_added_up_to(rollout: Start) -> None:
    run = rollout()
    run.intention = replace(run.intention, weights={"a": 40, "b": 40}, total=80)
    assert sum(run.tick(a=(500, 100), b=(500, 200)).weights.values()) == 80


def test_nothing_moves_before_every_arm_has_its_trials(rollout: Start) -> None:
    decision = rollout().tick(a=(60, 10), b=(60, 50))
    assert dict(decision.weights) == {"a": 5000, "b": 5000}


def test_an_arm_without_traffic_is_given_enough_to_be_judged(rollout: Start) -> None:
    decision = rollout({"a": 10000, "b": 0}).tick(a=(50, 10), b=NoData())
    assert decision.reason == reasons.WEIGHTS_MOVED
    assert decision.weights["b"] == pytest.approx(1000, abs=10)


@pytest.mark.parametrize(
    ("reading", "reason"),
    [
        (SourceDown(reasons.TIMEOUT, "no answer"), reasons.TIMEOUT),
        (Window(0, 30, {"a": NoData(), "b": NoData()}), reasons.NO_DATA),
        (Window(300, 330, {"a": Observed(500, 100), "b": NoData()}), reasons.NO_DATA),
        (NothingDue(reasons.BETWEEN_TICKS, "no window is due"), reasons.BETWEEN_TICKS),
    ],
    ids=["source down", "no data", "one arm silent", "no window"],
)
def test_not_knowing_holds_the_weights_and_counts_against_nobody(
    rollout: Start, reading: Any, reason: Any
) -> None:
    run = rollout({"a": 3000, "b": 7000})
    run.tick(a=(300, 60), b=(700, 140))
    before = run.decision
    for _ in range(200):
        decision = run.tick(reading)
        assert decision.reason == reason
        assert decision.weights == before.weights
        assert decision.reports["b"].evidence == pytest.approx(before.reports["b"].evidence)


def test_a_clear_loser_is_taken_out_at_once_and_the_rest_share_its_traffic(
    rollout: Start,
) -> None:
    run = rollout({"a": 4000, "b": 2000, "c": 4000})
    decision = run.tick(a=(400, 320), b=(200, 20), c=(400, 320))
    for _ in range(60):
        if decision.reason == reasons.ROLLED_BACK:
            break
        weights = decision.weights
        n = {arm: weights[arm] // 10 for arm in "abc"}
        decision = run.tick(a=(n["a"], 0.8 * n["a"]), b=(n["b"], 0.1 * n["b"]), c=(n["c"], 0.8 * n["c"]))
    assert decision.reason == reasons.ROLLED_BACK
    assert decision.standings["b"].state is ArmState.DRAINING
    assert decision.weights["b"] == 0
    evidence = decision.reports["b"].evidence
    assert evidence is not None
    assert evidence >= decision.threshold
    assert sum(decision.weights.values()) == 10000
    assert "b is worse than a" in decision.message


def test_the_baseline_is_never_rolled_back(rollout: Start) -> None:
    run = rollout()
    for _ in range(20):
        decision = run.tick(a=(500, 50), b=(500, 450))
        assert decision.standings["a"].state is ArmState.ACTIVE
    assert decision.weights["a"] >= 100


def test_the_last_arm_that_can_serve_is_never_rolled_back(rollout: Start) -> None:
    run = rollout()
    run.facts["a"] = replace(run.facts["a"], available=False)
    for _ in range(30):
        decision = run.tick(a=(500, 450), b=(500, 50))
    assert decision.standings["b"].state is ArmState.ACTIVE
    assert dict(decision.weights) == {"a": 0, "b": 10000}


def test_weights_stay_where_no_arm_can_serve(rollout: Start) -> None:
    run = rollout({"a": 3000, "b": 7000})
    run.facts = {arm: replace(one, available=False) for arm, one in run.facts.items()}
    decision = run.tick(a=(300, 60), b=(700, 140))
    assert decision.reason == reasons.NO_ARM_AVAILABLE
    assert dict(decision.weights) == {"a": 3000, "b": 7000}


def test_an_arm_that_cannot_serve_loses_its_weight_also_while_the_source_is_down(
    rollout: Start,
) -> None:
    run = rollout({"a": 3000, "b": 7000})
    run.facts["b"] = replace(run.facts["b"], available=False)
    decision = run.tick(SourceDown("Timeout", "no answer"))
    assert decision.reason == reasons.AVAILABILITY_CHANGED
    assert dict(decision.weights) == {"a": 10000, "b": 0}


def test_observe_decides_and_changes_nothing(rollout: Start) -> None:
    decision = rollout(mode=Mode.OBSERVE).tick(a=(500, 100), b=(500, 200))
    assert decision.reason == reasons.OBSERVE_ONLY
    assert dict(decision.weights) == {"a": 5000, "b": 5000}
    assert "b 50.0%→70.0%" in decision.message


def test_a_new_pod_template_starts_an_arm_again_with_a_small_share(rollout: Start) -> None:
    run = rollout({"a": 2000, "b": 8000})
    run.tick(a=(200, 20), b=(800, 400))
    run.facts["b"] = replace(run.facts["b"], template="v2")
    decision = run.tick(a=(200, 20), b=(800, 400))
    assert decision.reports["b"].trials == 0
    assert decision.standings["b"].state is ArmState.JOINING
    assert decision.reports["a"].trials == 400


def test_what_an_arm_that_joins_may_not_have_yet_stays_with_the_best_of_the_others(
    rollout: Start,
) -> None:
    run = rollout({"a": 100, "b": 9800, "c": 100}, strategy="ValidationBest")
    scored = tuple(Arm(name, score) for name, score in (("a", 0.7), ("b", 0.8), ("c", 0.9)))
    run.experiment = replace(run.experiment, arms=scored)
    joining = replace(run.intention.standings["c"], state=ArmState.JOINING)
    run.intention = replace(run.intention, standings={**run.intention.standings, "c": joining})
    decision = run.tick(a=(10, 5), b=(980, 500), c=(10, 5))
    assert dict(decision.weights) == {"a": 102, "b": 8898, "c": 1000}
    assert decision.reason == reasons.WARMING_UP


def test_promotion_gives_the_winner_all_but_the_smallest_shares(rollout: Start) -> None:
    run = rollout(promotion=Promotion(error_rate=0.05, action=PromotionAction.PROMOTE))
    for _ in range(30):
        decision = run.tick(a=(500, 100), b=(500, 400))
    assert decision.promoted == "b"
    assert dict(decision.weights) == {"a": 100, "b": 9900}


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_the_same_memory_and_snapshot_lead_to_the_same_decision(rollout: Start, strategy: str) -> None:
    runs = [rollout(strategy=strategy), rollout(strategy=strategy)]
    for run in runs:
        for good in (200, 240, 180):
            run.tick(a=(500, 100), b=(500, good))
    assert runs[0].decision == runs[1].decision


def test_a_memory_read_back_from_the_status_decides_alike(rollout: Start) -> None:
    run = rollout()
    run.tick(a=(500, 100), b=(500, 200))
    stored, notes = memories.from_json(memories.to_json(run.memory), run.experiment)
    assert notes == ()
    window = Window(30, 60, {"a": Observed(300, 70), "b": Observed(700, 250)})
    snapshot = Snapshot(65.0, window, run.facts, 1, True)
    assert decide(run.experiment, stored, run.intention, snapshot) == decide(
        run.experiment, run.memory, run.intention, snapshot
    )


def test_what_the_decision_before_found_is_used_again_until_the_numbers_or_the_arms_change(
    rollout: Start,
) -> None:
    run = rollout()
    before = run.tick(a=(500, 100), b=(500, 200))
    between = Snapshot(40.0, NothingDue("BetweenTicks", "no window is due"), run.facts, 1, True)
    broken = {"b": replace(run.facts["b"], available=False)}
    for snapshot, reused in (
        (between, True),
        (replace(between, arms={**run.facts, **broken}), False),
        (replace(between, reading=Window(30, 60, {"a": Observed(9, 1), "b": Observed(9, 1)})), False),
    ):
        anew = decide(run.experiment, run.memory, run.intention, snapshot)
        after = decide(run.experiment, run.memory, run.intention, snapshot, before.known)
        assert after == anew
        assert (after.known is before.known) == reused


def test_a_pinned_arm_has_all_of_the_traffic_at_once_whatever_the_rewards_say(rollout: Start) -> None:
    run = rollout({"a": 3000, "b": 3000, "c": 4000})
    run.tick(a=(300, 250), b=(300, 20), c=(400, 300))
    run.experiment = replace(run.experiment, pin="b")
    for reading in (NothingDue(reasons.BETWEEN_TICKS, ""), SourceDown(reasons.TIMEOUT, "no answer")):
        decision = run.tick(reading)
        assert dict(decision.weights) == {"a": 0, "b": 10000, "c": 0}
    assert run.tick(a=(0, 0), b=(1000, 100), c=(0, 0)).reason == reasons.PINNED


def test_no_arm_is_rolled_back_while_one_is_pinned_and_learning_goes_on(rollout: Start) -> None:
    window = {"a": (500, 450), "b": (500, 20)}
    free, ticks = rollout(), 1
    while free.tick(**window).reason != reasons.ROLLED_BACK:
        ticks += 1
    run = rollout()
    for _ in range(ticks - 1):
        run.tick(**window)
    run.experiment = replace(run.experiment, pin="a")
    decision = run.tick(**window)
    evidence = decision.reports["b"].evidence
    assert evidence is not None
    assert evidence > decision.threshold
    assert decision.standings["b"].state is ArmState.ACTIVE
    trials = decision.reports["a"].trials
    assert run.tick(**window).reports["a"].trials > trials
    run.experiment = replace(run.experiment, pin=None)
    assert run.tick(**window).standings["b"].state is ArmState.DRAINING


def test_where_the_pinned_arm_cannot_serve_the_strategy_shares_its_traffic_among_those_that_can(
    rollout: Start,
) -> None:
    run = rollout({"a": 3000, "b": 3000, "c": 4000})
    for _ in range(3):
        run.tick(a=(300, 250), b=(300, 150), c=(300, 50))
    run.experiment = replace(run.experiment, pin="b")
    run.tick(NothingDue(reasons.BETWEEN_TICKS, ""))
    run.facts["b"] = replace(run.facts["b"], available=False)
    decision = run.tick(SourceDown(reasons.TIMEOUT, "no answer"))
    assert decision.weights["b"] == 0
    assert decision.weights["a"] > decision.weights["c"]
    run.facts["b"] = replace(run.facts["b"], available=True)
    assert dict(run.tick(SourceDown(reasons.TIMEOUT, "")).weights) == {"a": 0, "b": 10000, "c": 0}


def test_the_weights_stay_where_the_pinned_arm_cannot_serve_and_no_other_can(rollout: Start) -> None:
    run = rollout({"a": 3000, "b": 7000}, pin="a")
    run.facts = {arm: replace(one, available=False) for arm, one in run.facts.items()}
    assert dict(run.tick(a=(300, 60), b=(700, 140)).weights) == {"a": 3000, "b": 7000}


def test_once_the_pin_is_gone_an_arm_gains_by_steps(rollout: Start) -> None:
    run = rollout({"a": 9000, "b": 1000}, pin="a")
    run.tick(a=(900, 90), b=(200, 150))
    run.experiment = replace(run.experiment, pin=None)
    assert dict(run.tick(NothingDue(reasons.BETWEEN_TICKS, "")).weights) == {"a": 10000, "b": 0}
    assert run.tick(a=(900, 90), b=(0, 0)).weights["b"] == 2000


def test_pinning_and_unpinning_are_said_once(rollout: Start) -> None:
    run = rollout(pin="b")
    assert list(run.tick(a=(5, 1), b=(5, 1)).of(Pinned)) == [Pinned("b")]
    assert list(run.tick(a=(5, 1), b=(5, 1)).of(Pinned)) == []
    run.experiment = replace(run.experiment, pin=None)
    assert list(run.tick(a=(5, 1), b=(5, 1)).of(Unpinned)) == [Unpinned("b")]


def test_what_is_observed_is_not_pinned(rollout: Start) -> None:
    decision = rollout(pin="b", mode=Mode.OBSERVE).tick(a=(500, 100), b=(500, 200))
    assert dict(decision.weights) == {"a": 5000, "b": 5000}
    assert "b 50.0%→100.0%" in decision.message


def test_the_arm_that_was_the_baseline_is_spared_for_an_hour(rollout: Start) -> None:
    run = rollout()
    for _ in range(30):
        run.tick(a=(500, 20), b=(500, 450))
    run.experiment = replace(run.experiment, baseline="b")
    run.memory, _ = memories.adapt(run.memory, run.experiment)
    decision = run.tick(a=(500, 20), b=(500, 450))
    assert list(decision.of(BaselineChanged)) == [BaselineChanged("a", "b", stays=True)]
    evidence = decision.reports["a"].evidence
    assert evidence is not None
    assert evidence > decision.threshold
    assert decision.standings["a"].state is ArmState.ACTIVE
    while run.now < 31 * 30.0 + 3600.0:
        assert decision.standings["a"].state is ArmState.ACTIVE
        decision = run.tick(a=(500, 20), b=(500, 450))
    decision = run.tick(a=(500, 20), b=(500, 450))
    assert decision.standings["a"].state is ArmState.DRAINING
