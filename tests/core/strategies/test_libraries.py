"""The strategies against public libraries, MABWiser and river, on the same counts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from bandit_operator.core.model import RewardType
from bandit_operator.core.strategies import Strategy, Validation
from bandit_operator.core.strategies.base import Situation
from bandit_operator.core.strategies.epsilon_greedy import EpsilonGreedy
from bandit_operator.core.strategies.thompson import Thompson
from bandit_operator.core.strategies.ucb1 import UCB1
from bench.peers import LIBRARIES, environment
from cluster.toolbox.store import cache_folder

pytestmark = pytest.mark.slow
WORKER = Path(__file__).with_name("library_worker.py")
DRAWS = 20_000
CHANCE = 1e-6
"""Below this probability a difference of draws is no chance."""
Counts = list[tuple[int, float]]
"""Trials and mean reward of each arm."""
CONFIDENCE = 0.25


def shares(strategy: Strategy, counts: Counts, expected: float) -> np.ndarray:
    """Shares after such counts, with so many labels expected in the next tick."""
    trials, means = np.array(counts).T
    totals = np.array([trials, trials * means])
    situation = Situation(
        names=tuple("abcdefgh"[: len(counts)]),
        reward_type=RewardType.BERNOULLI,
        baseline=0,
        totals=totals,
        eligible=np.ones(len(counts), dtype=bool),
        expected_labels=np.array(expected),
        validation=Validation.none(len(counts)),
    )
    return strategy.shares({"counts": totals}, situation)


def random_counts(seed: int, number: int, most: int = 400) -> list[Counts]:
    """Counts of two to six arms; means are such as so many 0 and 1 can have."""
    rng = np.random.default_rng(seed)
    several = []
    for _ in range(number):
        trials = rng.integers(most // 10, most, rng.integers(2, 7))
        successes = rng.binomial(trials, rng.beta(4, 6, len(trials)))
        several.append([(int(n), s / n) for n, s in zip(trials, successes.tolist(), strict=True)])
    return several


NARROW: list[Counts] = [
    [(3, 0.0), (2, 1.0), (4, 0.5)],
    [(0, 0.0), (5, 0.4), (40, 0.5)],
    [(1000, 0.009), (800, 0.015), (1200, 0.010), (50, 0.02)],
]
"""Arms with no trials, with no successes or failures, and with rare rewards."""
ONE_LABEL = random_counts(1, 200)
EXPLORED = random_counts(4, 6)
BEST = [*NARROW, *random_counts(5, 4)]
LABELS = 5_000
BEFORE = [[(n, 0.3 + (mean - 0.3) / 20) for n, mean in counts] for counts in random_counts(3, 50, 8_000)]
"""Means so close that several arms share a tick of so many labels."""


def exploring(counts: Counts) -> float:
    """The ε of ``EpsilonGreedy(exploration=20)``."""
    return min(1.0, 20 * len(counts) / sum(trials for trials, _ in counts))


def after(counts: Counts) -> Counts:
    """Counts once a tick was shared, at the same means."""
    found = shares(UCB1(confidence=CONFIDENCE), counts, LABELS)
    return [
        (trials + round(LABELS * share), mean) for (trials, mean), share in zip(counts, found, strict=True)
    ]


def questions() -> dict[str, tuple[str, list[tuple[float, Counts]], int]]:
    """Policy, settings with counts, and draws, by what is asked."""
    return {
        "one label": ("UCB1", [(CONFIDENCE, counts) for counts in ONE_LABEL], 1),
        "a tick": ("UCB1", [(CONFIDENCE, after(counts)) for counts in BEFORE], 0),
        "exploring": ("EpsilonGreedy", [(exploring(counts), counts) for counts in EXPLORED], DRAWS),
        "best": ("Thompson", [(0.0, counts) for counts in BEST], DRAWS),
    }


def answers_of(library: str, names: list[str]) -> dict[str, list[list[float]]]:
    """What a library answers, in one run of its own environment, which is made where there is none."""
    python = environment(library, cache_folder() / "libraries" / LIBRARIES[library][0])
    if python is None:
        pytest.fail(f"{library} could not be installed, for the reason above; this test needs it")
    asked = {name: one for name, one in questions().items() if name in names}
    flat = [
        {"policy": policy, "setting": setting, "counts": counts, "draws": draws}
        for policy, cases, draws in asked.values()
        for setting, counts in cases
    ]
    command = [str(python), str(WORKER), library]
    done = subprocess.run(command, input=json.dumps(flat), stdout=subprocess.PIPE, text=True, check=True)
    answers = iter(json.loads(done.stdout))
    return {name: [next(answers) for _ in cases] for name, (_, cases, _) in asked.items()}


@pytest.fixture(scope="module")
def mabwiser() -> dict[str, list[list[float]]]:
    return answers_of("mabwiser", ["one label", "a tick", "exploring", "best"])


@pytest.fixture(scope="module")
def river() -> dict[str, list[list[float]]]:
    return answers_of("river", ["one label", "exploring", "best"])


@pytest.fixture(params=["mabwiser", "river"])
def library(request: pytest.FixtureRequest) -> dict[str, list[list[float]]]:
    """Each library's answers."""
    shares_by_name: dict[str, list[list[float]]] = request.getfixturevalue(request.param)
    return shares_by_name


def agree(chosen: list[float], expected: np.ndarray) -> bool:
    """Whether so many draws of each arm can come from these shares, by the exact binomial test."""
    return all(
        binomtest(int(one), DRAWS, min(share, 1.0)).pvalue > CHANCE
        for one, share in zip(chosen, expected, strict=True)
    )


def test_the_next_label_goes_to_the_arm_with_the_largest_ucb1_index(
    mabwiser: dict[str, list[list[float]]], river: dict[str, list[list[float]]]
) -> None:
    clear = 0
    for counts, index, pulled in zip(ONE_LABEL, mabwiser["one label"], river["one label"], strict=True):
        second, best = sorted(index)[-2:]
        if best - second > 1e-3:  # below it counts whether ln t or ln (t + 1) is taken
            clear += 1
            found = shares(UCB1(confidence=CONFIDENCE), counts, 1e-3)
            assert found == pytest.approx((np.array(index) == best).astype(float))
            assert found == pytest.approx(np.array(pulled))
    assert clear > 190


def test_arms_that_share_a_tick_end_at_one_ucb1_index_and_no_other_arm_is_above_it(
    mabwiser: dict[str, list[list[float]]],
) -> None:
    together = 0
    for counts, index in zip(BEFORE, mabwiser["a tick"], strict=True):
        found = shares(UCB1(confidence=CONFIDENCE), counts, LABELS)
        level = np.array(index)[LABELS * found > 1]
        assert level == pytest.approx(level.max(), abs=2e-5)
        assert max(index) < level.max() + 2e-5
        together += len(level) > 1
    assert together > 25


def test_the_exploring_share_and_the_greedy_arm_are_the_librarys(
    library: dict[str, list[list[float]]],
) -> None:
    for counts, chosen in zip(EXPLORED, library["exploring"], strict=True):
        found = shares(EpsilonGreedy(exploration=20.0), counts, 100)
        assert agree(chosen, found), (counts, chosen, found)


def test_the_probability_of_being_best_is_how_often_the_librarys_draw_is_largest(
    library: dict[str, list[list[float]]],
) -> None:
    for counts, chosen in zip(BEST, library["best"], strict=True):
        found = shares(Thompson(), counts, 100)
        assert agree(chosen, found), (counts, chosen, found)
