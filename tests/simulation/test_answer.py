from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bandit_operator.core.strategies.ab_test import ABTest
from bandit_operator.core.strategies.contrast_thompson import ContrastThompson
from bandit_operator.simulation.answer import beside, sentences
from bandit_operator.simulation.play import play
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
