from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from bandit_operator.core.strategies.ab_test import ABTest
from bandit_operator.core.strategies.contrast_thompson import ContrastThompson
from bandit_operator.simulation.answer import beside, sentences
from bandit_operator.simulation.figures import amount, mean_interval
from bandit_operator.simulation.play import play
from bandit_operator.simulation.summary import summarise
from bandit_operator.simulation.world import SupposedShadow, World


def answer(gap: float, ticks: int, interval: float = 600.0) -> list[str]:
    rates = np.tile([0.3, 0.3 - gap], (ticks, 1))
    world = World("asked", ("old", "new"), "old", rates, np.full(ticks, 200.0), interval=interval)
    return sentences(world, "ABTest", play(world, ABTest(), 20, np.random.default_rng(1)))


def test_a_clear_loser_is_answered_with_the_time_of_the_verdict_and_its_price() -> None:
    verdict, cost = answer(gap=0.2, ticks=200)
    assert verdict.startswith("ABTest: a verdict came in 100% within a day, 100% within the 33.3 h")
    assert "half of the runs had one after" in verdict
    assert "rewards a day less than staying with old" in cost


def test_large_figures_are_written_out_as_people_write_them() -> None:
    rates = np.tile([0.1, 0.9], (144, 1))
    world = World("asked", ("old", "new"), "old", rates, np.full(144, 1e6), interval=600.0)
    _, cost = sentences(world, "ABTest", play(world, ABTest(), 2, np.random.default_rng(1)))
    assert re.search(r"and earned [0-9]{2},[0-9]{3},[0-9]{3} rewards a day more than staying", cost)


@pytest.mark.parametrize(
    ("number", "written"),
    [(33914.2, "33,914"), (999.96, "1000"), (-1234.5, "-1,234"), (12.3456, "12.35"), (0.0012345, "0.001234")],
)
def test_an_amount_has_four_digits_and_no_exponent_where_it_is_large(number: float, written: str) -> None:
    assert amount(number) == written


def test_an_interval_is_that_of_a_sample_and_one_value_has_none() -> None:
    mean, reach = mean_interval(np.array([1.0, 3.0]))
    assert mean == 2.0
    assert reach == pytest.approx(1.96)
    assert mean_interval(np.array([5.0])) == (5.0, None)


def test_the_answer_and_the_summary_tell_of_one_interval() -> None:
    rates = np.tile([0.3, 0.1], (144, 1))
    world = World("asked", ("old", "new"), "old", rates, np.full(144, 200.0), interval=600.0)
    summary = summarise(world, "ABTest", play(world, ABTest(), 5, np.random.default_rng(1)))
    assert summary["regret_ci"] is not None
    low, high = summary["regret_ci"]
    interval = f"{amount(summary['regret'])} ± {amount((high - low) / 2.0)}"
    assert f"it cost {interval} rewards" in summary["answer"][1]
    assert low < high


def test_one_seed_has_no_interval() -> None:
    rates = np.tile([0.3, 0.1], (10, 1))
    world = World("asked", ("old", "new"), "old", rates, np.full(10, 200.0))
    summary = summarise(world, "ABTest", play(world, ABTest(), 1, np.random.default_rng(1)))
    assert summary["regret_ci"] is None
    assert "±" not in summary["answer"][1]


def test_runs_without_a_verdict_are_said_and_not_left_out() -> None:
    verdict, cost = answer(gap=0.0, ticks=200)
    assert "within a day, " in verdict
    assert verdict.endswith("so play longer, or send more traffic to the arms.")
    assert "it cost 0 ± 0 rewards a day" in cost


@pytest.mark.slow
def test_of_an_arm_that_begins_in_the_shadow_it_is_said_that_no_user_met_it() -> None:
    rates = np.tile([0.8, 0.7], (400, 1))
    here = World("asked", ("old", "new"), "old", rates, np.full(400, 200.0), onboarded=(False, True))
    scored = dataclasses.replace(here, shadow=SupposedShadow(0.1))
    plain, shadowed = (play(one, ContrastThompson(), 5, np.random.default_rng(1)) for one in (here, scored))
    said = beside(scored, plain, shadowed)
    assert "Arms that are worse than old answer 0 requests a day, and " in said
    assert not said.endswith("and 0 without it.")
