"""How weights move, and what else of a route does not."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest

from bandit_operator.reconcile.contest import CONTEST_PATIENCE
from testbed.rollout import Rollout
from testbed.waiting import wait_until
from tests.e2e.conftest import PROGRAMS, program
from tests.e2e.versions import Versions, assert_counted_once

pytestmark = pytest.mark.cluster

FAILING = PROGRAMS / "failing_model.py"
"""A model that is ready, and answers every request with an error."""


def without_weights(route: dict[str, Any]) -> dict[str, Any]:
    """All of a route that the operator must not touch."""
    kept = copy.deepcopy(route)
    for field in ("resourceVersion", "generation", "managedFields"):
        kept["metadata"].pop(field, None)
    kept.pop("status", None)
    for rule in kept["spec"]["rules"]:
        for backend in rule["backendRefs"]:
            backend.pop("weight", None)
    return kept


def has_counted(one: Rollout, number: int) -> bool:
    return bool(one.status()["foreignWeightChanges"] == number)


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute"])
def test_weights_follow_the_rewards_and_nothing_else_of_the_route_changes(
    rollout: Callable[..., Rollout], steer: Callable[..., None], kind: str
) -> None:
    one = rollout(kind=kind)
    steer(one.name, good=(60, 0.2), bad=(60, 0.9))
    one.create()
    before = one.route()
    weights = one.wait_for_lead("bad", over="good")
    assert sum(weights.values()) == 10000
    assert without_weights(one.route()) == without_weights(before)
    managers = {entry["manager"] for entry in one.managed_fields()}
    assert "bandit-operator" in managers
    assert one.status()["leader"] == "bad"


def test_whether_an_arm_outside_of_the_cluster_can_serve_the_gateway_says(
    rollout: Callable[..., Rollout],
) -> None:
    one = rollout()
    inside, outside = one.services()
    outside["spec"] = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": 80}]}
    one.cluster.apply(inside, outside, one.route_object(), one.resource())
    # This gateway takes none; that it has no endpoint would have been said of it otherwise.
    wait_until(lambda: one.arm("bad").get("reason") == "BackendUnresolved", "the gateway's word", 30)
    wait_until(lambda: one.weights() == {"good": 10000, "bad": 0}, "the weight is gone", 10)


def test_rewards_may_come_from_any_promql(
    rollout: Callable[..., Rollout], steer: Callable[..., None]
) -> None:
    one = rollout()
    steer(one.name, good=(60, 0.2), bad=(60, 0.9))
    selector = f'{{route="{one.name}"}}[$window]'
    trials, successes = (f"increase(model_reward_{name}_total{selector})" for name in ("trials", "successes"))
    query = {
        "query": f"sum by (arm) ({successes}) / sum by (arm) ({trials})",
        "samples": f"sum by (arm) ({trials})",
        "settle": "3s",
    }
    one.create(reward={"prometheus": query})
    one.wait_for_lead("bad", over="good")


@pytest.mark.parametrize("kind", ["Gaussian", "Ratio"])
def test_rewards_without_bounds_are_read_from_their_counters(
    rollout: Callable[..., Rollout], steer: Callable[..., None], kind: str
) -> None:
    one = rollout()
    steer(one.name, good=(60, 20.0, 2.0), bad=(60, 30.0, 2.0))
    names = {"successes": "successes", "trials": "trials", "squares": "squares"}
    if kind == "Gaussian":
        names["losses"] = "losses"
    else:
        names |= {
            "denominators": "denominators",
            "denominatorSquares": "denominator_squares",
            "crossProducts": "cross_products",
        }
    counters = {field: f'model_reward_{name}_total{{route="{one.name}"}}' for field, name in names.items()}
    one.create(reward={"type": kind, "prometheus": {**counters, "settle": "3s"}})
    with Versions(one) as watched:
        one.wait_for_lead("bad", over="good")
    # The first move may stand on a few dozen rewards, whose mean may be far from the true one (a reward's
    # standard deviation is a third of its mean here), so what was read is held to Prometheus' own samples.
    assert_counted_once(
        one,
        watched.bodies,
        {
            "model_reward_trials_total": "trials",
            "model_reward_successes_total": "rewards",
            "model_reward_squares_total": "squares",
        },
    )
    for name, true in (("good", 20.0), ("bad", 30.0)):
        arm = one.arm(name)
        assert abs(float(arm["mean"]) - true) < 5 * true / 3 / float(arm["trials"]) ** 0.5


def test_weights_that_somebody_else_changes_are_put_back_within_five_seconds_and_counted(
    rollout: Callable[..., Rollout], steer: Callable[..., None]
) -> None:
    one = rollout()
    steer(one.name, good=(40, 0.5), bad=(40, 0.5))
    one.serve()
    one.create(guardrails={"minTrials": 10**9})  # nothing but the foreign hand moves them
    one.wait_for("TrafficInSync", "True", "InSync")
    for number in range(1, 4):
        one.set_weights(good=1, bad=999)
        changed = time.monotonic()
        wait_until(lambda: one.weights() == one.start_weights, "weights are put back", 5)
        assert time.monotonic() - changed < 5
        wait_until(partial(has_counted, one, number), "it is counted")


def test_a_contest_over_the_weights_is_reported_and_backed_off_from(
    rollout: Callable[..., Rollout], steer: Callable[..., None]
) -> None:
    one = rollout()
    steer(one.name, good=(40, 0.5), bad=(40, 0.5))
    one.serve()
    one.create(guardrails={"minTrials": 10**9})
    one.wait_for("TrafficInSync", "True", "InSync")
    for number in range(1, CONTEST_PATIENCE + 2):
        wait_until(lambda: one.weights() == one.start_weights, "weights are put back", 5)
        one.set_weights(good=number, bad=999)
        wait_until(partial(has_counted, one, number), f"change {number}")
    condition = one.wait_for("TrafficInSync", "False", "WeightsContested")
    assert "managedFields" in condition["message"]


def test_observe_decides_and_writes_nothing_to_the_route(
    rollout: Callable[..., Rollout], steer: Callable[..., None]
) -> None:
    one = rollout()
    steer(one.name, good=(60, 0.2), bad=(60, 0.9))
    one.create(mode="Observe")
    before = one.route()

    def told() -> bool:
        return any("would set" in record["message"] for record in one.status().get("history", []))

    wait_until(told, "it tells what it would do", 60)
    assert one.route() == before
    assert one.status()["phase"] == "Observing"
    one.patch({"mode": "Active"})
    one.wait_for_move()


def test_paused_leaves_the_weights_to_whoever_sets_them(
    rollout: Callable[..., Rollout], steer: Callable[..., None]
) -> None:
    one = rollout()
    steer(one.name, good=(60, 0.5), bad=(60, 0.5))
    one.create(mode="Paused")
    wait_until(lambda: one.status().get("phase") == "Paused", "it is paused")
    one.set_weights(good=8000, bad=2000)
    one.patch({"mode": "Active", "guardrails": {"minTrials": 10**9}})
    one.wait_for("TrafficInSync", "True", "InSync")
    assert one.weights() == {"good": 8000, "bad": 2000}
    assert one.status()["foreignWeightChanges"] == 0


def test_deleting_the_resource_waits_for_nobody_and_leaves_traffic_as_it_was(
    rollout: Callable[..., Rollout], steer: Callable[..., None]
) -> None:
    one = rollout()
    steer(one.name, good=(60, 0.2), bad=(60, 0.9))
    one.create()
    one.wait_for_move()
    assert "finalizers" not in one.cluster.get("bd", one.name)["metadata"]
    one.patch({"mode": "Paused"})
    wait_until(lambda: one.status().get("phase") == "Paused", "it is paused")
    before = one.route()
    one.delete()
    assert one.route() == before


def test_a_new_strategy_keeps_the_rewards_that_were_counted(
    rollout: Callable[..., Rollout], steer: Callable[..., None]
) -> None:
    one = rollout()
    steer(one.name, good=(60, 0.5), bad=(60, 0.5))
    one.create()
    counted = wait_until(lambda: float(one.arm("good").get("trials", 0)), "rewards are counted", 60)
    one.patch({"strategy": {"type": "UCB1"}})
    wait_until(lambda: one.status()["observedGeneration"] == 2, "the new spec is taken up")
    assert float(one.arm("good")["trials"]) >= counted


@pytest.mark.parametrize("given", [400, 960_000], ids=["small weights", "nearly the largest"])
def test_other_backends_of_the_rule_keep_their_share(
    rollout: Callable[..., Rollout], steer: Callable[..., None], given: int
) -> None:
    one = rollout(weights={"good": given, "bad": given})
    route = one.route_object()
    foreign = {"name": f"{one.name}-good", "port": 81, "weight": given // 2, "namespace": "elsewhere"}
    route["spec"]["rules"][0]["backendRefs"].append(foreign)
    steer(one.name, good=(60, 0.2), bad=(60, 0.9))
    one.cluster.apply(*one.services(), route, one.resource())
    wait_until(lambda: one.weights()["bad"] > one.weights()["good"], "weights move", 60)
    backends = one.route()["spec"]["rules"][0]["backendRefs"]
    arms = backends[0]["weight"] + backends[1]["weight"]
    assert 4 * backends[2]["weight"] == arms > 0  # a fifth of the requests, in whatever unit


def test_an_arm_that_is_taken_out_of_the_spec_loses_its_weight_where_the_user_wants_that(
    rollout: Callable[..., Rollout], steer: Callable[..., None]
) -> None:
    one = rollout(weights={"good": 400, "bad": 400, "old": 400})
    steer(one.name, good=(60, 0.5), bad=(60, 0.5), old=(60, 0.5))
    one.create()
    one.wait_for("Accepted", "True", "Accepted")
    left = [arm for arm in one.resource()["spec"]["arms"] if arm["name"] != "old"]
    one.patch({"arms": left, "traffic": {"removedArms": "Drain"}})
    wait_until(
        lambda: one.weights()["old"] == 0, "the backend of the arm that was taken out has weight 0", 30
    )
    assert one.weights()["good"] > 0


def test_an_arm_whose_guard_trips_loses_its_traffic_and_no_reward_was_asked(
    rollout: Callable[..., Rollout], steer: Callable[..., None]
) -> None:
    one = rollout()
    steer(one.name, good=(40, 0.5), bad=(40, 0.5))
    busy = f'sum by (arm) (increase(model_reward_trials_total{{route="{one.name}"}}[$window]))'
    guard = {"name": "busy", "query": busy, "above": "400", "windows": 2}
    one.create(guards=[guard], guardrails={"minTrials": 10**6})
    one.wait_for("MetricsAvailable", "True", "RewardsObserved")
    assert one.weights()["bad"] > 0
    steer(one.name, bad=(200, 0.5))
    wait_until(lambda: one.weights()["bad"] == 0, "the unwell arm has weight 0", 40)
    arm = one.arm("bad")
    assert (arm["state"], arm["reason"]) == ("Unavailable", "GuardTripped")
    assert one.weights()["good"] > 0


def test_an_arm_that_answers_with_errors_loses_its_traffic_by_the_gateways_own_counters(
    rollout: Callable[..., Rollout], steer: Callable[..., None]
) -> None:
    one = rollout()
    steer(one.name, good=(40, 0.5), bad=(40, 0.5))
    failing = f"{one.name}-bad"
    config, workload, service = program(failing, FAILING, 9090)
    one.cluster.apply(config, workload)
    guard = {"name": "errors", "preset": "GatewaySuccess", "below": "95%", "windows": 2}
    one.create(service, guards=[guard], guardrails={"minTrials": 10**6})
    one.cluster.kubectl("rollout", "status", f"deploy/{failing}", "--timeout=90s")
    one.wait_for("MetricsAvailable", "True", "RewardsObserved")

    def unwell() -> bool:
        for _ in range(20):
            httpx.get(f"{one.cluster.endpoints.gateway}/{one.name}", timeout=5)
        return one.weights()["bad"] == 0

    wait_until(unwell, "the arm that fails has weight 0", 60)
    arm = one.arm("bad")
    assert (arm["state"], arm["reason"]) == ("Unavailable", "GuardTripped")
    assert one.weights()["good"] > 0
