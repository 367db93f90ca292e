"""What must hold for any rewards whatsoever, searched for counterexamples by Hypothesis."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandit_operator.core import memory as mem
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.memory import Memory
from bandit_operator.core.model import Arm, NoData, Observed, Window
from bandit_operator.core.strategies import STRATEGIES
from tests.support.evaluated import evaluate, proven_worse

NAMES = ("a", "b", "c")
COUNTS = st.one_of(st.just(0), st.just(1), st.just(10**9), st.integers(0, 2_000))


@st.composite
def outcomes(draw: Any) -> Observed | NoData:
    """One arm's window: any counts, all successes and no data included."""
    trials = draw(COUNTS)
    if draw(st.integers(0, 9)) == 0:
        return NoData()
    share = draw(st.sampled_from([0.0, 1.0, 0.5, 0.013]))
    return Observed(float(trials), float(round(trials * share)))


HISTORIES = st.lists(st.tuples(outcomes(), outcomes(), outcomes()), min_size=0, max_size=8)


def learned(strategy: Any, history: Any, names: Any = NAMES) -> tuple[Experiment, Memory]:
    experiment = Experiment(
        "any", tuple(Arm(name, validation_score=0.5) for name in names), "a", STRATEGIES[strategy]()
    )
    memory = mem.initial(experiment)
    for number, row in enumerate(history):
        arms = dict(zip(NAMES, row, strict=True))
        memory = mem.update(experiment, memory, Window(30.0 * number, 30.0 * (number + 1), arms))
    return experiment, memory


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
@settings(max_examples=25, deadline=None, derandomize=True)
@given(history=HISTORIES, eligible=st.sets(st.sampled_from(NAMES), min_size=1))
def test_shares_are_a_distribution_over_the_arms_that_may_serve(
    strategy: str, history: Any, eligible: Any
) -> None:
    found = evaluate(*learned(strategy, history), eligible)
    assert set(found.shares) == eligible
    assert all(0 <= share <= 1 + 1e-12 for share in found.shares.values())
    assert sum(found.shares.values()) == pytest.approx(1.0, abs=1e-9)
    assert found.promoted is None or found.promoted in eligible
    assert "a" not in proven_worse(found)


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
@settings(max_examples=15, deadline=None, derandomize=True)
@given(history=HISTORIES)
def test_memory_is_the_same_after_json_whatever_it_saw(strategy: str, history: Any) -> None:
    experiment, memory = learned(strategy, history)
    again, notes = mem.from_json(json.loads(json.dumps(mem.to_json(memory))), experiment)
    assert notes == ()
    assert again == memory


@pytest.mark.parametrize("strategy", sorted(set(STRATEGIES) - {"Naive", "ValidationBest"}))
@settings(max_examples=15, deadline=None, derandomize=True)
@given(history=HISTORIES, order=st.permutations(NAMES))
def test_the_order_of_the_arms_does_not_matter(strategy: Any, history: Any, order: Any) -> None:
    here = evaluate(*learned(strategy, history), set(NAMES))
    there = evaluate(*learned(strategy, history, tuple(order)), set(NAMES))
    # Contrasts are integrated by fixed draws, which are not the same for every arm.
    assert there.shares == pytest.approx(here.shares, abs=0.05 if strategy == "ContrastThompson" else 1e-7)
    for name in ("b", "c"):
        assert there.evidence[name] == pytest.approx(here.evidence[name], rel=1e-6)
    assert proven_worse(there) == proven_worse(here)


@pytest.mark.parametrize("strategy", ["EpsilonGreedy", "KLUCB", "Thompson", "UCB1"])
@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    trials=st.integers(1, 3_000),
    rewards=st.tuples(*[st.floats(0, 1)] * 3),
    extra=st.floats(0.01, 1),
)
def test_more_reward_at_equal_trials_never_lowers_an_arms_share(
    strategy: str, trials: Any, rewards: Any, extra: Any
) -> None:
    earned = [round(trials * share) for share in rewards]
    better = [earned[0] + round((trials - earned[0]) * extra), *earned[1:]]
    shares = [
        evaluate(*learned(strategy, [[Observed(float(trials), float(y)) for y in row]]), set(NAMES)).shares[
            "a"
        ]
        for row in (earned, better)
    ]
    assert shares[1] >= shares[0] - 1e-6


@settings(max_examples=40, deadline=None, derandomize=True)
@given(history=HISTORIES)
def test_evidence_and_intervals_are_numbers_in_order(history: Any) -> None:
    found = evaluate(*learned("Thompson", history), set(NAMES))
    assert all(value is None or (np.isfinite(value) and value >= 0) for value in found.evidence.values())
    for name in NAMES:
        mean, interval = found.mean[name], found.interval[name]
        if mean is not None and interval is not None:
            low, high = interval
            assert low <= mean <= high
