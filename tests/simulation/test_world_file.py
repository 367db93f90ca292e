from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from bandit_operator.adapters.documents import Unreadable
from bandit_operator.cli.supposing import read_world
from bandit_operator.core.model import Arm, Delay, PromotionAction, RewardType, Shadow, ValidationScale
from bandit_operator.core.strategies import STRATEGIES, standard_error
from bandit_operator.simulation.schedule import WorldError
from bandit_operator.simulation.spread import Spread

GOOD: dict[str, Any] = {
    "ticks": 10,
    "requests": 100,
    "arms": [{"name": "old", "rate": 0.1}, {"name": "new", "rate": 0.2}],
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def _write(**changes: Any) -> Path:
        path = tmp_path / "w.yaml"
        path.write_text(yaml.safe_dump({**GOOD, **changes}), encoding="utf-8")
        return path

    return _write


MONEY: dict[str, Any] = {"rewardType": "Gaussian", "standardDeviation": 40}
RATIO: dict[str, Any] = {**MONEY, "rewardType": "Ratio", "denominator": {"mean": 3, "standardDeviation": 1}}


def rate(value: Any) -> dict[str, Any]:
    return {"arms": [GOOD["arms"][0], {"name": "new", "rate": value}]}


def scored(**score: Any) -> dict[str, Any]:
    return {"arms": [GOOD["arms"][0], {"name": "new", "rate": 0.2} | score]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(0.2, [0.2] * 10, id="a constant"),
        pytest.param(
            {"steps": [{"at": 0, "value": 0.1}, {"at": 7, "value": 0.4}]}, [0.1] * 7 + [0.4] * 3, id="steps"
        ),
        pytest.param(
            {"ramp": {"from": 0.1, "to": 0.5, "start": 2, "end": 6}},
            [0.1, 0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5, 0.5],
            id="a ramp",
        ),
        pytest.param(
            {"cycle": {"mean": 0.5, "amplitude": 0.5, "period": 4}},
            [0.5, 1, 0.5, 0, 0.5, 1, 0.5, 0, 0.5, 1],
            id="a cycle",
        ),
        pytest.param({"sum": [0.1, {"steps": [{"at": 0, "value": 0.2}]}]}, [0.3] * 10, id="a sum"),
    ],
)
def test_rates_follow_their_schedule(write: Callable[..., Path], value: Any, expected: Any) -> None:
    assert read_world(write(**rate(value))).rates[:, 1] == pytest.approx(expected)


@pytest.mark.parametrize("before", ["", "\ufeff"], ids=["plain", "of a spreadsheet"])
def test_rates_come_from_a_column_of_a_file_beside_the_world(
    write: Callable[..., Path], tmp_path: Path, before: str
) -> None:
    table = "new,tick\n" + "\n".join(f"{t / 100},{t}" for t in range(12))
    (tmp_path / "rates.csv").write_text(before + table, encoding="utf-8")
    world = read_world(write(**rate({"csv": "rates.csv", "column": "new"})))
    assert world.rates[:, 1] == pytest.approx(np.arange(10) / 100)


def test_validation_is_read_as_the_resource_has_it(write: Callable[..., Path]) -> None:
    world = read_world(write(validationScale="Ranking", **scored(validationScore=0.7, validationSamples=210)))
    experiment = world.experiment(STRATEGIES["Thompson"]())
    assert experiment.validation_scale is ValidationScale.RANKING
    assert experiment.arms == (Arm("old"), Arm("new", 0.7, standard_error(0.7, 210)))
    assert standard_error(0.7, 210) == pytest.approx(0.0316, abs=1e-4)
    told = read_world(write(**scored(validationScore=70, validationStandardError=2.5)))
    assert told.experiment(STRATEGIES["Thompson"]()).arms[1] == Arm("new", 70.0, 2.5)


def test_an_arm_may_begin_in_the_shadow(write: Callable[..., Path]) -> None:
    shadow = {"share": "10%", "margin": "0.02"}
    world = read_world(write(shadow=shadow, **scored(onboarding="Shadow")))
    experiment = world.experiment(STRATEGIES["Naive"]())
    assert [arm.onboards_in_shadow for arm in experiment.arms] == [False, True]
    assert experiment.shadow == Shadow(0.1, 0.02)


def test_what_is_shared_is_added_to_every_arm(write: Callable[..., Path]) -> None:
    world = read_world(write(shared={"ramp": {"from": 0.0, "to": 0.1}}))
    assert world.rates[:, 1] - world.rates[:, 0] == pytest.approx(np.full(10, 0.1))
    assert world.rates[5, 0] == pytest.approx(0.15)


def test_rewards_may_be_money_which_varies_more_for_one_arm(write: Callable[..., Path]) -> None:
    arms = [{"name": "old", "rate": -31}, {"name": "new", "rate": 33, "standardDeviation": 60}]
    world = read_world(write(**MONEY | {"arms": arms, "shared": 1e3}))
    assert world.spread == Spread((40.0, 60.0))
    assert world.rates[0] == pytest.approx([969.0, 1033.0])
    assert world.experiment(STRATEGIES["Naive"]()).reward_type is RewardType.GAUSSIAN


def test_rewards_may_be_ratios(write: Callable[..., Path]) -> None:
    world = read_world(write(**RATIO))
    assert world.spread == Spread((40.0, 40.0), 3.0, 1.0)
    assert world.experiment(STRATEGIES["Naive"]()).reward_type is RewardType.RATIO


def test_settings_have_the_names_and_defaults_of_the_resource(write: Callable[..., Path]) -> None:
    path = write(
        guardrails={"minTrials": 50, "maxStep": 1.0},
        promotion={"action": "Promote", "indifference": 0.01},
        rollback={"errorRate": 0.01},
        delay={"median": 60, "p95": 300},
    )
    experiment = read_world(path).experiment(strategy=STRATEGIES["Naive"]())
    assert (experiment.guardrails.min_trials, experiment.guardrails.max_step) == (50, 1.0)
    assert experiment.guardrails.min_share is None
    assert experiment.promotion.action is PromotionAction.PROMOTE
    assert (experiment.rollback.error_rate, experiment.rollback.retry_after) == (0.01, 86_400.0)
    assert experiment.delay == Delay(60.0, 300.0)


def test_numbers_and_times_may_be_written_as_the_resource_has_them(write: Callable[..., Path]) -> None:
    path = write(
        interval="1m30s",
        delay={"median": "2h", "p95": 9000},
        guardrails={"minShare": "0.02", "maxStep": "20%"},
        rollback={"retryAfter": "0s"},
        arms=[
            GOOD["arms"][0],
            {"name": "new", "rate": "12%", "validationScore": "0.7", "validationSamples": 21},
        ],
    )
    world = read_world(path)
    assert (world.interval, world.delay) == (90.0, Delay(7200.0, 9000.0))
    assert (world.guardrails.min_share, world.guardrails.max_step) == (0.02, 0.2)
    assert world.rollback.retry_after is None
    assert world.rates[0, 1] == pytest.approx(0.12)
    assert world.validation_scores == (None, 0.7)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"interval": "soon"}, "interval is 'soon'; write a number of at least 0.1, in seconds, or such as"),
        ({"interval": "nan"}, "interval is 'nan'"),
        ({"delay": {"median": "2h", "p95": "1h"}}, "delay.p95 is '1h'; write a number of at least 7200"),
        (rate("nan"), "arms.1.rate is 'nan'; write a number"),
        ({"ticks": 0}, "ticks is 0; write a whole number between 1 and"),
        ({"ticks": True}, "ticks is True"),
        ({"tcks": 5}, "tcks is 5; write ticks, or remove it; known here are name, ticks"),
        ({"colour": 5}, "colour is 5; remove it; known here are name, ticks"),
        ({"baseline": "x"}, "baseline is 'x'; name one of the arms old, new"),
        ({"requests": -1}, "requests is -1.0; it must stay between 0 and"),
        ({"arms": []}, "arms is []; write a list of 2 to 20 arms"),
        ({"arms": [GOOD["arms"][0]] * 2}, "arms.1.name is 'old'; give every arm a name of its own"),
        (rate(1.5), "arms.1.rate is 1.5; it must stay between 0 and 1, and does not at tick 0"),
        (rate("high"), "arms.1.rate is 'high'; write a number"),
        (rate({"step": []}), "exactly one of steps, ramp, cycle, csv, sum"),
        (rate({"steps": [{"at": 3, "value": 0.1}]}), "arms.1.rate.steps.0.at is 3; let the first step begin"),
        (rate({"ramp": {"from": 0.1, "to": 0.2, "start": 9, "end": 3}}), "rate.ramp.end is 3.0; let it end"),
        (rate({"ramp": {"from": 0.1}}), "rate.ramp.to is missing; add it"),
        (rate({"csv": "none.csv", "column": "a"}), "rate.csv is 'none.csv'; it cannot be read"),
        ({"shared": 0.9}, "shared is 0.9; with it the rate of new leaves [0, 1] at tick 0"),
        ({"delay": {"median": 10, "p95": 5}}, "delay.p95 is 5; write a number of at least 10"),
        ({"guardrails": {"minShares": 0.1}}, "guardrails.minShares is 0.1; write minShare, or remove it"),
        ({"promotion": {"action": "Win"}}, "promotion.action is 'Win'; write one of Hold, Promote"),
        ({"designEffect": 0.5}, "designEffect is 0.5"),
        (scored(validationScore="good"), "arms.1.validationScore is 'good'; write a number"),
        (scored(validationSamples=9), "arms.1.validationSamples is 9; give the arm a validationScore too"),
        (scored(validationStandardError=0.1), "arms.1.validationStandardError is 0.1; give the arm a"),
        (scored(validationScore=0.7, validationSamples=0), "validationSamples is 0; write a whole number"),
        (scored(validationScore=7, validationSamples=9), "validationSamples is 9; write validationStandard"),
        (
            scored(validationScore=7, validationStandardError=0),
            "validationStandardError is 0; write a",
        ),
        (
            scored(validationScore=0.7, validationSamples=9, validationStandardError=0.1),
            "arms.1.validationSamples is 9; remove it, or validationStandardError",
        ),
        ({"validationScale": "AUC"}, "validationScale is 'AUC'; write one of Reward, Ranking"),
        ({"rewardType": "Money"}, "rewardType is 'Money'; write one of Bernoulli, Bounded, Gaussian, Ratio"),
        ({"rewardType": "Gaussian"}, "arms.0.standardDeviation is missing; write a number"),
        ({"standardDeviation": 2}, "standardDeviation is 2; remove it, or add rewardType: Gaussian or Ratio"),
        (scored(servesFrom=5000), "arms.1.servesFrom is 5000; write a whole number between 0 and "),
        (scored(standardDeviation=2), "arms.1.standardDeviation is 2; remove it, or add rewardType"),
        (MONEY | {"denominator": {"mean": 3}}, "denominator is {'mean': 3}; remove it, or add rewardType"),
        (MONEY | {"standardDeviation": 0}, "arms.0.standardDeviation is 0; write a number between"),
        (
            MONEY | {"rewardType": "Ratio"},
            "denominator is missing; write a mapping with mean, standardDeviation",
        ),
        (RATIO | {"denominator": {"mean": 3, "standardDeviation": 2}}, "standardDeviation is 2; write a"),
        (scored(onboarding="Later"), "arms.1.onboarding is 'Later'; write one of Serve, Shadow"),
        (scored(onboarding="Shadow"), "arms.1.onboarding is 'Shadow'; add shadow: {share: 10%}"),
        (
            {"shadow": {"share": "10%"}, "baseline": "new"} | scored(onboarding="Shadow"),
            "arms.1.onboarding is 'Shadow'; write Serve: the baseline",
        ),
        ({"shadow": {"share": 0.1, "margin": -1}}, "shadow.margin is -1; write a number of at least 0"),
        (RATIO | {"shadow": {"share": 0.1}}, "shadow is {'share': 0.1}; remove it: two answers to one"),
        (RATIO | rate(-1), "arms.1.rate is -1.0; it must stay between 0 and"),
    ],
)
def test_a_bad_world_is_told_by_file_field_value_and_fix(
    write: Callable[..., Path], changes: Any, said: str
) -> None:
    path = write(**changes)
    with pytest.raises(WorldError) as error:
        read_world(path)
    assert said in str(error.value)
    assert str(error.value).startswith(str(path))


def test_a_file_that_is_missing_or_no_yaml_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="cannot be read"):
        read_world(tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [", encoding="utf-8")
    with pytest.raises(Unreadable, match="neither YAML nor JSON"):
        read_world(broken)


@pytest.mark.parametrize(
    ("asked", "played"),
    [
        (0.4, [0, 0, 1, 0, 1, 0, 0, 1, 0, 1]),
        (0.1, [0] * 9 + [1]),
        (2.5, [2, 3] * 5),
        (100, [100] * 10),
        ({"steps": [{"at": 0, "value": 0.5}, {"at": 4, "value": 0}]}, [0, 1, 0, 1] + [0] * 6),
    ],
    ids=str,
)
def test_requests_that_are_no_whole_number_a_tick_are_spread_over_the_ticks(
    write: Callable[..., Path], asked: Any, played: list[int]
) -> None:
    assert read_world(write(requests=asked)).requests.tolist() == played


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (b"\x89PNG\xff", "rate.csv is 'rates.csv'; it must be a table in UTF-8"),
        (b"tick,new\n" + b"1\n" * 12, "rate.column is 'new'; the column must hold numbers"),
    ],
    ids=["no text", "rows that are too short"],
)
def test_a_column_that_cannot_be_read_is_told_by_field_and_fix(
    write: Callable[..., Path], tmp_path: Path, table: bytes, said: str
) -> None:
    (tmp_path / "rates.csv").write_bytes(table)
    with pytest.raises(WorldError) as error:
        read_world(write(**rate({"csv": "rates.csv", "column": "new"})))
    assert said in str(error.value)


def test_a_number_that_no_machine_can_hold_is_told_by_its_field(write: Callable[..., Path]) -> None:
    with pytest.raises(WorldError, match="requests is 1000"):
        read_world(write(requests=10**400))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the world is missing; write a mapping with name, ticks"),
        ("[]", "the world is []; write a mapping with name, ticks"),
        ("{}", "ticks is missing; add it"),
        (f"{{ticks: {'x' * 10_000}, requests: 1, arms: []}}", f"ticks is '{'x' * 79}…; write a whole"),
    ],
    ids=["empty", "a list", "nothing in it", "long"],
)
def test_a_file_that_is_no_world_is_told_in_one_short_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "world.yaml"
    path.write_text(text)
    with pytest.raises(WorldError) as raised:
        read_world(path)
    assert str(raised.value).startswith(f"{path}: {said}")
    assert len(str(raised.value)) < 500
