"""An arm whose numbers could not be is learned from again only once they have been possible for a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bandit_operator.core import doubts, reasons
from bandit_operator.core import memory as memories
from bandit_operator.core.decide import decide
from bandit_operator.core.decision import Intention
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference import named_arrays
from bandit_operator.core.learn import learn
from bandit_operator.core.model import (
    ArmFacts,
    Implausible,
    Observed,
    Paired,
    Shadow,
    Shadowed,
    Snapshot,
    Window,
)
from bandit_operator.core.outcomes import RolledBack

Make = Callable[..., Experiment]
GOOD, BROKEN, IDLE = Observed(100, 30), Observed(100, 300), Observed(0, 0)
FIRST, SECOND = round(doubts.FIRST), round(doubts.GROWTH * doubts.FIRST)


def believed(experiment: Experiment, outcomes: list[Observed], **shadow: Any) -> list[bool]:
    """Whether arm b was learned from in each of the windows, in which arm a is as usual."""
    memory, found = memories.initial(experiment), []
    for number, outcome in enumerate(outcomes):
        window = Window(30.0 * number, 30.0 * (number + 1), {"a": GOOD, "b": outcome}, **shadow)
        memory, seen = learn(experiment, memory, {}, window, ())
        found.append(isinstance(seen.arms["b"], Observed))
        assert isinstance(seen.arms["a"], Observed)
    return found


@pytest.mark.parametrize("broken", [BROKEN, Observed(100, -3), Observed(-5, 0)], ids=str)
def test_windows_that_could_be_are_not_learned_right_after_one_that_could_not(
    make_experiment: Make, broken: Observed
) -> None:
    found = believed(make_experiment(2), [GOOD, broken, *[GOOD] * FIRST, GOOD])
    assert found == [True, False, *[False] * FIRST, True]


def test_an_arm_that_was_learned_from_again_too_soon_must_stand_for_longer(make_experiment: Make) -> None:
    once = [BROKEN, *[GOOD] * (FIRST + 1)]
    found = believed(make_experiment(2), [*once, BROKEN, *[GOOD] * SECOND, GOOD])
    assert found[FIRST + 1 :] == [True, False, *[False] * SECOND, True]


def test_a_fault_that_lasted_long_costs_no_more_windows_after_it_than_a_short_one(
    make_experiment: Make,
) -> None:
    found = believed(make_experiment(2), [*[BROKEN] * 50, *[GOOD] * FIRST, GOOD])
    assert found == [*[False] * (50 + FIRST), True]


def test_one_that_has_stood_for_as_long_again_is_as_if_it_had_never_been_doubted(
    make_experiment: Make,
) -> None:
    found = believed(make_experiment(2), [BROKEN, *[GOOD] * (2 * FIRST), BROKEN, *[GOOD] * (FIRST + 1)])
    assert found[-FIRST - 2 :] == [False, *[False] * FIRST, True]


def test_windows_without_trials_hold_nothing_and_show_nothing(make_experiment: Make) -> None:
    found = believed(make_experiment(2), [BROKEN, *[IDLE] * 20, *[GOOD] * FIRST, GOOD])
    assert found == [False, *[True] * 20, *[False] * FIRST, True]


def test_what_is_held_says_its_numbers_and_for_how_long(make_experiment: Make) -> None:
    experiment = make_experiment(2)
    memory, _ = learn(
        experiment, memories.initial(experiment), {}, Window(0, 30, {"a": GOOD, "b": BROKEN}), ()
    )
    _, seen = learn(experiment, memory, {}, Window(30, 60, {"a": GOOD, "b": GOOD}), ())
    assert seen.arms["b"] == Implausible(
        reasons.IMPOSSIBLE_NUMBER,
        "30 rewards of 100 trials can be, but what was counted just before could not; learned again "
        f"after {FIRST} more windows that can be",
    )


def test_doubts_survive_the_status_and_go_with_what_they_were_about(make_experiment: Make) -> None:
    experiment = make_experiment(2)
    memory, _ = learn(
        experiment, memories.initial(experiment), {}, Window(0, 30, {"a": GOOD, "b": BROKEN}), ()
    )
    stored, notes = memories.from_json(memories.to_json(memory), experiment)
    assert (stored, notes) == (memory, ())
    assert stored.doubt["served"][0].tolist() == [0.0, doubts.FIRST]
    assert not memories.reset_arm(stored, "b").doubt["served"].any()


def test_a_pair_whose_differences_cannot_be_is_doubted_with_both_of_its_arms() -> None:
    shadow = Shadowed(
        {"a": GOOD, "b": GOOD, "c": GOOD},
        {("a", "b"): Implausible(reasons.REWARDS_ABOVE_TRIALS, "too much"), ("a", "c"): Paired(100, 0, 9)},
    )
    window = Window(0, 30, {"a": GOOD, "b": GOOD, "c": GOOD}, shadow=shadow)
    names = ("a", "b", "c")
    doubt = doubts.counted(named_arrays.initial(doubts.fields(), 3), names, window)
    held = doubts.held(doubt, names, window)
    assert held.arms == window.arms, "what is served is counted by other metrics"
    assert held.shadow is not None
    assert [isinstance(held.shadow.arms[arm], Observed) for arm in names] == [False, False, True]
    assert isinstance(held.shadow.pairs["a", "c"], Implausible)


def test_arms_of_a_shadow_are_doubted_as_those_that_serve(make_experiment: Make) -> None:
    experiment = make_experiment(2, shadow=Shadow(share=0.1))
    memory = memories.initial(experiment)
    for outcome, learned in ((BROKEN, False), (GOOD, False)):
        shadow = Shadowed({"a": GOOD, "b": outcome}, {("a", "b"): Paired(100, 0, 9)})
        memory, seen = learn(experiment, memory, {}, Window(0, 30, {"a": GOOD, "b": GOOD}, shadow=shadow), ())
        assert isinstance(seen.arms["b"], Observed)
        assert seen.shadow is not None
        assert isinstance(seen.shadow.arms["b"], Observed) is learned


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rate", "counts", "requests"), [(0.6, 2.5, 4), (0.05, 100.0, 20), (0.005, 100.0, 100)]
)
def test_a_counter_that_counts_too_much_for_each_success_brings_no_verdict_by_windows_that_look_right(
    make_experiment: Make, rng: np.random.Generator, rate: float, counts: float, requests: int
) -> None:
    experiment = make_experiment(2, "ContrastThompson")
    for _ in range(12):
        memory, intention = memories.initial(experiment), Intention({}, {"a": 5000, "b": 5000})
        for number in range(400):
            shares = intention.shares()
            arms: dict[str, Any] = {}
            for arm, each in (("a", 1.0), ("b", counts)):
                trials = rng.binomial(requests, shares[arm])
                arms[arm] = Observed(float(trials), each * float(rng.binomial(trials, rate)))
            facts = {arm: ArmFacts(weight=intention.weights[arm], available=True) for arm in arms}
            end = 30.0 * (number + 1)
            snapshot = Snapshot(end, Window(end - 30.0, end, arms), facts, 1, route_accepted=True)
            decision = decide(experiment, memory, intention, snapshot)
            assert not list(decision.of(RolledBack))
            memory, intention = decision.memory, decision.intention
