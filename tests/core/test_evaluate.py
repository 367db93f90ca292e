from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bandit_operator.core import memory as mem
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.memory import Memory
from bandit_operator.core.model import Arm, Promotion, Window
from bandit_operator.core.strategies import STRATEGIES
from tests.support.evaluated import evaluate, proven_worse


def played(
    experiment: Experiment,
    make_window: Callable[..., Window],
    rng: np.random.Generator,
    rates: Any,
    ticks: int,
    trials: Any = 100,
) -> Memory:
    memory = mem.initial(experiment)
    for number in range(ticks):
        counts = np.full(len(rates), trials)
        memory = mem.update(experiment, memory, make_window(counts, rng.binomial(counts, rates), number))
    return memory


def test_before_any_reward_nothing_is_claimed(make_experiment: Callable[..., Experiment]) -> None:
    experiment = make_experiment(3)
    found = evaluate(experiment, mem.initial(experiment), {"a", "b", "c"})
    assert found.shares == pytest.approx({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3})
    for nothing in (found.probability_best, found.mean, found.interval):
        assert set(nothing.values()) == {None}
    assert found.evidence == {"a": None, "b": 1.0, "c": 1.0}
    assert found.threshold == pytest.approx(40.0)
    assert (proven_worse(found), found.promoted, found.no_material_difference) == (set(), None, False)


def test_a_clear_loser_is_rolled_back_and_its_evidence_exceeds_the_threshold(
    make_experiment: Callable[..., Experiment], make_window: Callable[..., Window], rng: np.random.Generator
) -> None:
    experiment = make_experiment(3)
    found = evaluate(experiment, played(experiment, make_window, rng, [0.3, 0.1, 0.3], 40), {"a", "b", "c"})
    assert proven_worse(found) == {"b"}
    loser, fair = found.evidence["b"], found.evidence["c"]
    assert loser is not None
    assert fair is not None
    assert loser >= found.threshold > fair
    assert found.shares["b"] < 1e-3


def test_an_arm_that_may_not_serve_gets_no_share_and_the_rest_sum_to_one(
    make_experiment: Callable[..., Experiment], make_window: Callable[..., Window], rng: np.random.Generator
) -> None:
    experiment = make_experiment(3)
    memory = played(experiment, make_window, rng, [0.1, 0.3, 0.2], 5)
    found = evaluate(experiment, memory, {"a", "c"})
    assert set(found.shares) == {"a", "c"}
    assert sum(found.shares.values()) == pytest.approx(1.0)
    assert found.probability_best["b"] is None
    assert found.mean["b"] == pytest.approx(0.3, abs=0.08)


def test_the_winner_is_promoted_only_over_the_arms_that_may_serve(
    make_experiment: Callable[..., Experiment], make_window: Callable[..., Window], rng: np.random.Generator
) -> None:
    experiment = make_experiment(3)
    memory = played(experiment, make_window, rng, [0.1, 0.3, 0.3], 60)
    assert evaluate(experiment, memory, {"a", "b", "c"}).promoted is None
    assert evaluate(experiment, memory, {"a", "b"}).promoted == "b"
    assert evaluate(experiment, memory, {"b"}).promoted is None


def test_equal_arms_end_with_no_material_difference(
    make_experiment: Callable[..., Experiment], make_window: Callable[..., Window], rng: np.random.Generator
) -> None:
    experiment = make_experiment(3, promotion=Promotion(indifference=0.02))
    memory = played(experiment, make_window, rng, [0.3, 0.3, 0.1], 100, trials=1_000)
    found = evaluate(experiment, memory, {"a", "b", "c"})
    assert found.no_material_difference
    assert found.promoted is None
    strict = replace(experiment, promotion=Promotion(indifference=0.0))
    assert not evaluate(strict, memory, {"a", "b", "c"}).no_material_difference


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_permuting_the_arms_permutes_the_shares(
    make_experiment: Callable[..., Experiment],
    make_window: Callable[..., Window],
    rng: np.random.Generator,
    strategy: str,
) -> None:
    experiment = make_experiment(4, strategy)
    scored = tuple(
        Arm(arm.name, validation_score=score)
        for arm, score in zip(experiment.arms, [1, 4, 3, 2], strict=True)
    )
    experiment = replace(experiment, arms=scored)
    memory = played(experiment, make_window, rng, [0.1, 0.12, 0.14, 0.13], 8)
    turned = replace(experiment, arms=scored[::-1])
    adapted, _ = mem.adapt(memory, turned)
    here, there = (evaluate(x, m, set("abcd")).shares for x, m in ((experiment, memory), (turned, adapted)))
    # The contrast strategy integrates by fixed draws, to about 1/2,048 an arm.
    assert there == pytest.approx(here, abs=0.03 if strategy == "ContrastThompson" else 1e-9)
