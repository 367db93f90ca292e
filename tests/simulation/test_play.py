"""A simulated path is the path that the operator's decisions take."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bandit_operator.core import memory as mem
from bandit_operator.core.decide import decide
from bandit_operator.core.decision import Intention
from bandit_operator.core.inference.shadow import ShadowTick
from bandit_operator.core.model import (
    ArmFacts,
    ArmStanding,
    ArmState,
    Delay,
    Guardrails,
    Observed,
    Paired,
    Promotion,
    PromotionAction,
    RewardType,
    Rollback,
    Shadowed,
    Snapshot,
    Window,
)
from bandit_operator.core.strategies import STRATEGIES
from bandit_operator.core.strategies.ab_test import ABTest
from bandit_operator.core.strategies.contrast_thompson import ContrastThompson
from bandit_operator.core.strategies.thompson import Thompson
from bandit_operator.simulation.play import NEVER, play
from bandit_operator.simulation.shadow import Scorer
from bandit_operator.simulation.spread import Spread
from bandit_operator.simulation.world import SupposedShadow, World

pytestmark = pytest.mark.slow


def world(ticks: int = 120, **changes: Any) -> World:
    """Return a world of three arms, one of which breaks half way."""
    rates = np.tile([0.30, 0.32, 0.28], (ticks, 1))
    rates[ticks // 2 :, 1] = 0.05
    settings = {
        "name": "test",
        "names": ("a", "b", "c"),
        "baseline": "a",
        "rates": rates,
        "requests": np.full(ticks, 120.0),
        "validation_scores": (0.5, 0.7, 0.6),
    }
    return World(**{**settings, **changes})


def money(**changes: Any) -> World:
    """The same three arms, paid in money."""
    rates = 100.0 * world().rates
    settings = {"reward_type": RewardType.GAUSSIAN, "rates": rates, "spread": Spread((8.0, 12.0, 10.0))}
    return world(**{**settings, **changes})


def ratios(**changes: Any) -> World:
    """The same three arms, paid by each of a request's parts."""
    spread = Spread((1.0, 1.0, 1.0), denominator=3.0, denominator_deviation=1.0)
    return world(**{"reward_type": RewardType.RATIO, "spread": spread, **changes})


def recorded(here: Any, strategy: Any, seeds: Any, seed: int) -> tuple[Any, list[Any]]:
    ticks = []
    played = play(here, strategy, seeds, np.random.default_rng(seed), lambda *seen: ticks.append(seen))
    return played, ticks


def as_read(names: Any, scored: ShadowTick, seed: int) -> Shadowed:
    """What the shadow of one simulated seed scored, as it is read from Prometheus."""
    arms = {name: Observed(*map(float, scored.moments[seed, :, k])) for k, name in enumerate(names)}
    sums = (scored.pairs.trials, scored.pairs.difference, scored.pairs.squares)
    pairs = {
        (first, second): Paired(*(float(one[seed, i, j]) for one in sums))
        for (i, first), (j, second) in itertools.combinations(enumerate(names), 2)
    }
    return Shadowed(arms, pairs)


def decided(here: Any, strategy: Any, ticks: list[Any], seed: int) -> tuple[Any, Mapping[str, ArmStanding]]:
    """The weights and standings that ``decide`` comes to from the windows of one simulated seed."""
    experiment = here.experiment(strategy)
    memory = mem.initial(experiment)
    start = dict(zip(here.names, ticks[0][1][seed].astype(int).tolist(), strict=True))
    before, path = Intention({}, start), []
    for tick, _, moments, scored in ticks:
        path.append([before.weights[name] for name in here.names])
        end = here.interval * (tick + 1)
        arms = {name: Observed(*map(float, moments[seed, :, k])) for k, name in enumerate(here.names)}
        shadow = None if scored is None else as_read(here.names, scored, seed)
        facts = {
            name: ArmFacts(
                weight=before.weights[name], available=not here.serves_from or tick >= here.serves_from[k]
            )
            for k, name in enumerate(here.names)
        }
        snapshot = Snapshot(end, Window(end - here.interval, end, arms, shadow=shadow), facts, 1, True)
        decision = decide(experiment, memory, before, snapshot)
        memory, before = decision.memory, Intention(decision.standings, decision.weights)
    return np.array(path), before.standings


WORLDS = {
    "one arm breaks": world(),
    "no step limit, arms warm up longer": world(guardrails=Guardrails(min_trials=900, max_step=1.0)),
    "one arm joins later": world(serves_from=(0, 0, 30)),
    "labels come late": world(delay=Delay(60.0, 260.0), assumed_delay=Delay(60.0, 260.0)),
    "requests are alike within a tick": world(design_effect=5.0),
    "few requests, so that guards hold": world(requests=np.array([4.0, 0.0, 30.0] * 40)),
    "the winner is promoted": world(
        promotion=Promotion(action=PromotionAction.PROMOTE), requests=np.full(120, 2000.0)
    ),
    "rewards are money": money(),
    "money comes late": money(delay=Delay(60.0, 260.0), assumed_delay=Delay(60.0, 260.0)),
    "rewards are ratios": ratios(),
    "a shadow scores a tenth": world(shadow=SupposedShadow(0.1)),
    "arms begin in the shadow": world(shadow=SupposedShadow(0.3), onboarded=(False, True, True)),
    "an arm joins the shadow later": world(
        shadow=SupposedShadow(0.3, margin=0.1), onboarded=(False, False, True), serves_from=(0, 0, 30)
    ),
    "money is onboarded": money(shadow=SupposedShadow(0.3, margin=2.0), onboarded=(False, True, True)),
}


@pytest.mark.parametrize("name", sorted(WORLDS))
def test_a_simulated_path_equals_the_path_of_decide_tick_by_tick(name: str) -> None:
    here, strategy = WORLDS[name], Thompson()
    played, ticks = recorded(here, strategy, seeds=4, seed=7)
    for seed in range(4):
        path, standings = decided(here, strategy, ticks, seed)
        assert np.array_equal(path, np.array([weights[seed] for _, weights, _, _ in ticks]))
        out = [name for k, name in enumerate(here.names) if played.rolled_back_at[seed, k] != NEVER]
        gone = {ArmState.DRAINING, ArmState.ROLLED_BACK}
        assert out == [name for name in here.names if standings[name].state in gone]


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_the_paths_are_equal_for_every_strategy(strategy: str) -> None:
    here = world(ticks=60)
    _, ticks = recorded(here, STRATEGIES[strategy](), seeds=2, seed=3)
    path, _ = decided(here, STRATEGIES[strategy](), ticks, 1)
    assert np.array_equal(path, np.array([weights[1] for _, weights, _, _ in ticks]))


def test_the_same_seed_gives_the_same_path_and_another_one_another() -> None:
    strategy = Thompson()
    first, again, other = (play(world(), strategy, 3, np.random.default_rng(s)) for s in (1, 1, 2))
    assert np.array_equal(first.regret, again.regret)
    assert not np.array_equal(first.regret, other.regret)


def test_the_broken_arm_is_rolled_back_after_it_breaks_and_costs_nothing_from_then_on() -> None:
    never_again = Rollback(retry_after=None)
    played = play(world(ticks=300, rollback=never_again), ABTest(), 20, np.random.default_rng(5))
    assert (played.rolled_back_at[:, 1] > 150).all()
    assert (played.rolled_back_at[:, 1] < 190).all()
    assert (played.final_shares[:, 1] == 0).all()
    assert (played.rolled_back_at[:, 0] == NEVER).all()


def test_rewards_of_a_world_have_the_design_effect_that_it_names() -> None:
    here = world(ticks=400, design_effect=5.0, rates=np.full((400, 3), 0.3))
    _, ticks = recorded(here, ABTest(), seeds=10, seed=2)
    means = np.array([moments[:, 1] / moments[:, 0] for _, _, moments, _ in ticks])
    effect = means.var() / (0.3 * 0.7 / 40)
    assert effect == pytest.approx(5.0, rel=0.15)


def test_late_labels_come_by_their_profile_and_none_is_lost_but_the_last() -> None:
    late = Delay(120.0, 520.0)
    here = world(ticks=300, delay=late, assumed_delay=late, rates=np.full((300, 3), 0.3))
    prompt = replace(here, delay=None, assumed_delay=None)
    come, asked = (
        np.cumsum([moments[:, 1].sum() for _, _, moments, _ in recorded(x, ABTest(), 8, 4)[1]])
        for x in (here, prompt)
    )
    assert come[-1] / asked[-1] == pytest.approx(1 - 6.2 / 300, abs=0.01)
    shape = np.log(np.log(20.0) / np.log(2.0)) / np.log(520.0 / 120.0)  # Weibull, by median and p95
    ages = 30.0 * (np.arange(17) + 0.5)
    by_then = 1.0 - 0.5 ** ((ages / 120.0) ** shape)
    for ticks in (4, 8, 17):
        assert come[ticks - 1] / asked[ticks - 1] == pytest.approx(by_then[:ticks].mean(), abs=0.03)


def test_an_arm_that_recovers_is_tried_again_after_an_hour_and_earns_its_traffic_back() -> None:
    here = world(ticks=800)
    here.rates[:, 1] = 0.05
    here.rates[200:, 1] = 0.5
    played, ticks = recorded(here, ContrastThompson(), 10, seed=6)
    assert (played.rolled_back_at[:, 1] < 150).all()
    assert (played.final_shares[:, 1] > 0.9).all()
    served = np.array([weights[:, 1] > 0 for _, weights, _, _ in ticks])
    for seed, out in enumerate(played.rolled_back_at[:, 1].astype(int)):
        back = out + 2 + np.flatnonzero(served[out + 2 :, seed])[0]
        assert back - out == pytest.approx(3600.0 / here.interval, abs=3)


@pytest.mark.parametrize(
    "here", [money(design_effect=5.0), ratios(design_effect=5.0)], ids=["money", "ratios"]
)
def test_the_design_effect_holds_for_rewards_without_bounds(here: World) -> None:
    alike = np.full((400, 3), here.rates[0, 0])
    still = replace(here, rates=alike, requests=np.full(400, 120.0), rollback=Rollback(error_rate=1e-12))
    _, ticks = recorded(still, ABTest(), seeds=10, seed=2)
    x = 3 if here.reward_type is RewardType.RATIO else 0
    means = np.array([moments[:, 1] / moments[:, x] for _, _, moments, _ in ticks])
    assert here.spread is not None
    alone = here.spread.of_mean(np.full(3, 40.0)) ** 2
    assert means.var((0, 1)) / alone == pytest.approx([5.0] * 3, rel=0.2)


def test_of_money_nothing_is_known_before_its_label_comes() -> None:
    late = Delay(120.0, 520.0)
    here = money(delay=late, assumed_delay=late, rates=np.full((300, 3), 30.0), requests=np.full(300, 120.0))
    _, ticks = recorded(here, ABTest(), 8, 4)
    seen = np.array([moments.sum(-1) for _, _, moments, _ in ticks])
    assert seen[0, :, 0].mean() < 20
    assert seen[100:, :, 0].mean() == pytest.approx(120, abs=1)
    assert (seen[:, :, 1].sum(0) / seen[:, :, 0].sum(0)) == pytest.approx(np.full(8, 30.0), abs=0.3)


@pytest.mark.parametrize("here", [money(), ratios()], ids=["money", "ratios"])
def test_an_arm_that_breaks_is_rolled_back_whatever_it_is_paid_in(here: World) -> None:
    played = play(replace(here, rollback=Rollback(retry_after=None)), ABTest(), 20, np.random.default_rng(5))
    assert (played.rolled_back_at[:, 1] > 60).all()
    assert (played.rolled_back_at[:, 1] < 100).all()
    assert (played.rolled_back_at[:, 0] == NEVER).all()


def test_regret_of_ratios_is_in_the_unit_of_their_rewards() -> None:
    never = Rollback(error_rate=1e-12)
    here = ratios(rates=np.tile([0.5, 0.6, 0.6], (10, 1)), requests=np.full(10, 120.0), rollback=never)
    played = play(here, ABTest(), 20, np.random.default_rng(5))
    assert played.regret[:, -1].mean() == pytest.approx(10 * 40 * 3.0 * 0.1, rel=0.1)


def test_a_shadow_scores_money_alike_where_requests_are_alike() -> None:
    alike = money(shadow=SupposedShadow(0.5, alike=1.0), spread=Spread((10.0, 10.0, 10.0)))
    tick = Scorer(alike, 5, np.random.default_rng(3)).score(np.tile([30.0, 33.0, 28.0], (5, 1)))
    n = tick.moments[:, 0, 0]
    assert tick.pairs.difference[:, 1, 0] == pytest.approx(3.0 * n)
    assert tick.pairs.squares[:, 1, 0] == pytest.approx(9.0 * n)
    apart = replace(alike, shadow=SupposedShadow(0.5, alike=0.0), requests=np.full(120, 10_000.0))
    tick = Scorer(apart, 40, np.random.default_rng(3)).score(np.tile([30.0, 33.0, 28.0], (40, 1)))
    n = tick.moments[:, 0, 0]
    assert (tick.pairs.squares[:, 1, 0] / n).mean() == pytest.approx(9.0 + 200.0, rel=0.02)
    assert (tick.moments[:, 2, 0] / n).mean() == pytest.approx(30.0**2 + 100.0, rel=0.02)
