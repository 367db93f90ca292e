"""What is queried, and what the numbers come to."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from bandit_operator.api.v1alpha1 import BanditDeployment, parse
from bandit_operator.core.model import ArmReading, Implausible, NoData, Observed
from bandit_operator.sources import SOURCES, Sample, source_of
from bandit_operator.sources.late import Level
from bandit_operator.sources.promql import PART
from bandit_operator.sources.requests import request_counters
from bandit_operator.sources.shadow import shadow_counters
from bandit_operator.sources.window_query import WindowQuery
from tests.support.golden import agrees

ResourceOf = Callable[[str], BanditDeployment]

Outcomes = Callable[..., dict[str, ArmReading]]

MODES = {
    "counters": {"successes": "good_total", "trials": "all_total"},
    "query": {"query": "avg by (arm) (x[$window])", "samples": "sum by (arm) (increase(n[$window]))"},
    "GatewaySuccess": {"preset": "GatewaySuccess"},
}
BOTH = {"logistic": 100.0, "boosting": 90.0}


@pytest.fixture
def resource_of(manifest: dict[str, Any]) -> ResourceOf:
    """A resource that reads rewards in one of the modes."""

    def make(mode: str) -> Any:
        manifest["spec"]["reward"]["prometheus"] = MODES[mode]
        return parse(manifest)

    return make


@pytest.fixture
def outcomes(resource_of: ResourceOf) -> Outcomes:
    """What a source makes of numbers by part."""

    def read(mode: str, **values: dict[str, float]) -> Any:
        return source_of(resource_of(mode)).readings(resource_of(mode), values)

    return read


def window_query(resource: Any) -> WindowQuery:
    source = source_of(resource)
    shadow = (one for family in shadow_counters(resource) for one in family)
    counters = (*source.counters(resource), *request_counters(resource), *shadow)
    return WindowQuery(counters, source.queries(resource, 1000.0, 1030.0), 1000.0, 1030.0)


def test_the_registry_is_sorted() -> None:
    assert list(SOURCES) == sorted(SOURCES)


@pytest.mark.parametrize("mode", sorted(SOURCES))
def test_a_resource_finds_its_source(resource_of: ResourceOf, mode: Any) -> None:
    assert source_of(resource_of(mode)) is SOURCES[mode]


@pytest.mark.parametrize("mode", ["counters", "GatewaySuccess"])
def test_one_query_that_prometheus_can_read_covers_everything(resource_of: ResourceOf, mode: str) -> None:
    promql_parser.parse(window_query(resource_of(mode)).promql())


GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = Path(__file__).parents[2] / "crds" / "examples"


@pytest.mark.parametrize("name", ["gateway-success", "gaussian", "query", "ratio", "shadow", "thompson"])
def test_the_query_of_an_example_is_the_golden_one(name: str) -> None:
    resource = parse(yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text()))
    promql = window_query(resource).promql()
    promql_parser.parse(promql)
    made = promql.replace(" or label_replace", "\nor label_replace") + "\n"
    assert agrees(made, GOLDEN / f"{name}.promql"), "run with UPDATE_GOLDEN=1 and read the difference"


def test_the_window_stands_in_the_users_query(resource_of: ResourceOf) -> None:
    promql = window_query(resource_of("query")).promql()
    assert "avg by (arm) (x[30s])" in promql
    assert "increase(n[30s])" in promql


def test_an_answer_is_taken_apart_by_part_and_arm(resource_of: ResourceOf) -> None:
    samples = [
        Sample({PART: "trials", "arm": "logistic"}, 5.0),
        Sample({PART: "rewards", "arm": "logistic"}, 2.0),
        Sample({PART: "trials", "arm": "boosting"}, math.nan),
        Sample({PART: "trials", "arm": "stranger"}, 9.0),
        Sample({PART: "resets of trials", "arm": "boosting"}, 1.0),
        Sample({PART: "beginnings of rewards", "arm": "boosting"}, 2.0),
        Sample({PART: "beginnings of trials", "arm": "stranger"}, 2.0),
    ]
    query = window_query(resource_of("counters"))
    values = query.values(samples)
    assert values["trials"] == {"logistic": 5.0}
    assert values["rewards"] == {"logistic": 2.0}
    assert [counter.part for counter in query.were_reset(samples)] == ["trials"]
    assert [counter.part for counter in query.seemed_to_begin(samples)] == ["rewards"]


def test_one_more_query_reads_what_series_of_all_counters_did_before_they_seemed_to_begin(
    resource_of: ResourceOf,
) -> None:
    query = window_query(resource_of("counters"))
    promql = query.promql_before(query.counters)
    promql_parser.parse(promql)
    for counter in query.counters:
        assert promql.count(f'"first values of {counter.part}"') == 1
        assert promql.count(f'"earlier values of {counter.part}"') == 1


def test_levels_are_read_for_both_ends_of_the_window(resource_of: ResourceOf) -> None:
    samples = [
        Sample({PART: "level of trials at 1000.000", "arm": "logistic"}, 50.0),
        Sample({PART: "series of trials at 1000.000", "arm": "logistic"}, 2.0),
        Sample({PART: "level of trials at 1030.000", "arm": "logistic"}, 60.0),
    ]
    query = window_query(resource_of("counters"))
    assert query.levels(samples, 1000.0)["trials"] == {"logistic": Level(50.0, 2.0)}
    assert query.levels(samples, 1030.0)["trials"] == {"logistic": Level(60.0, 0.0)}


def test_counters_give_trials_and_rewards_by_arm(outcomes: Outcomes) -> None:
    assert outcomes("counters", trials=BOTH, rewards={"logistic": 60.0, "boosting": 70.0}) == {
        "logistic": Observed(100, 60),
        "boosting": Observed(90, 70),
    }


@pytest.mark.parametrize(
    ("trials", "rewards"),
    [
        ({"logistic": 1.0}, {"logistic": 1.0}),
        (BOTH, {"logistic": 1.0}),
    ],
    ids=["nothing", "no successes"],
)
def test_what_is_missing_is_no_data_and_never_zero(outcomes: Outcomes, trials: Any, rewards: Any) -> None:
    assert isinstance(outcomes("counters", trials=trials, rewards=rewards)["boosting"], NoData)


def test_no_trials_and_no_series_of_successes_are_no_trials(
    outcomes: Outcomes,
) -> None:
    found = outcomes("counters", trials={"logistic": 0.0, "boosting": 0.0}, rewards={})
    assert found["boosting"] == Observed(0, 0)


def test_only_for_the_gateway_absent_successes_are_zero(outcomes: Outcomes) -> None:
    found = outcomes("GatewaySuccess", trials=BOTH, rewards={"logistic": 99.0})
    assert found == {"logistic": Observed(100, 99), "boosting": Observed(90, 0)}


def test_a_mean_counts_as_often_as_its_samples(outcomes: Outcomes) -> None:
    found = outcomes(
        "query", mean={"logistic": 0.5, "boosting": 0.25}, samples={"logistic": 40, "boosting": 8}
    )
    assert found == {"logistic": Observed(40, 20), "boosting": Observed(8, 2)}


@pytest.mark.parametrize(
    ("mean", "samples", "outcome"),
    [
        ({"boosting": 0.5}, {}, NoData("no sample count")),
        ({}, {"boosting": 5.0}, NoData("no value")),
        ({}, {"boosting": 0.0}, Observed(0, 0)),
        (
            {"boosting": math.nan},
            {"boosting": 5.0},
            NoData("the mean is not a number; does the query divide by 0?"),
        ),
    ],
    ids=["no count", "no mean", "no samples", "no quotient"],
)
def test_a_mean_without_its_samples_is_no_evidence(
    outcomes: Outcomes, mean: Any, samples: Any, outcome: Any
) -> None:
    assert outcomes("query", mean=mean, samples=samples)["boosting"] == outcome


@pytest.mark.parametrize(
    ("mean", "samples", "says"),
    [
        (97.0, 100.0, "the mean is 97, beyond [0, 1]; divide by 100"),
        (-0.5, 100.0, "the mean is -0.5, beyond [0, 1]; query must yield"),
        (5000.0, 100.0, "the mean is 5000, beyond [0, 1]; query must yield"),
        (math.inf, 100.0, "the mean is inf"),
        (0.5, -3.0, "samples is -3; it must count rewards"),
        (0.5, math.inf, "samples is inf"),
    ],
)
def test_a_mean_that_cannot_be_is_named_and_not_believed(
    outcomes: Outcomes, mean: Any, samples: Any, says: str
) -> None:
    found = outcomes("query", mean={"boosting": mean}, samples={"boosting": samples})["boosting"]
    assert isinstance(found, Implausible)
    assert (found.reason, says in found.message) == ("ImpossibleNumber", True)


def test_a_mean_that_is_rounded_beyond_its_bound_is_the_bound(
    outcomes: Outcomes,
) -> None:
    found = outcomes("query", mean={"boosting": 1.0000000002}, samples={"boosting": 10.0})
    assert found["boosting"] == Observed(10, 10)


@pytest.mark.parametrize("mode", ["counters", "GatewaySuccess"])
def test_counters_without_bounds_are_not_believed(outcomes: Outcomes, mode: str) -> None:
    found = outcomes(mode, trials={"boosting": math.inf}, rewards={"boosting": 1.0})["boosting"]
    assert isinstance(found, Implausible)


def test_a_query_may_end_in_a_comment(manifest: dict[str, Any]) -> None:
    manifest["spec"]["reward"]["prometheus"] = {
        "query": "avg by (arm) (x[$window])  # the mean",
        "samples": "sum by (arm) (increase(n[$window])) # how many",
    }
    promql = window_query(parse(manifest)).promql()
    assert promql.count("\n), ") == 2


def test_requests_are_counted_by_service_where_traefik_counts_them(manifest: dict[str, Any]) -> None:
    manifest["spec"]["rollback"] = {"requests": "traefik_service_requests_total"}
    (counter,) = request_counters(parse(manifest))
    assert counter.label.name == "service"
    assert counter.label.arm_of("models-income-logistic-80@kubernetesgateway") == "logistic"


def test_requests_counted_by_others_are_told_apart_by_the_arm_label(manifest: dict[str, Any]) -> None:
    manifest["spec"]["rollback"] = {"requests": 'model_requests_total{route="income"}'}
    (counter,) = request_counters(parse(manifest))
    assert (counter.label.name, counter.label.arm_of("boosting")) == ("arm", "boosting")


def test_requests_are_unknown_where_no_counter_is_named(manifest: dict[str, Any]) -> None:
    manifest["spec"]["rollback"] = {}
    assert request_counters(parse(manifest)) == ()


def test_several_values_of_one_arm_are_a_fault_of_a_mean_and_a_sum_of_its_samples(
    resource_of: ResourceOf,
) -> None:
    query = window_query(resource_of("query"))

    def pods(part: str, *values: float) -> list[Sample]:
        return [
            Sample({PART: part, "arm": "logistic", "pod": str(at)}, value) for at, value in enumerate(values)
        ]

    assert query.values([*pods("mean", 0.45), *pods("samples", 250, 250)]) == {
        "requests": {},
        "mean": {"logistic": 0.45},
        "samples": {"logistic": 500},
    }
    with pytest.raises(
        ValueError, match=r"^spec\.reward\.prometheus\.query has 2 values for arm logistic; .* avg by"
    ):
        query.values(pods("mean", 0.45, 0.45))


def test_a_mean_that_is_no_number_is_told_as_such(resource_of: ResourceOf) -> None:
    resource = resource_of("query")
    samples = [
        Sample({PART: "mean", "arm": "logistic"}, math.nan),
        Sample({PART: "samples", "arm": "logistic"}, 9),
    ]
    outcomes = source_of(resource).readings(resource, window_query(resource).values(samples))
    assert outcomes["logistic"] == NoData("the mean is not a number; does the query divide by 0?")
