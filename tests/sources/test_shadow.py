"""What the shadow's counters come to: by arm, and by pair in the order of the spec."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from bandit_operator.api.shadow import SHADOW_COUNTERS
from bandit_operator.api.v1alpha1 import BanditDeployment, parse
from bandit_operator.core import reasons
from bandit_operator.core.model import ArmReading, Implausible, NoData, Observed, Paired
from bandit_operator.sources.binding import checked
from bandit_operator.sources.shadow import (
    arm_readings,
    pair_readings,
    shadow_counters,
    shadowed,
)
from bandit_serving.collector.metrics import CounterMetrics

EXAMPLES = Path(__file__).parents[2] / "crds" / "examples"
PAIR = "logistic/boosting"
SELECTORS = {
    "successes": "s_total",
    "trials": "t_total",
    "pairTrials": "n_total",
    "pairGains": "g_total",
    "pairLosses": "l_total",
    "pairSquares": "q_total",
}


def resource(reward: dict[str, Any] | None = None, **shadow: Any) -> BanditDeployment:
    """The example, whose arms are logistic and boosting, in this order."""
    manifest = yaml.safe_load((EXAMPLES / "shadow.yaml").read_text())
    manifest["spec"]["shadow"] |= shadow
    manifest["spec"]["reward"] |= reward or {}
    return parse(manifest)


def gaussian(**shadow: Any) -> BanditDeployment:
    served = {"successes": "a_total", "trials": "b_total", "squares": "c_total"}
    return resource({"type": "Gaussian", "prometheus": served}, **shadow)


def of_arm(one: BanditDeployment, **sums: float) -> Any:
    """What one arm's sums come to, in a window of 30 s."""
    values = {f"shadow {part}": {"boosting": value} for part, value in sums.items()}
    return arm_readings(one, values, 30.0)["boosting"]


def of_pair(one: BanditDeployment, **sums: float) -> Any:
    """What a pair's sums come to."""
    parts = dict.fromkeys(("trials", "gains", "losses", "squares")) | sums
    values = {f"pair {part}": {} if value is None else {PAIR: float(value)} for part, value in parts.items()}
    return pair_readings(one, values)[PAIR]


def test_without_a_shadow_there_are_no_counters() -> None:
    manifest = yaml.safe_load((EXAMPLES / "thompson.yaml").read_text())
    assert shadow_counters(parse(manifest)) == ((), ())


def test_the_collectors_metrics_of_a_route_are_read() -> None:
    arms, pairs = shadow_counters(resource())
    assert [one.selector for one in arms] == [
        'model_reward_shadow_successes_total{route="income"}',
        'model_reward_shadow_trials_total{route="income"}',
    ]
    assert [one.selector for one in pairs] == [
        f'model_reward_shadow_pair_{part}_total{{route="income"}}'
        for part in ("trials", "gains", "losses", "squares")
    ]
    assert {one.field for one in (*arms, *pairs)} == {"shadow.prometheus.collector"}


def test_the_collector_exposes_them_all_by_these_names() -> None:
    exposed = {family.name for family in CounterMetrics(lambda: {}, lambda: 0).collect()}
    assert {one.metric.removesuffix("_total") for one in SHADOW_COUNTERS} <= exposed


def test_rewards_without_bounds_have_losses_and_squares_as_well() -> None:
    arms, _ = shadow_counters(gaussian())
    assert [one.part for one in arms] == [
        "shadow rewards",
        "shadow trials",
        "shadow losses",
        "shadow squares",
    ]


def test_selectors_of_the_users_own_are_read_where_they_are_given() -> None:
    arms, pairs = shadow_counters(resource(prometheus={**SELECTORS, "pairLabel": "arms"}))
    assert [one.selector for one in (*arms, *pairs)] == list(SELECTORS.values())
    assert [one.field for one in pairs] == [f"shadow.prometheus.{name}" for name in list(SELECTORS)[2:]]
    assert {one.label.name for one in pairs} == {"arms"}
    assert {one.label.name for one in arms} == {"arm"}


def test_a_selector_that_is_none_is_refused_with_its_field() -> None:
    arms, _ = shadow_counters(resource(prometheus={**SELECTORS, "trials": 'a{} or b{c="d"}'}))
    with pytest.raises(ValueError, match=r"spec\.shadow\.prometheus\.trials: it is no plain selector"):
        [checked(one, None) for one in arms]


def test_all_of_them_are_bound_to_the_resources_namespace_where_that_is_asked() -> None:
    for family in shadow_counters(resource()):
        assert all('namespace="models"' in checked(one, "models").selector for one in family)


def test_a_pair_is_found_by_its_arms_in_the_order_of_the_alphabet_and_named_in_that_of_the_spec() -> None:
    _, pairs = shadow_counters(resource())
    label = pairs[0].label
    assert label.arm_of("boosting/logistic") == PAIR
    assert label.arm_of("logistic/boosting") is None
    assert label.arm_of("boosting/forest") is None


def test_a_difference_is_the_first_arms_of_the_spec_less_the_seconds() -> None:
    # The counters have boosting less logistic, which is 3 - 5; the spec has logistic first.
    assert of_pair(resource(), trials=40, gains=3, losses=5, squares=8) == Paired(40, 2, 8)


def test_the_sign_stays_where_the_spec_has_the_order_of_the_alphabet() -> None:
    manifest = yaml.safe_load((EXAMPLES / "shadow.yaml").read_text())
    manifest["spec"]["arms"].reverse()
    values = {"trials": 40.0, "gains": 3.0, "losses": 5.0, "squares": 8.0}
    found = pair_readings(
        parse(manifest), {f"pair {part}": {"boosting/logistic": value} for part, value in values.items()}
    )
    assert found == {"boosting/logistic": Paired(40, -2, 8)}


def test_pairs_are_found_and_signed_by_the_label_values_of_their_arms() -> None:
    manifest = yaml.safe_load((EXAMPLES / "shadow.yaml").read_text())
    manifest["spec"]["arms"][0]["labelValue"] = "A.1"  # logistic, which is now the first by the alphabet
    one = parse(manifest)
    arms, pairs = shadow_counters(one)
    assert {counter.label.arm_of("A.1") for counter in arms} == {"logistic"}
    assert {counter.label.arm_of("A.1/boosting") for counter in pairs} == {PAIR}
    assert of_pair(one, trials=40, gains=3, losses=5, squares=8) == Paired(40, -2, 8)


def test_a_label_that_two_pairs_of_arms_have_tells_nothing_of_either() -> None:
    manifest = yaml.safe_load((EXAMPLES / "shadow.yaml").read_text())
    first = manifest["spec"]["arms"][0]
    manifest["spec"]["arms"] += [
        {**first, "name": name, "backendRef": {"name": name}, "scaleTargetRef": {"name": name}}
        for name in ("three", "four")
    ]
    for arm, value in zip(manifest["spec"]["arms"], ("a/b", "c", "a", "b/c"), strict=True):
        arm["labelValue"] = value
        arm.pop("onboarding", None)
    counters = ("successes", "trials", "pairTrials", "pairGains", "pairLosses", "pairSquares")
    manifest["spec"]["shadow"]["prometheus"] = {name: f"shadow_{name}_total" for name in counters}
    names = [arm["name"] for arm in manifest["spec"]["arms"]]
    values = {"trials": 40.0, "gains": 3.0, "losses": 5.0, "squares": 8.0}
    pairs = [f"{one}/{other}" for one, other in itertools.combinations(names, 2)]
    found = pair_readings(
        parse(manifest), {f"pair {part}": dict.fromkeys(pairs, value) for part, value in values.items()}
    )
    told = {pair: one.reason for pair, one in found.items() if isinstance(one, NoData)}
    says = '"a/b/c" names another pair of arms too; take labelValues without slashes'
    assert told == {f"{names[0]}/{names[1]}": says, "three/four": says}


def test_an_arms_sums_are_what_was_observed_of_it() -> None:
    assert of_arm(resource(), trials=40, rewards=22) == Observed(40, 22)
    assert of_arm(gaussian(), trials=40, rewards=22, losses=30, squares=90) == Observed(40, -8, 90)


@pytest.mark.parametrize(
    ("sums", "says"),
    [
        ({}, "no series of trials"),
        ({"rewards": 3.0}, "no series of trials"),
    ],
)
def test_an_arm_without_series_has_no_data(sums: dict[str, float], says: str) -> None:
    values: dict[str, dict[str, float]] = {"shadow trials": {}, "shadow rewards": {}}
    values |= {f"shadow {part}": {"boosting": value} for part, value in sums.items()}
    assert arm_readings(resource(), values, 30.0)["boosting"] == NoData(says)


def test_trials_without_rewards_are_no_data_and_not_zero() -> None:
    values: dict[str, dict[str, float]] = {"shadow trials": {"boosting": 5.0}, "shadow rewards": {}}
    found = arm_readings(resource(), values, 30.0)["boosting"]
    assert found == NoData("no series of successes; expose it from the start, at 0")


def test_nothing_scored_in_a_window_is_zero_trials() -> None:
    assert of_arm(resource(), trials=0, rewards=0) == Observed(0, 0)
    assert of_pair(resource(), trials=0, gains=0, losses=0, squares=0) == Paired(0, 0, 0)


@pytest.mark.parametrize("lacking", ["gains", "losses", "squares"])
def test_a_pair_of_which_a_counter_is_missing_has_no_data(lacking: str) -> None:
    sums = {"trials": 40.0, "gains": 3.0, "losses": 5.0, "squares": 8.0}
    del sums[lacking]
    field = f"pair{lacking.capitalize()}"
    assert of_pair(resource(), **sums) == NoData(f"no series of {field}; expose it from the start, at 0")


def test_a_pair_without_series_has_no_data() -> None:
    assert of_pair(resource()) == NoData("no series of pairTrials")


@pytest.mark.parametrize(
    ("sums", "reason", "says"),
    [
        ({"trials": 10, "rewards": 12}, reasons.REWARDS_ABOVE_TRIALS, "12 rewards of 10 trials"),
        ({"trials": math.inf, "rewards": 1}, reasons.IMPOSSIBLE_NUMBER, "trials grew by inf"),
        ({"trials": -3, "rewards": 0}, reasons.IMPOSSIBLE_NUMBER, "trials grew by -3"),
        ({"trials": 3, "rewards": -2}, reasons.IMPOSSIBLE_NUMBER, "successes grew by -2"),
        ({"trials": 700, "rewards": 1}, reasons.TOO_MANY_TRIALS, "700 trials in a window are more than"),
    ],
)
def test_an_arms_numbers_that_cannot_be_are_named(sums: dict[str, float], reason: str, says: str) -> None:
    found = of_arm(resource({"maxTrialsPerSecond": "20"}), **sums)
    assert isinstance(found, Implausible)
    assert found.reason == reason
    assert says in found.message


def test_squares_that_are_too_small_for_the_rewards_are_named() -> None:
    found = of_arm(gaussian(), trials=4, rewards=20, losses=0, squares=60)  # at least 20² / 4
    assert isinstance(found, Implausible)
    assert "squares grew by 60, too little for rewards of 20 in 4 trials" in found.message


@pytest.mark.parametrize(
    ("sums", "says"),
    [
        ((10, 8, 3, 9), "pairGains and pairLosses grew by 11 in 10 pairTrials"),
        ((10, 3, 3, 11), "pairSquares grew by 11 in 10 pairTrials"),
        ((10, 5, 0, 2), "pairSquares grew by 2, too little for differences of 5 and 0 in 10 pairTrials"),
        ((10, math.inf, 0, 2), "pairGains grew by inf"),
        ((10, 1, -1, 2), "pairLosses grew by -1"),
        ((0, 1, 0, 1), "pairGains and pairLosses grew by 1 in 0 pairTrials"),
        ((10, 1e200, 0, 2), "pairGains grew by 1e+200"),
    ],
)
def test_a_pairs_numbers_that_cannot_be_are_named(sums: tuple[float, ...], says: str) -> None:
    found = of_pair(resource(), **dict(zip(("trials", "gains", "losses", "squares"), sums, strict=True)))
    assert isinstance(found, Implausible)
    assert says in found.message


def test_differences_without_bounds_may_be_larger_than_the_trials() -> None:
    assert of_pair(gaussian(), trials=2, gains=30, losses=0, squares=500) == Paired(2, -30, 500)


def test_rounded_sums_are_believed() -> None:
    third = 1 / 3  # ten differences of a third, whose squares were rounded down
    found = of_pair(resource(), trials=10, gains=10 * third, losses=0, squares=1.1111111)
    assert isinstance(found, Paired)


def test_both_together_name_pairs_by_their_arms() -> None:
    arms: dict[str, ArmReading] = {"logistic": Observed(1, 1), "boosting": NoData("no series of trials")}
    found = shadowed(resource(), arms, {PAIR: Paired(1, 0, 0)})
    assert found.arms == arms
    assert found.pairs == {("logistic", "boosting"): Paired(1, 0, 0)}
