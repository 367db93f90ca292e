"""Guards are asked with the rewards, about the window, and bound like every query of the user."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.api.v1alpha1 import BanditDeployment, InvalidResource, parse
from bandit_operator.sources.guards import guard_counters, guard_queries, guard_values
from tests.support.manifests import good

SHARE = "sum by (arm) (increase(errors_total[$window])) / sum by (arm) (increase(requests_total[$window]))"


def resource(*guards: dict[str, Any]) -> BanditDeployment:
    body = good()
    body["spec"]["guards"] = list(guards)
    return parse(body)


def test_a_guard_is_about_the_window_and_says_which_field_it_is_from() -> None:
    one = resource({"name": "errors", "query": SHARE, "above": "0.05"})
    (query,) = guard_queries(one, 1000.0, 1030.0)
    assert query.promql == SHARE.replace("$window", "30s")
    assert query.field == "guards[0].query"


def test_a_value_of_no_arm_and_one_that_is_no_number_are_left_out() -> None:
    one = resource({"name": "errors", "query": SHARE, "above": "0.05"})
    arm = one.spec.arms[0].name
    values = {"guard errors": {arm: 0.2, "nobody": 1.0, one.spec.arms[1].name: float("inf")}}
    assert guard_values(one, values) == {"errors": {arm: 0.2}}
    assert guard_values(one, {}) == {"errors": {}}


@pytest.mark.parametrize(("bound", "worst"), [("above", 0.3), ("below", 0.1)])
def test_an_arm_is_as_unwell_as_the_worst_of_its_pods(bound: str, worst: float) -> None:
    (query,) = guard_queries(resource({"name": "errors", "query": "x", bound: "0.2"}), 1000.0, 1030.0)
    assert query.several is not None
    assert query.several([0.1, 0.3]) == worst


def test_a_preset_measures_the_share_of_requests_that_succeeded() -> None:
    one = resource({"name": "errors", "preset": "GatewaySuccess", "below": "95%"})
    rewards, trials = guard_counters(one)
    assert 'traefik_service_requests_total{service=~"' in trials.selector
    assert 'code!~"5.."' in rewards.selector
    assert rewards.shared
    assert guard_queries(one, 1000.0, 1030.0) == ()
    first, second = (arm.name for arm in one.spec.arms)
    values = {rewards.part: {first: 97.0}, trials.part: {first: 100.0, second: 0.0}}
    assert guard_values(one, values) == {"errors": {first: 0.97}}  # nothing is known of no requests


def test_a_preset_about_latency_has_a_target_of_its_own() -> None:
    guard = {"name": "slow", "preset": "GatewayLatency", "latencyTarget": "300ms", "below": "99%"}
    parts = {counter.part: counter.selector for counter in guard_counters(resource(guard))}
    assert parts.keys() == {"guard slow trials", "guard slow bucket", "guard slow rewards"}
    assert 'le=~"0[.]3"' in parts["guard slow bucket"]
    first = resource(guard).spec.arms[0].name
    values = {"guard slow trials": {first: 50.0}, "guard slow bucket": {first: 45.0}}
    values["guard slow rewards"] = {first: 40.0}
    assert guard_values(resource(guard), values) == {"slow": {first: 0.8}}
    assert guard_values(resource(guard), {"guard slow trials": {first: 50.0}}) == {"slow": {}}


@pytest.mark.parametrize("bounds", [{}, {"above": "1", "below": "0"}])
def test_a_guard_has_exactly_one_bound(bounds: dict[str, str]) -> None:
    with pytest.raises(InvalidResource, match="exactly one of above and below"):
        resource({"name": "errors", "query": SHARE, **bounds})
