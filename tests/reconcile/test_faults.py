"""What the cluster and its people do to a rollout: while an arm can serve, some arm that can has weight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bandit_operator.core import reasons
from bandit_operator.core.model import Implausible
from bandit_operator.errors import APIError
from tests.support.process import Process

Start = Callable[..., Process]
WORSE = {"good": (500.0, 400.0), "bad": (500.0, 50.0)}
EQUAL = {"good": (500.0, 250.0), "bad": (500.0, 250.0)}


async def learned(start: Start, arms: tuple[str, ...] = ("good", "bad"), **changes: Any) -> Process:
    """A rollout that has seen a window of equal arms."""
    one = start(arms, **changes)
    await one.look(tick=True)
    one.earning = dict.fromkeys(arms, (500.0, 250.0))
    await one.tick()
    return one


async def until(one: Process, condition: Callable[[], bool], ticks: int = 60) -> None:
    for _ in range(ticks):
        if condition():
            return
        await one.tick()
    raise AssertionError(f"not within {ticks} ticks: {one.status}")


async def state(one: Process, arm: str, wanted: str) -> None:
    await until(one, lambda: one.arm(arm)["state"] == wanted)


def ready(one: Process) -> tuple[str, str]:
    condition = one.condition("Ready")
    return condition["status"], condition["reason"]


# ---- servable -------------------------------------------------------------------------------


async def test_an_arm_without_a_ready_endpoint_loses_its_weight_at_once_without_any_scale_target(
    process: Start,
) -> None:
    one = await learned(process, scale_target=None)  # as the README's smallest manifest
    one.set_available("bad", 0)
    await one.look()
    assert one.weights() == {"good": 10000, "bad": 0}
    assert (one.arm("bad")["state"], one.arm("bad")["reason"]) == ("Unavailable", reasons.NO_READY_ENDPOINT)
    assert one.condition("MetricsAvailable")["status"] == "True"


async def test_an_arm_gets_no_weight_before_its_first_endpoint_is_ready(process: Start) -> None:
    one = process()
    one.broken = {"bad"}
    one.set_available("bad", 0)
    await one.look(tick=True)
    assert one.weights() == {"good": 10000, "bad": 0}
    one.broken.clear()
    one.earning = {"good": (500.0, 250.0), "bad": (0.0, 0.0)}
    await one.tick(2)
    assert 0 < one.weights()["bad"] <= 2000


async def test_a_draining_arm_serves_again_when_the_baseline_dies_and_ready_says_so(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await state(one, "bad", "Draining")
    one.gateway()
    one.broken = {"good"}
    one.set_available("good", 0)
    await one.look()
    assert one.weights() == {"good": 0, "bad": 10000}
    assert one.replicas("bad") == 2
    one.now += 1000.0
    one.gateway()
    await one.look()
    assert one.replicas("bad") == 2
    assert reasons.NO_OTHER_ARM in one.events()
    one.broken.clear()
    await until(one, lambda: one.arm("bad")["state"] == "RolledBack")
    assert one.weights() == {"good": 10000, "bad": 0}


async def test_a_loser_at_zero_is_brought_back_when_no_arm_can_serve(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await state(one, "bad", "RolledBack")
    one.broken = {"good"}
    one.set_available("good", 0)
    await one.look()
    assert one.replicas("bad") == 2
    assert ready(one) == ("False", reasons.NO_ARM_AVAILABLE)
    one.kubelet()
    one.gateway()
    await one.look()
    assert one.weights() == {"good": 0, "bad": 10000}
    assert ready(one)[1] != reasons.NO_ARM_AVAILABLE


async def test_the_best_of_those_taken_out_is_brought_back(process: Start) -> None:
    one = await learned(process, arms=("good", "bad", "fair"))
    one.earning = {"good": (500.0, 450.0), "bad": (500.0, 50.0), "fair": (500.0, 300.0)}
    await state(one, "bad", "RolledBack")
    await state(one, "fair", "RolledBack")
    one.broken = {"good"}
    one.set_available("good", 0)
    await one.look()
    assert (one.replicas("bad"), one.replicas("fair")) == (0, 2)


async def test_an_arm_that_comes_and_goes_must_stay_up_longer_each_time(process: Start) -> None:
    one = await learned(process)
    returns = 0
    for _ in range(24):
        one.set_available("bad", 0)
        one.gateway()
        await one.look()
        one.now += 1.0
        one.set_available("bad", 2)
        one.gateway()
        await one.look()
        returns += one.arm("bad")["state"] != "Unavailable"
        one.now += 5.0
    assert returns == 1
    assert one.arm("bad")["reason"] == reasons.STAYING_UP
    one.now += 301.0
    await one.look()
    assert one.arm("bad")["state"] != "Unavailable"


async def test_a_wait_for_an_arm_to_stay_up_ends_by_itself(process: Start) -> None:
    one = await learned(process, interval="10m", reward={
        "prometheus": {"successes": "a_total", "trials": "b_total"}, "staleAfter": "1h",
    })  # fmt: skip
    requeue = None
    for _ in range(2):
        one.set_available("bad", 0)
        await one.look()
        one.set_available("bad", 2)
        requeue = await one.look()
    assert requeue is not None
    assert 4.0 < requeue.after < 6.0


async def test_a_backend_that_is_missing_from_the_rule_takes_only_its_arm_out(process: Start) -> None:
    one = await learned(process, arms=("good", "bad", "late"))
    one.update_route(lambda spec: spec["rules"][0]["backendRefs"].pop(2))
    one.earning = {**WORSE, "late": None}
    await state(one, "bad", "RolledBack")
    assert one.arm("late")["reason"] == reasons.BACKEND_NOT_IN_RULE
    assert one.condition("Accepted")["status"] == "True"


async def test_a_backend_that_the_gateway_names_as_unresolved_gets_no_weight(process: Start) -> None:
    one = await learned(process)
    one.gateway(unresolved="Service models/bad: port 81 not found")
    await one.look()
    assert one.weights() == {"good": 10000, "bad": 0}
    assert one.arm("bad")["reason"] == reasons.BACKEND_UNRESOLVED


async def test_while_some_backend_is_unresolved_and_none_is_named_no_weight_is_raised(process: Start) -> None:
    one = await learned(process)
    one.earning, before = WORSE, one.weights()
    for _ in range(3):
        one.now += 30.0
        one.gateway(unresolved="backends not found")
        await one.look(tick=True)
    assert one.weights() == before
    assert ready(one)[0] == "False"


async def test_no_arm_without_trials_is_named_the_leader(process: Start) -> None:
    one = process()
    one.set_available("good", 0)
    one.broken = {"good"}
    one.earning = {"good": None, "bad": (500.0, 250.0)}
    await one.look(tick=True)
    await one.tick(3)
    assert one.status["leader"] == "bad"


# ---- shared things --------------------------------------------------------------------------


def add_route(one: Process, name: str, weight: int = 1) -> None:
    """Another route of the cluster that names the loser's Service."""
    ref = {"name": "bad", "port": 80, "weight": weight}
    metadata = {"name": name, "namespace": "models", "uid": name}
    one.api.put(
        one.route_path.replace("income", name),
        {"metadata": metadata, "spec": {"rules": [{"backendRefs": [ref]}]}},
    )


async def test_a_target_that_another_route_gives_weight_to_keeps_its_pods_until_it_does_not(
    process: Start,
) -> None:
    one = await learned(process)
    add_route(one, "mobile")
    one.earning = WORSE
    await state(one, "bad", "RolledBack")
    assert (one.replicas("bad"), one.arm("bad")["reason"]) == (2, reasons.PODS_IN_USE)
    add_route(one, "mobile", weight=0)
    await until(one, lambda: one.replicas("bad") == 0)


async def test_two_resources_over_the_same_pods_never_scale_each_others_arms_down(process: Start) -> None:
    one = await learned(process)
    other = {**one.api.objects[one.path], "status": {}}
    spec = {
        **other["spec"],
        "traffic": {"routeRef": {**other["spec"]["traffic"]["routeRef"], "name": "mobile"}},
    }
    metadata = {
        "name": "other",
        "namespace": "models",
        "uid": "o",
        "creationTimestamp": "2027-01-01T00:00:00Z",
    }
    one.api.put(one.path.replace("income", "other"), {**other, "spec": spec, "metadata": metadata})
    add_route(one, "mobile", weight=99)
    one.earning = WORSE
    await state(one, "bad", "RolledBack")
    assert one.replicas("bad") == 2


async def test_a_drain_waits_for_every_gateway_that_had_the_route(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await state(one, "bad", "Draining")
    for _ in range(5):
        one.now += 100.0
        one.gateway(lagging=True)
        await one.look(tick=True)
    assert one.replicas("bad") == 2
    assert one.arm("bad")["reason"] == reasons.WAITING_FOR_ROUTE


@pytest.mark.parametrize("given", [(None, None, None), (1, 1, 1), (9, 1, 1)], ids=str)
async def test_coarse_weights_beside_a_stranger_are_made_finer_and_its_share_stays(
    process: Start, given: tuple[int | None, ...]
) -> None:
    one = process()

    def coarse(spec: dict[str, Any]) -> None:
        refs = [*spec["rules"][0]["backendRefs"], {"name": "legacy", "port": 80}]
        for ref, weight in zip(refs, given, strict=True):
            ref.pop("weight", None)
            if weight is not None:
                ref["weight"] = weight
        spec["rules"][0]["backendRefs"] = refs

    one.update_route(coarse)
    one.gateway()
    start = one.weights()
    stranger = start["legacy"] / sum(start.values())
    await one.look(tick=True)
    one.earning = {"good": (500.0, 250.0), "bad": (500.0, 300.0)}
    shares = [start["bad"] / (start["good"] + start["bad"])]
    for _ in range(12):
        await one.tick()
        weights = one.weights()
        assert weights["legacy"] / sum(weights.values()) == pytest.approx(stranger, abs=1e-4)
        shares.append(weights["bad"] / (weights["good"] + weights["bad"]))
        assert 0.01 <= shares[-1] <= 0.99
        assert abs(shares[-1] - shares[-2]) <= 0.2 + 1e-4
    assert shares[-1] > 0.9
    recorded = [record["weights"] for record in one.status["history"] if record["reason"] == "WeightsMoved"]
    assert recorded
    assert {arm: weights[arm] for arm in one.arms} == recorded[0]


async def test_where_a_stranger_has_all_of_the_rules_weight_it_keeps_it(process: Start) -> None:
    one = process()

    def taken(spec: dict[str, Any]) -> None:
        refs = spec["rules"][0]["backendRefs"]
        refs[0]["weight"] = refs[1]["weight"] = 0
        refs.append({"name": "legacy", "port": 80, "weight": 1})

    one.update_route(taken)
    one.gateway()
    await one.look(tick=True)
    await one.tick(3)
    assert one.weights() == {"good": 0, "bad": 0, "legacy": 1}
    assert ready(one) == ("False", reasons.NO_SHARE)


async def test_a_reset_of_all_weights_by_gitops_is_re_asserted_in_the_finer_unit(process: Start) -> None:
    one = process()

    def git(spec: dict[str, Any]) -> None:
        spec["rules"][0]["backendRefs"] = [{"name": name, "weight": 1} for name in ("good", "bad", "legacy")]

    one.update_route(git)
    one.gateway()
    await one.look(tick=True)
    one.earning = {"good": (500.0, 250.0), "bad": (500.0, 300.0)}
    await one.tick(10)
    intended = one.weights()
    one.update_route(git)
    one.gateway()
    await one.look()
    assert one.weights() == intended


async def test_a_contest_leaves_no_traffic_on_an_arm_with_a_verdict(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await state(one, "bad", "RolledBack")
    for _ in range(60):
        one.set_weights(good=5000, bad=5000)
        one.gateway()
        one.now += 1.0
        await one.look()
        assert one.weights() == {"good": 10000, "bad": 0}
    assert one.replicas("bad") == 2  # until the fight is over
    assert one.arm("bad")["reason"] == reasons.PODS_KEPT
    assert one.condition("TrafficInSync")["reason"] == reasons.WEIGHTS_CONTESTED
    one.now += 700.0
    await one.tick(3)
    await until(one, lambda: one.replicas("bad") == 0)


async def test_pods_that_another_hand_scales_up_again_are_noticed_and_get_no_traffic(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await state(one, "bad", "RolledBack")
    one.scale("bad", 2)
    await one.tick()
    assert (one.arm("bad")["state"], one.arm("bad")["reason"]) == ("RolledBack", reasons.SCALED_BY_OTHERS)
    assert one.weights()["bad"] == 0
    assert reasons.SCALED_BY_OTHERS in one.events()


async def test_an_arm_at_zero_by_another_hand_is_not_called_broken(process: Start) -> None:
    one = await learned(process)
    one.scale("bad", 0)
    await one.tick()
    assert (one.arm("bad")["state"], one.arm("bad")["reason"]) == ("Unavailable", reasons.NO_REPLICAS)


async def test_replicas_that_a_status_remembers_are_bounded(process: Start) -> None:
    one = await learned(process, rollback={"drain": "1s", "retryAfter": "10m"})
    one.earning = WORSE
    await state(one, "bad", "RolledBack")
    next(arm for arm in one.status["arms"] if arm["name"] == "bad")["previousReplicas"] = 100_000
    one.start()
    await until(one, lambda: one.replicas("bad") > 0)
    assert one.replicas("bad") <= 100


async def test_a_requests_counter_without_a_series_holds_the_drain_and_says_so(process: Start) -> None:
    one = await learned(process, rollback={"drain": "1s", "requests": "requsts_total"})
    one.earning = WORSE
    await state(one, "bad", "Draining")
    await one.tick(20)
    assert (one.replicas("bad"), one.arm("bad")["reason"]) == (2, reasons.REQUESTS_UNKNOWN)
    one.requests = {"good": 500.0, "bad": 0.0}
    await until(one, lambda: one.replicas("bad") == 0)


async def test_a_scale_that_may_not_be_read_is_said_with_the_value_to_set(process: Start) -> None:
    rollout = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"}
    one = process(scale_target=rollout)
    one.api.fail("get", "/scale", APIError(403, "rollouts.argoproj.io is forbidden"))
    await one.look(tick=True)
    accepted = one.condition("Accepted")
    assert (accepted["status"], accepted["reason"]) == ("False", reasons.SCALE_TARGET_REFUSED)
    assert "scalables" in accepted["message"]


# ---- plausible rewards ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "reason", "says"),
    [
        ((100.0, 130.0), reasons.REWARDS_ABOVE_TRIALS, "130 rewards of 100 trials"),
        ((-1.0, 0.0), reasons.IMPOSSIBLE_NUMBER, "trials are -1"),
        ((100.0, -50.0), reasons.IMPOSSIBLE_NUMBER, "rewards are -50"),
        ((float("inf"), 10.0), reasons.IMPOSSIBLE_NUMBER, "trials are inf"),
        ((1_000_440.0, 1000.0), reasons.TRIALS_JUMPED, "usually have"),
        ((30_001.0, 1000.0), reasons.TOO_MANY_TRIALS, "maxTrialsPerSecond"),
        (Implausible(reasons.COUNTER_NOT_STEADY, "went down"), reasons.COUNTER_NOT_STEADY, "went down"),
    ],
    ids=["above trials", "negative trials", "negative rewards", "infinite", "jump", "bound", "dip"],
)
async def test_numbers_that_cannot_be_hold_the_weights_and_are_not_learned(
    process: Start, numbers: Any, reason: str, says: str
) -> None:
    bounds = {"maxTrialsPerSecond": "1000"} if reason == reasons.TOO_MANY_TRIALS else {}
    reward = {"prometheus": {"successes": "good_total", "trials": "all_total", "settle": "5s"}, **bounds}
    one = await learned(process, reward=reward)
    await one.tick(12)
    before, held = one.arm("bad")["trials"], one.weights()
    one.earning = {"good": (500.0, 250.0), "bad": numbers}
    await one.tick()
    one.now += 31.0
    condition = one.condition("MetricsAvailable")
    assert (condition["status"], condition["reason"]) == ("False", reason)
    assert "arm bad" in condition["message"]
    assert says in condition["message"]
    assert one.weights() == held
    assert one.arm("bad")["trials"] == before


async def test_traffic_that_has_really_grown_is_believed_after_a_few_windows(process: Start) -> None:
    one = await learned(process)
    await one.tick(12)
    one.earning = dict.fromkeys(one.arms, (60_000.0, 30_000.0))
    await one.tick()
    assert one.condition("MetricsAvailable")["reason"] == reasons.TRIALS_JUMPED
    await one.tick(4)
    assert one.condition("MetricsAvailable")["status"] == "True"


async def test_a_second_operator_on_the_same_resource_is_named(process: Start) -> None:
    one = await learned(process)
    for _ in range(3):
        body = one.api.objects[one.path]
        one.api.put(one.path, {**body, "status": {**body["status"], "operator": "other/lease"}})
        await one.tick()
    assert ready(one) == ("False", reasons.OTHER_OPERATOR)
    assert "other/lease" in one.condition("Ready")["message"]


# ---- identity -------------------------------------------------------------------------------


async def test_a_new_backend_under_an_old_name_starts_again_with_a_small_share(process: Start) -> None:
    one = await learned(process, scale_target=None)
    one.earning = {"good": (500.0, 200.0), "bad": (500.0, 450.0)}
    await until(one, lambda: one.weights()["bad"] > 9000)
    one.rename_backend("bad", "other")
    one.gateway()
    one.earning = {"good": (500.0, 200.0), "bad": (10.0, 1.0)}
    await one.look()
    assert one.weights()["other"] <= 1000
    assert (one.arm("bad")["state"], one.arm("bad")["reason"]) == ("Joining", reasons.NEW_BACKEND)
    assert one.arm("bad")["trials"] == "0"


async def test_an_arm_taken_out_of_the_spec_is_named_with_the_traffic_that_it_keeps(process: Start) -> None:
    one = await learned(process, arms=("good", "bad", "late"))
    assert one.condition("Accepted")["message"] == "the route carries all arms"
    one.update_spec(arms=one.api.objects[one.path]["spec"]["arms"][:2])
    await one.look(tick=True)
    weights = one.weights()
    assert f"have {weights['late'] / sum(weights.values()):.1%}" in one.condition("Accepted")["message"]
    assert "(index 2)" in one.condition("Accepted")["message"]
    one.set_weights(late=0)
    one.gateway()
    one.earning = {"good": (500.0, 250.0), "bad": (500.0, 250.0)}
    await one.tick(12)
    assert one.condition("Accepted")["message"] == "the route carries all arms"


async def test_an_arm_that_is_put_back_starts_again_and_learns_nothing_at_weight_zero(process: Start) -> None:
    one = await learned(process, arms=("good", "bad", "late"))
    arms = one.api.objects[one.path]["spec"]["arms"]
    one.update_spec(arms=arms[:2])
    await one.look(tick=True)
    one.set_weights(late=0)
    one.gateway()
    await one.tick(2)
    one.broken = {"late"}
    one.set_available("late", 0)
    one.update_spec(arms=arms)
    await one.look(tick=True)
    one.earning = dict.fromkeys(one.arms, (500.0, 250.0))  # its old Pods are still counted
    await one.tick(4)
    assert one.arm("late")["trials"] == "0"


async def test_a_baseline_that_is_at_zero_is_brought_back_and_the_old_one_is_not_taken_out_for_it(
    process: Start,
) -> None:
    one = await learned(process)
    one.earning = WORSE
    await state(one, "bad", "RolledBack")
    one.update_spec(baseline="bad")
    await one.look(tick=True)
    assert one.replicas("bad") == 2
    assert one.arm("good")["state"] == "Active"
    one.earning = {"good": (500.0, 400.0), "bad": (20.0, 2.0)}
    await one.tick(2)
    assert one.arm("bad")["state"] in ("Joining", "Active")
    assert one.arm("good")["state"] == "Active"


async def test_a_resource_that_is_made_again_beside_an_arm_at_zero_brings_it_back(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await state(one, "bad", "RolledBack")
    body = one.api.objects[one.path]
    del body["status"]
    body["metadata"] = {**body["metadata"], "uid": "another"}
    one.start()
    await one.look(tick=True)
    assert one.replicas("bad") == 2
    assert one.arm("bad")["state"] == "Restoring"


async def test_a_winner_is_announced_once(process: Start) -> None:
    one = await learned(process, baseline="bad")
    one.earning = WORSE
    await one.tick(20)
    one.start()
    one.earning = EQUAL
    await one.tick(30)
    one.earning = WORSE
    await one.tick(30)
    assert one.events().count(reasons.PROMOTED) == 1
