from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bandit_operator.core import memory as mem
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.memory import Memory
from bandit_operator.core.model import Arm, NoData, Observed, RewardType, Window
from bandit_operator.core.strategies import STRATEGIES
from bandit_operator.core.strategies.thompson import Thompson
from tests.support.evaluated import evaluate

TYPES = list(RewardType)


def learned(experiment: Experiment, windows: Any) -> Memory:
    memory = mem.initial(experiment)
    for window in windows:
        memory = mem.update(experiment, memory, window)
    return memory


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_memory_survives_json_bit_for_bit(
    make_experiment: Callable[..., Experiment],
    random_window: Callable[..., Window],
    rng: np.random.Generator,
    strategy: str,
    kind: RewardType,
) -> None:
    experiment = make_experiment(4, strategy, reward_type=kind)
    memory = learned(experiment, [random_window(rng, kind, 4, tick) for tick in range(30)])
    again, notes = mem.from_json(json.loads(json.dumps(mem.to_json(memory))), experiment)
    assert notes == ()
    assert again == memory


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_a_restart_between_two_windows_changes_nothing(
    make_experiment: Callable[..., Experiment],
    random_window: Callable[..., Window],
    rng: np.random.Generator,
    strategy: str,
) -> None:
    experiment = make_experiment(3, strategy)
    windows = [random_window(rng, RewardType.BERNOULLI, 3, tick) for tick in range(20)]
    straight = learned(experiment, windows)
    restarted, _ = mem.from_json(mem.to_json(learned(experiment, windows[:11])), experiment)
    for window in windows[11:]:
        restarted = mem.update(experiment, restarted, window)
    assert restarted == straight
    names = set(experiment.names)
    assert evaluate(experiment, restarted, names) == evaluate(experiment, straight, names)


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
@pytest.mark.parametrize("kind", TYPES)
def test_stored_memory_of_twenty_arms_stays_below_104_kib(
    make_experiment: Callable[..., Experiment], strategy: str, kind: RewardType
) -> None:
    experiment = make_experiment(20, strategy, reward_type=kind)
    assert len(json.dumps(mem.to_json(mem.initial(experiment)))) <= 104 * 1024


def test_stored_keys_are_the_same_for_every_strategy_and_reward_type(
    make_experiment: Callable[..., Experiment],
) -> None:
    shapes = {
        tuple(sorted(mem.to_json(mem.initial(make_experiment(3, strategy, reward_type=kind)))))
        for strategy in STRATEGIES
        for kind in TYPES
    }
    assert len(shapes) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"version": 0}, "version is 0", id="an older version"),
        pytest.param({"version": None}, "version is None", id="no version"),
        pytest.param({"evidence": "AAAA"}, "bytes", id="too short"),
        pytest.param({"evidence": "%%%"}, "", id="no base64"),
        pytest.param({"totals": None}, "", id="a null"),
        pytest.param({"arms": "abc"}, "list of arms", id="arms are text"),
        pytest.param({"arms": ["a", "a", "b"]}, "list of arms", id="one arm twice"),
        pytest.param({"ticks": -1}, "tick count", id="a negative count"),
        pytest.param({"strategy": "Oracle"}, "strategy", id="an unknown strategy"),
        pytest.param({"rewardType": "Poisson"}, "Poisson", id="an unknown reward type"),
        pytest.param({"baseline": "z"}, "baseline", id="a baseline that is no arm"),
        pytest.param({"delay": [10**400, 10**400]}, "too large", id="a delay beyond all numbers"),
    ],
)
def test_what_cannot_be_read_gives_a_fresh_memory_and_the_reason(
    make_experiment: Callable[..., Experiment], make_window: Callable[..., Window], change: Any, said: str
) -> None:
    experiment = make_experiment(3)
    data = mem.to_json(learned(experiment, [make_window([9, 9, 9], [1, 2, 3])])) | change
    memory, notes = mem.from_json(data, experiment)
    assert memory == mem.initial(experiment)
    assert len(notes) == 1
    assert said in notes[0]


def test_an_empty_mapping_gives_a_fresh_memory(make_experiment: Callable[..., Experiment]) -> None:
    memory, notes = mem.from_json({}, make_experiment(3))
    assert memory == mem.initial(make_experiment(3))
    assert "version" in notes[0]


def test_a_window_without_any_data_is_only_counted(
    make_experiment: Callable[..., Experiment], make_window: Callable[..., Window]
) -> None:
    experiment = make_experiment(2, strategy=STRATEGIES["Thompson"].type)
    experiment = replace(experiment, strategy=Thompson(half_life=30.0))
    before = learned(experiment, [make_window([50, 50], [5, 9])])
    empty = Window(start=30.0, end=60.0, arms={"a": NoData(), "b": NoData("NaN")})
    after = mem.update(experiment, before, empty)
    assert after == replace(before, ticks=2)


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(NoData(), id="no data"),
        pytest.param(Observed(trials=float("nan"), rewards=1.0), id="not a number"),
        pytest.param(Observed(trials=5.0, rewards=-1.0), id="a negative sum"),
        pytest.param(Observed(trials=float("inf"), rewards=1.0), id="infinity"),
    ],
)
def test_an_arm_without_usable_data_contributes_nothing(
    make_experiment: Callable[..., Experiment], outcome: Any
) -> None:
    experiment = make_experiment(2)
    window = Window(start=0.0, end=30.0, arms={"a": Observed(trials=40.0, rewards=4.0), "b": outcome})
    memory = mem.update(experiment, mem.initial(experiment), window)
    assert memory.trials.tolist() == [40.0, 0.0]
    assert evaluate(experiment, memory, {"a", "b"}).evidence["b"] == 1.0


def test_arms_that_stay_keep_their_numbers_when_others_come_and_go(
    make_experiment: Callable[..., Experiment], random_window: Callable[..., Window], rng: np.random.Generator
) -> None:
    before = make_experiment(3, "ContrastThompson")
    memory = learned(before, [random_window(rng, RewardType.BERNOULLI, 3, tick) for tick in range(25)])
    after = replace(before, arms=(Arm("new"), Arm("c"), Arm("a")))
    adapted, notes = mem.adapt(memory, after)
    assert notes == ("arms added without evidence: new", "arms removed with their evidence: b")
    assert adapted.trials.tolist() == [0.0, memory.trials[2], memory.trials[0]]
    assert (
        adapted.evidence.likelihood["growth"][:, 2, 1] == memory.evidence.likelihood["growth"][:, 0, 2]
    ).all()
    assert (adapted.state["difference"][:, 1, 2] == memory.state["difference"][:, 2, 0]).all()
    fresh = mem.initial(after)
    assert (adapted.evidence.likelihood["growth"][:, 0] == fresh.evidence.likelihood["growth"][:, 0]).all()


def test_removing_and_adding_an_arm_equals_resetting_it(
    make_experiment: Callable[..., Experiment], random_window: Callable[..., Window], rng: np.random.Generator
) -> None:
    full = make_experiment(4, "ContrastThompson")
    memory = learned(full, [random_window(rng, RewardType.BERNOULLI, 4, tick) for tick in range(25)])
    without, _ = mem.adapt(memory, replace(full, arms=tuple(arm for arm in full.arms if arm.name != "c")))
    back, _ = mem.adapt(without, full)
    assert back == mem.reset_arm(memory, "c")


def test_resetting_the_baseline_resets_every_contrast_with_it(
    make_experiment: Callable[..., Experiment], random_window: Callable[..., Window], rng: np.random.Generator
) -> None:
    experiment = make_experiment(3)
    memory = learned(experiment, [random_window(rng, RewardType.BERNOULLI, 3, tick) for tick in range(60)])
    reset = mem.reset_arm(memory, "a")
    assert reset.trials.tolist() == [0.0, *memory.trials[1:]]
    assert (reset.evidence.bets["blocks"][0] == 0).all()
    assert set(evaluate(experiment, reset, {"a", "b", "c"}).evidence.values()) == {None, 1.0}
    assert (
        reset.evidence.likelihood["growth"][:, 1, 2] == memory.evidence.likelihood["growth"][:, 1, 2]
    ).all()


def test_another_strategy_resets_only_the_strategys_state(
    make_experiment: Callable[..., Experiment], random_window: Callable[..., Window], rng: np.random.Generator
) -> None:
    before = make_experiment(3, "Thompson")
    memory = learned(before, [random_window(rng, RewardType.BERNOULLI, 3, tick) for tick in range(10)])
    adapted, notes = mem.adapt(memory, make_experiment(3, "ContrastThompson"))
    assert notes == ("strategy changed from Thompson to ContrastThompson: its state reset",)
    assert (adapted.totals == memory.totals).all()
    assert (adapted.state["weight"] == 0).all()


def test_changed_settings_of_the_same_strategy_reset_nothing(
    make_experiment: Callable[..., Experiment], random_window: Callable[..., Window], rng: np.random.Generator
) -> None:
    before = make_experiment(3, "Thompson")
    memory = learned(before, [random_window(rng, RewardType.BERNOULLI, 3, 0)])
    adapted, notes = mem.adapt(memory, replace(before, strategy=Thompson(half_life=60.0)))
    assert (adapted, notes) == (memory, ())


def test_absorbing_into_a_memory_of_other_arms_says_what_to_do(
    make_experiment: Callable[..., Experiment], make_window: Callable[..., Window]
) -> None:
    with pytest.raises(ValueError, match="call adapt"):
        mem.update(make_experiment(3), mem.initial(make_experiment(2)), make_window([1, 1, 1], [0, 0, 0]))


def test_many_seeds_together_are_what_each_seed_is_alone(
    make_experiment: Callable[..., Experiment], rng: np.random.Generator
) -> None:
    experiment = make_experiment(4)
    together = mem.initial(experiment, (5,))
    alone = mem.initial(experiment)
    for _ in range(20):
        trials = rng.integers(0, 40, (5, 4)).astype(float)
        tick = np.stack([trials, np.floor(trials * rng.random((5, 4)))], axis=-2)
        together = mem.update_moments(experiment, together, tick, 30.0)
        alone = mem.update_moments(experiment, alone, tick[3], 30.0)
    for name, array in alone.evidence.joined().items():
        np.testing.assert_array_equal(together.evidence.joined()[name][3], array, err_msg=name)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_extreme_counts_never_give_a_number_that_is_not_finite(
    make_experiment: Callable[..., Experiment], strategy: str, kind: RewardType
) -> None:
    experiment = make_experiment(3, strategy, reward_type=kind)
    extremes = [(0, 0), (1, 0), (1, 1), (1e9, 0), (1e9, 1e9), (1e9, 1), (1e-9, 0)]
    memory = mem.initial(experiment)
    for number, (first, second) in enumerate((x, y) for x in extremes for y in extremes):
        outcomes = {
            name: Observed(
                trials=n, rewards=y, squares=y, denominators=n, denominator_squares=n, cross_products=y
            )
            for name, (n, y) in {"a": first, "b": second, "c": first}.items()
        }
        memory = mem.update(experiment, memory, Window(30.0 * number, 30.0 * (number + 1), outcomes))
        found = evaluate(experiment, memory, {"a", "b", "c"})
        assert sum(found.shares.values()) == pytest.approx(1.0)
        values = [*found.shares.values(), *found.probability_best.values(), *found.mean.values()]
        values += [
            *found.evidence.values(),
            *(end for ends in found.interval.values() if ends for end in ends),
        ]
        assert all(np.isfinite(value) for value in values if value is not None)
