"""Routes, rules, Pods, weights and resources that others use and write, too."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.core import reasons
from bandit_operator.errors import APIError
from tests.support.fake_api import copied
from tests.support.playing import WORSE, Start, add_service, learned, ready, until, until_state
from tests.support.process import Process


def add_route(one: Process, name: str, weight: int = 1, service: str = "bad") -> None:
    """Another route of the cluster, that names the loser's Service or another one."""
    ref = {"name": service, "port": 80, "weight": weight}
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
    await until_state(one, "bad", "RolledBack")
    assert (one.replicas("bad"), one.arm("bad")["reason"]) == (2, reasons.PODS_IN_USE)
    add_route(one, "mobile", weight=0)
    await until(one, lambda: one.replicas("bad") == 0)


async def test_a_target_that_another_route_reaches_by_another_service_keeps_its_pods_as_well(
    process: Start,
) -> None:
    one = await learned(process)
    add_service(one, "legacy", "bad")
    add_route(one, "mobile", service="legacy")
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    await one.tick(3)
    assert (one.replicas("bad"), one.arm("bad")["reason"]) == (2, reasons.PODS_IN_USE)
    add_route(one, "mobile", weight=0, service="legacy")
    await until(one, lambda: one.replicas("bad") == 0)


async def test_a_target_that_its_own_rule_reaches_by_a_backend_that_is_no_arm_keeps_its_pods(
    process: Start,
) -> None:
    one = await learned(process)
    add_service(one, "legacy", "bad")
    legacy = {"name": "legacy", "port": 80, "weight": 2000}
    one.update_route(lambda spec: spec["rules"][0]["backendRefs"].append(legacy))
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    await one.tick(3)
    assert (one.replicas("bad"), one.arm("bad")["reason"]) == (2, reasons.PODS_IN_USE)
    one.update_route(lambda spec: spec["rules"][0]["backendRefs"][2].update(weight=0))
    await until(one, lambda: one.replicas("bad") == 0)


async def test_a_scale_target_that_is_not_behind_the_service_is_never_scaled_and_ready_names_both(
    process: Start,
) -> None:
    one = await learned(process)
    one.broken = {"bad"}  # so that its endpoints stay
    add_service(one, "bad", "good")  # a selector that takes the wrong Pods
    await one.look()
    assert ready(one) == ("False", reasons.SCALE_TARGET_MISMATCH)
    message = one.condition("Ready")["message"]
    assert "Deployment models/bad, " in message
    assert "Pods of Deployment models/good;" in message
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    await one.tick(5)
    assert (one.replicas("bad"), one.weights()["bad"]) == (2, 0)
    add_service(one, "bad", "bad")
    await until(one, lambda: one.replicas("bad") == 0)
    assert ready(one) == ("True", reasons.IN_SYNC)


@pytest.mark.parametrize(
    "behind",
    [("bad", "unknown"), ("good-v2", "unknown"), ()],
    ids=["its own, too", "others that are not known", "nothing"],
)
async def test_a_scale_target_counts_as_right_where_it_cannot_be_told(
    process: Start, behind: tuple[str, ...]
) -> None:
    one = await learned(process)
    add_service(one, "bad", *behind)
    await one.look()
    assert one.condition("Accepted")["status"] == "True"


async def test_a_drain_waits_for_every_gateway_that_had_the_route(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until_state(one, "bad", "Draining")
    for _ in range(5):
        one.now += 100.0
        one.gateway(lagging=True)
        await one.look(tick=True)
    assert one.replicas("bad") == 2
    assert one.arm("bad")["reason"] == reasons.WAITING_FOR_ROUTE


@pytest.mark.parametrize(
    "given", [(None, None, None), (1, 1, 1), (9, 1, 1), (1_000_000, 900_000, 500_000)], ids=str
)
async def test_coarse_weights_beside_a_stranger_are_made_finer_and_large_ones_smaller_and_its_share_stays(
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
        assert max(weights.values()) <= 1_000_000
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
    one.set_weights(good=1)  # as the runbook says
    one.gateway()
    await one.look()
    await one.tick(3)
    after = one.weights()
    assert after["legacy"] / sum(after.values()) == pytest.approx(0.5, abs=1e-3)
    assert after["good"] > 0
    assert after["bad"] > 0
    assert ready(one)[1] != reasons.NO_SHARE


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


@pytest.mark.parametrize(
    "reset", [(1, 1, 3), (7, 0, 3), (900_000, 100_000, 250_000), (5000, 5000, 1)], ids=str
)
@pytest.mark.parametrize("restarted", [False, True])
async def test_a_stranger_keeps_the_share_that_another_writer_gives_it_while_weights_are_held(
    process: Start, restarted: bool, reset: tuple[int, int, int]
) -> None:
    one = process()

    def beside(spec: dict[str, Any]) -> None:
        spec["rules"][0]["backendRefs"] = [{"name": "good", "weight": 900}, {"name": "bad", "weight": 900}]
        spec["rules"][0]["backendRefs"].append({"name": "legacy", "weight": 100})

    one.update_route(beside)
    one.gateway()
    await one.look(tick=True)
    one.earning = {"good": (500.0, 250.0), "bad": (500.0, 300.0)}
    await one.tick(10)
    good, bad, legacy = reset
    shares = {arm: one.weights()[arm] / (one.weights()["good"] + one.weights()["bad"]) for arm in one.arms}
    if restarted:
        one.start()
    one.set_weights(good=good, bad=bad, legacy=legacy)
    await one.look()
    after = one.weights()
    assert max(after.values()) <= 1_000_000
    assert after["legacy"] / sum(after.values()) == pytest.approx(legacy / sum(reset), rel=0.05, abs=1e-4)
    for arm, share in shares.items():
        assert after[arm] / (after["good"] + after["bad"]) == pytest.approx(share, abs=1e-3)


async def test_a_contest_leaves_no_traffic_on_an_arm_with_a_verdict(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
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
    await until_state(one, "bad", "RolledBack")
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
    await until_state(one, "bad", "RolledBack")
    next(arm for arm in one.status["arms"] if arm["name"] == "bad")["previousReplicas"] = 100_000
    one.start()
    await until(one, lambda: one.replicas("bad") > 0)
    assert one.replicas("bad") <= 100


async def test_a_requests_counter_without_a_series_holds_the_drain_and_says_so(process: Start) -> None:
    one = await learned(process, rollback={"drain": "1s", "requests": "requsts_total"})
    one.earning = WORSE
    await until_state(one, "bad", "Draining")
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


async def test_a_second_operator_on_the_same_resource_is_named(process: Start) -> None:
    one = await learned(process)
    for _ in range(3):
        body = one.api.objects[one.path]
        one.api.put(one.path, {**body, "status": {**body["status"], "operator": "other/lease"}})
        await one.tick()
    assert ready(one) == ("False", reasons.OTHER_OPERATOR)
    assert "other/lease" in one.condition("Ready")["message"]


async def test_pods_behind_a_backend_of_another_kind_are_shared_like_those_behind_a_service(
    process: Start,
) -> None:
    pool = {"group": "inference.networking.k8s.io", "kind": "InferencePool"}
    one = process()
    arms = copied(one.api.objects[one.path]["spec"]["arms"])
    for arm in arms:
        arm["backendRef"] |= pool
    one.update_spec(arms=arms)

    def to_pools(spec: dict[str, Any]) -> None:
        for ref in spec["rules"][0]["backendRefs"]:
            ref |= pool

    one.update_route(to_pools)
    metadata = {"name": "mobile", "namespace": "models", "uid": "mobile"}
    ref = {**pool, "name": "bad", "weight": 1}
    one.api.put(
        one.route_path.replace("income", "mobile"),
        {"metadata": metadata, "spec": {"rules": [{"backendRefs": [ref]}]}},
    )
    one.gateway()
    await one.look(tick=True)
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    assert (one.replicas("bad"), one.arm("bad")["reason"]) == (2, reasons.PODS_IN_USE)


async def test_requests_that_another_rule_or_route_sends_to_an_arm_are_told_of_while_it_serves(
    process: Start,
) -> None:
    one = await learned(process)
    assert one.condition("Accepted")["message"] == "the route carries all arms"
    testers = {"name": "testers", "backendRefs": [{"name": "bad", "port": 80}]}
    one.update_spec(traffic={"routeRef": {"name": "income", "sectionName": "predict"}})
    one.update_route(lambda spec: spec["rules"][0].update(name="predict"))
    one.update_route(lambda spec: spec["rules"].append(testers))
    add_route(one, "mobile", service="good")
    await one.tick()
    said = one.condition("Accepted")
    assert said["status"] == "True"
    assert (
        "good by HTTPRoute models/mobile, bad by another rule of HTTPRoute models/income" in said["message"]
    )
    add_route(one, "mobile", weight=0, service="good")
    await until(one, lambda: "good by" not in one.condition("Accepted")["message"], ticks=3)
