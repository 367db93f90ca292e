"""The questions, as Prometheus' own grammar reads them, and the answers."""

from __future__ import annotations

import math
from typing import Any

import promql_parser
import pytest

from bandit_operator.api.v1alpha1 import parse
from bandit_operator.core.model import NoData, Observed
from bandit_operator.sources import SOURCES, Sample, source_of
from bandit_operator.sources.promql import PART, increase
from bandit_operator.sources.requests import request_parts, requests

MODES = {
    "counters": {"successes": "good_total", "trials": "all_total"},
    "query": {"query": "avg by (arm) (x[$window])", "samples": "sum by (arm) (increase(n[$window]))"},
    "GatewaySuccess": {"preset": "GatewaySuccess"},
}


@pytest.fixture
def ask(manifest):
    """A resource that reads rewards in one of the modes."""

    def make(mode: str, **changes: Any) -> Any:
        manifest["spec"]["reward"]["prometheus"] = {**MODES[mode], **changes}
        return parse(manifest)

    return make


def answer(part: str, label: str = "arm", **values: float) -> list[Sample]:
    return [Sample({PART: part, label: arm}, value) for arm, value in values.items()]


def test_the_registry_is_sorted():
    assert list(SOURCES) == sorted(SOURCES)


@pytest.mark.parametrize("mode", sorted(MODES))
def test_a_resource_finds_its_source(ask, mode):
    assert source_of(ask(mode)) is SOURCES[mode]


@pytest.mark.parametrize("mode", ["counters", "GatewaySuccess"])
def test_one_valid_question_asks_for_all_arms(ask, mode):
    resource = ask(mode)
    promql_parser.parse(" or ".join(SOURCES[mode].parts(resource, 1000.0, 1030.0)))


def test_the_exact_increase_is_asked_for_at_the_windows_ends():
    query = increase("c_total", "arm", 1000.0, 1030.0)
    promql_parser.parse(query)
    assert query == (
        "sum by (arm) (((last_over_time(c_total[330s] @ 1030.000) - last_over_time(c_total[300s] @ 1000.000))"
        " >= 0 unless (resets(c_total[30s] @ 1030.000) > 0))"
        " or (last_over_time(c_total[330s] @ 1030.000) + max_over_time(c_total[30s] @ 1030.000)"
        " - last_over_time(c_total[300s] @ 1000.000)) or last_over_time(c_total[330s] @ 1030.000))"
    )


def test_counters_give_trials_and_rewards_by_arm(ask):
    samples = answer("trials", logistic=100, boosting=90) + answer("rewards", logistic=60, boosting=70)
    assert SOURCES["counters"].outcomes(ask("counters"), samples) == {
        "logistic": Observed(100, 60),
        "boosting": Observed(90, 70),
    }


@pytest.mark.parametrize(
    "samples",
    [
        [],
        answer("trials", logistic=1, boosting=math.nan) + answer("rewards", logistic=1, boosting=1),
        answer("trials", logistic=1, boosting=5) + answer("rewards", logistic=1),
        answer("trials", logistic=1, boosting=math.inf) + answer("rewards", logistic=1, boosting=1),
        answer("trials", logistic=1, stranger=5) + answer("rewards", logistic=1, stranger=5),
    ],
    ids=["nothing", "NaN", "no successes", "infinite", "a stranger's"],
)
def test_what_is_missing_is_no_data_and_never_zero(ask, samples):
    assert isinstance(SOURCES["counters"].outcomes(ask("counters"), samples)["boosting"], NoData)


def test_no_trials_and_no_series_of_successes_are_no_trials(ask):
    outcomes = SOURCES["counters"].outcomes(ask("counters"), answer("trials", logistic=0, boosting=0))
    assert outcomes["boosting"] == Observed(0, 0)


def test_a_mean_counts_as_often_as_its_samples(ask):
    samples = answer("mean", logistic=0.5, boosting=0.25) + answer("samples", logistic=40, boosting=8)
    assert SOURCES["query"].outcomes(ask("query"), samples) == {
        "logistic": Observed(40, 20),
        "boosting": Observed(8, 2),
    }


def test_a_mean_without_samples_is_no_evidence(ask):
    outcomes = SOURCES["query"].outcomes(ask("query"), answer("mean", logistic=0.5))
    assert outcomes["logistic"] == NoData("no sample count")


def test_the_window_stands_in_the_users_query(ask):
    mean, samples = SOURCES["query"].parts(ask("query"), 1000.0, 1030.0)
    assert "x[30s]" in mean
    assert "increase(n[30s])" in samples


def test_only_for_the_gateway_absent_successes_are_zero_and_the_query_says_so(ask):
    *_, none = SOURCES["GatewaySuccess"].parts(ask("GatewaySuccess"), 1000.0, 1030.0)
    assert "* 0" in none
    assert f'"{PART}", "rewards"' in none


def test_requests_are_counted_by_service_where_traefik_counts_them(manifest):
    manifest["spec"]["rollback"] = {"requests": "traefik_service_requests_total"}
    resource = parse(manifest)
    (query,) = request_parts(resource, 1000.0, 1030.0)
    assert "sum by (service)" in query
    counted = answer("requests", "service", **{"models-income-logistic-80@kubernetesgateway": 12.0})
    assert requests(resource, counted) == {"logistic": 12.0}


def test_requests_are_unknown_where_no_counter_is_named(manifest):
    manifest["spec"]["rollback"] = {}
    assert request_parts(parse(manifest), 1000.0, 1030.0) == []
