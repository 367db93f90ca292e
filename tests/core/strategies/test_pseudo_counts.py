"""Validation scores as pseudo-counts: what they are worth, and how they lose it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bandit_operator.core import memory as mem
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import Arm, RewardType, ValidationScale
from bandit_operator.core.strategies import STRATEGIES, Validation, standard_error
from bandit_operator.core.strategies.pseudo_counts import FIRST_TRUST, PseudoCounts, pseudo_counts
from bench import scores as bench
from tests.support.evaluated import evaluate

BERNOULLI = RewardType.BERNOULLI
COUNTING = ["EpsilonGreedy", "KLUCB", "Thompson", "TopTwo", "UCB1"]


def given(scores: list[float], errors: list[float] | None = None, *, ranked: bool = False) -> Validation:
    return Validation(
        np.array(scores),
        np.array(errors or [0.0] * len(scores)),
        ValidationScale.RANKING if ranked else ValidationScale.REWARD,
    )


def found(
    validation: Validation, trials: list[float], rewards: list[float], kind: RewardType = BERNOULLI
) -> PseudoCounts:
    sums = np.array([trials, rewards, rewards] if kind is RewardType.GAUSSIAN else [trials, rewards])
    result = pseudo_counts(sums, kind, validation)
    assert result is not None
    return result


def trust(validation: Validation, trials: list[float], rewards: list[float]) -> float:
    return float(found(validation, trials, rewards).trust)


def test_scores_begin_with_little_trust_earn_more_and_lose_it() -> None:
    right, wrong = given([0.30, 0.20]), given([0.20, 0.30])
    assert trust(right, [0, 0], [0, 0]) == pytest.approx(FIRST_TRUST)
    earned = [trust(right, [n, n], [0.3 * n, 0.2 * n]) for n in (100, 1_000, 10_000)]
    lost = [trust(wrong, [n, n], [0.3 * n, 0.2 * n]) for n in (100, 1_000, 10_000)]
    assert FIRST_TRUST < earned[0] < earned[1] < earned[2]
    assert FIRST_TRUST > lost[0] > lost[1] > lost[2]
    assert lost[1] < 0.01


def test_one_arm_alone_says_nothing_of_scores() -> None:
    assert trust(given([0.30, 0.20]), [1_000, 0], [900, 0]) == pytest.approx(FIRST_TRUST)


def test_an_arm_without_a_score_neither_earns_them_trust_nor_gets_any_trials() -> None:
    three = found(given([0.30, 0.20, np.nan]), [500, 500, 500], [150, 100, 125])
    assert float(three.trust) > FIRST_TRUST
    assert three.moments[:, 2].tolist() == [0.0, 0.0]


def test_scores_are_never_worth_more_than_their_hypotheses_or_than_the_rows_they_were_measured_on() -> None:
    exact = found(given([0.30, 0.20]), [1e6, 1e6], [3e5, 2e5])
    assert (exact.moments[0] < 0.25 / 0.02**2).all()
    error = standard_error(0.25, 50)
    few = found(given([0.30, 0.20], [error, error]), [1e6, 1e6], [3e5, 2e5])
    assert (few.moments[0] < 51).all()
    assert (few.moments[0] < exact.moments[0]).all()


def test_the_scores_level_does_not_matter_once_there_are_rewards() -> None:
    low = found(given([0.30, 0.20]), [500, 500], [150, 100])
    high = found(given([0.90, 0.80]), [500, 500], [150, 100])
    assert high.trust == pytest.approx(low.trust, rel=0.01)
    assert high.moments[1] == pytest.approx(low.moments[1], rel=0.05)


def test_of_a_ranking_only_the_order_counts() -> None:
    counts = [400.0, 400.0, 400.0], [120.0, 100.0, 80.0]
    narrow = found(given([3.0, 2.0, 1.0], ranked=True), *counts)
    wide = found(given([900.0, 2.0, -70.0], ranked=True), *counts)
    assert narrow.moments == pytest.approx(wide.moments)
    mean = narrow.moments[1] / narrow.moments[0]
    assert mean[0] > mean[1] > mean[2]


def test_ranked_scores_that_lie_within_their_errors_say_little_of_the_order() -> None:
    counts = [400.0, 400.0], [100.0, 100.0]
    gaps = []
    for error in (0.0, 0.01, 1.0):
        moments = found(given([0.71, 0.70], [error, error], ranked=True), *counts).moments
        gaps.append(float(np.diff(moments[1] / moments[0])[0]))
    assert gaps[0] < gaps[1] < gaps[2] < 0
    assert gaps[2] > 0.05 * gaps[0]


def test_equal_ranks_say_that_arms_are_equal() -> None:
    moments = found(given([0.7, 0.7], ranked=True), [400, 400], [100, 100]).moments
    assert moments[1, 0] == pytest.approx(moments[1, 1])


def test_ratios_are_compared_with_a_ranking_only() -> None:
    line = np.array([[500.0, 500.0], [10.0, -10.0], [500.0, 500.0]])
    assert pseudo_counts(line, RewardType.RATIO, given([2.0, 1.0])) is None
    assert pseudo_counts(line, RewardType.RATIO, given([2.0, 1.0], ranked=True)) is not None


def test_fewer_than_two_scores_are_no_comparison() -> None:
    assert pseudo_counts(np.zeros((2, 2)), BERNOULLI, given([0.5, np.nan])) is None


def test_rewards_without_bounds_have_no_pseudo_counts_before_their_variance_is_known() -> None:
    nothing = found(given([5.0, 4.0]), [0, 0], [0, 0], RewardType.GAUSSIAN)
    assert not nothing.moments.any()
    assert float(nothing.trust) == pytest.approx(FIRST_TRUST)
    some = found(given([0.6, 0.4]), [50, 50], [30, 20], RewardType.GAUSSIAN)
    assert (some.moments[0] > 0).all()


@pytest.mark.parametrize("strategy", COUNTING)
def test_the_trust_is_reported_and_one_score_changes_no_share(
    make_experiment: Callable[..., Experiment], strategy: str
) -> None:
    experiment = make_experiment(2, strategy)
    tick = np.array([[400.0, 400.0], [200.0, 160.0]])
    told = {}
    for scores in ((None, None), (0.5, None), (0.5, 0.4), (0.4, 0.5)):
        one = replace(experiment, arms=tuple(Arm(n, s) for n, s in zip("ab", scores, strict=True)))
        memory = mem.update_moments(one, mem.initial(one), tick, 30.0)
        told[scores] = evaluate(one, memory, {"a", "b"})
    assert told[None, None].scores_trust is None
    assert told[0.5, None] == told[None, None]
    right, wrong = told[0.5, 0.4], told[0.4, 0.5]
    assert right.scores_trust is not None
    assert wrong.scores_trust is not None
    assert right.scores_trust > FIRST_TRUST > wrong.scores_trust
    assert right.mean == wrong.mean == told[None, None].mean  # what is reported is what was earned
    assert right.evidence == wrong.evidence


@pytest.mark.parametrize("strategy", COUNTING)
def test_a_new_arm_begins_where_validation_says_once_scores_have_proven_themselves(
    make_experiment: Callable[..., Experiment], strategy: str
) -> None:
    found = {}
    for newcomer in (0.10, 0.34):
        arms = (Arm("a", 0.30), Arm("b", 0.20), Arm("c", newcomer))
        experiment = replace(make_experiment(3, strategy), arms=arms)
        tick = np.array([[2_000.0, 2_000.0, 0.0], [600.0, 400.0, 0.0]])
        memory = mem.update_moments(experiment, mem.initial(experiment), tick, 30.0)
        found[newcomer] = evaluate(experiment, memory, {"a", "b", "c"})
    bad, good = (found[one].probability_best["c"] for one in (0.10, 0.34))
    assert bad is not None
    assert good is not None
    assert good > 0.6 > 0.1 > bad
    if strategy != "TopTwo":  # there it is the leader or the only challenger, with half of the traffic
        assert found[0.34].shares["c"] > 2 * found[0.10].shares["c"]


@pytest.mark.parametrize("strategy", ["ABTest", "Naive", "ValidationBest"])
def test_strategies_that_do_not_learn_do_not_weigh_scores(
    make_experiment: Callable[..., Experiment], strategy: str
) -> None:
    experiment = replace(make_experiment(2, strategy), arms=(Arm("a", 0.5), Arm("b", 0.4)))
    assert evaluate(experiment, mem.initial(experiment), {"a", "b"}).scores_trust is None


@pytest.mark.slow
def test_right_scores_save_a_tenth_of_the_regret_of_300_ticks() -> None:
    without, right = (bench.play("KLUCB", kind, seeds=200, seed=0, ticks=300) for kind in ("none", "right"))
    assert right.mean() < 0.9 * without.mean()


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["KLUCB", "Thompson", "TopTwo", "UCB1"])
def test_right_scores_save_regret_and_wrong_ones_cost_a_twentieth_at_most(strategy: str) -> None:
    figures: dict[str, list[np.ndarray]] = {}
    for task in bench.tasks(200, [strategy]):
        figures.setdefault(task.key, []).append(task.run(**task.arguments))
    rows = bench.rows({key: np.concatenate(parts) for key, parts in figures.items()}, [strategy])
    assert [row["row"] for row in rows if row["met"] is False] == []


def test_every_strategy_that_learns_is_measured_with_scores() -> None:
    assert sorted(bench.LEARNING) == sorted([*COUNTING, "ContrastThompson"])
    assert set(COUNTING) < set(STRATEGIES)
