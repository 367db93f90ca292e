"""Bad input: a condition that says what to do, an event, and a route that is left alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cluster.client import ClusterError
from testbed.rollout import Rollout
from testbed.waiting import wait_until

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize(
    ("fault", "reason", "says"),
    [
        ("route", "RouteNotFound", "there is no HTTPRoute e2e/missing"),
        ("rule", "RuleNotFound", "named rules: predict"),
        ("backend", "BackendNotFound", "is not in rule 0"),
        ("service", "BackendNotFound", "which does not exist; create it"),
        ("scale-target", "ScaleTargetNotFound", "Deployment e2e/missing"),
    ],
)
def test_what_does_not_exist_is_named_and_the_route_left_alone(
    rollout: Callable[..., Rollout], fault: str, reason: str, says: str
) -> None:
    one = rollout()
    traffic = {"routeRef": {"name": one.name, "sectionName": "predict"}}
    arms = one.resource()["spec"]["arms"]
    others = [*one.services(), one.route_object()]
    match fault:
        case "route":
            traffic["routeRef"]["name"] = "missing"
        case "rule":
            traffic["routeRef"]["sectionName"] = "chat"
        case "backend":
            arms[1]["backendRef"]["name"] = "missing"
        case "service":
            others = [one.services()[0], one.route_object()]
        case "scale-target":
            arms[1]["scaleTargetRef"] = {"name": "missing"}
    one.cluster.apply(*others, one.resource(traffic=traffic, arms=arms))
    before = one.route()
    condition = one.wait_for("Accepted", "False", reason)
    assert says in condition["message"]
    assert one.status()["phase"] == "Rejected"
    assert one.condition("Ready")["status"] == "False"
    wait_until(lambda: reason in {event["reason"] for event in one.events()}, f"an event {reason}")
    assert one.route()["spec"] == before["spec"]


def test_a_fault_that_is_mended_is_noticed_at_once(rollout: Callable[..., Rollout]) -> None:
    one = rollout()
    one.cluster.apply(one.services()[0], one.route_object(), one.resource())
    one.wait_for("Accepted", "False", "BackendNotFound")
    one.cluster.apply(one.services()[1])
    one.wait_for("Accepted", "True", "Accepted", seconds=10)


def test_the_younger_of_two_resources_on_one_rule_waits_for_the_older_to_go(
    rollout: Callable[..., Rollout],
) -> None:
    older, younger = rollout(), rollout("b")
    older.create()
    older.wait_for("Accepted", "True", "Accepted")
    arms = older.resource()["spec"]["arms"]
    traffic = {"routeRef": {"name": older.name}}
    younger.cluster.apply(younger.resource(traffic=traffic, arms=arms))
    condition = younger.wait_for("Accepted", "False", "RuleConflict")
    assert older.name in condition["message"]
    older.delete()
    younger.wait_for("Accepted", "True", "Accepted")


@pytest.mark.parametrize(
    ("how", "reason", "says"),
    [
        ("nan", "NoData", "no series of trials"),
        ("nothing", "NoData", "no series of trials"),
        ("text", "BadAnswer", "not JSON"),
        ("refusal", "BadAnswer", "parse error: no"),
        ("hung", "Timeout", "gave no answer in 5 s"),
    ],
)
def test_a_prometheus_that_is_ill_holds_the_weights(
    rollout: Callable[..., Rollout], broken_prometheus: str, how: str, reason: str, says: str
) -> None:
    one = rollout()
    counters = {"successes": "good_total", "trials": "all_total", "settle": "3s"}
    one.serve()
    one.create(reward={"prometheus": {**counters, "address": f"{broken_prometheus}/{how}"}})
    condition = one.wait_for("MetricsAvailable", "False", reason, seconds=60)
    assert says in condition["message"]
    assert one.status()["phase"] == "Holding"
    assert one.weights() == one.start_weights
    assert one.condition("Accepted")["status"] == "True"


def test_a_prometheus_that_is_not_there_holds_the_weights_and_counts_against_nobody(
    rollout: Callable[..., Rollout], steer: Callable[..., None]
) -> None:
    one = rollout()
    steer(one.name, good=(40, 0.5), bad=(40, 0.5))
    one.create(mode="Active")
    one.wait_for("MetricsAvailable", "True", "RewardsObserved", seconds=60)
    prometheus = one.resource()["spec"]["reward"]["prometheus"]
    one.patch({"reward": {"prometheus": {**prometheus, "address": "http://127.0.0.1:9"}}})
    one.wait_for("MetricsAvailable", "False", "Unreachable")
    held, evidence = one.weights(), one.arm("bad")["evidence"]
    counted = one.status()["decisions"]["holds"]
    one.cluster.kubectl("annotate", "bd", one.name, "look=again")
    wait_until(lambda: "Unreachable" in {event["reason"] for event in one.events()}, "an event")
    assert one.weights() == held
    assert one.arm("bad")["evidence"] == evidence
    one.patch({"reward": {"prometheus": {"address": None}}})
    one.wait_for("MetricsAvailable", "True", "RewardsObserved")
    assert one.status()["decisions"]["holds"] >= counted


def test_an_arm_with_traffic_and_no_rewards_is_named_and_holds_all(
    rollout: Callable[..., Rollout], steer: Callable[..., None]
) -> None:
    one = rollout()
    steer(one.name, good=(40, 0.5))
    one.serve()
    one.create()

    def named() -> bool:
        condition = one.condition("MetricsAvailable")
        return "arm bad carries 50.0% of the traffic" in condition.get("message", "")

    wait_until(named, "the silent arm is named", 60)
    assert one.condition("MetricsAvailable")["reason"] == "NoData"
    assert one.weights() == one.start_weights


def test_a_spec_that_the_schema_refuses_never_reaches_the_operator(rollout: Callable[..., Rollout]) -> None:
    one = rollout()
    with pytest.raises(ClusterError, match="is not the name of an arm"):
        one.create(baseline="nobody")
