"""While an arm can serve, some arm that can has weight, and no other."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.core import reasons
from bandit_operator.core.model import SourceDown
from bandit_operator.errors import APIUnreachable, Conflict
from tests.support.fake_api import endpoints_of
from tests.support.objects import NAMESPACE
from tests.support.playing import WORSE, Start, learned, ready, until, until_state


async def test_an_arm_without_a_ready_endpoint_loses_its_weight_at_once_without_any_scale_target(
    process: Start,
) -> None:
    one = await learned(process, scale_target=None)  # as the README's smallest manifest
    one.set_available("bad", 0)
    await one.look()
    assert one.weights() == {"good": 10000, "bad": 0}
    assert (one.arm("bad")["state"], one.arm("bad")["reason"]) == ("Unavailable", reasons.NO_READY_ENDPOINT)
    assert one.condition("MetricsAvailable")["status"] == "True"


@pytest.mark.parametrize("ports", [None, [{"name": "metrics", "port": 9000}]], ids=["none", "another"])
async def test_an_arm_whose_pods_lack_the_port_of_the_route_loses_its_weight_though_they_are_ready(
    process: Start, ports: list[dict[str, Any]] | None
) -> None:
    one = await learned(process)
    one.cache.services[(NAMESPACE, "bad")] = {80: "http"}
    path = endpoints_of("bad", NAMESPACE)
    one.api.put(path, {**one.api.objects[path], "ports": ports})
    await one.look()
    assert one.weights() == {"good": 10000, "bad": 0}
    assert one.arm("bad")["reason"] == reasons.NO_READY_ENDPOINT
    one.api.put(path, {**one.api.objects[path], "ports": [{"name": "http", "port": 8000}]})
    await until(one, lambda: one.weights()["bad"] > 0)


async def test_an_arm_outside_of_the_cluster_keeps_its_weight_though_it_has_no_endpoint(
    process: Start,
) -> None:
    one = await learned(process, scale_target=None)
    outside = {"type": "ExternalName", "externalName": "models.example.org", "ports": [{"port": 80}]}
    before = one.weights()
    one.set_available("bad", 0)
    one.watch()
    one.cache.put_service("Service", {"metadata": {"namespace": NAMESPACE, "name": "bad"}, "spec": outside})
    await one.tick(3)
    assert one.weights() == before
    assert ready(one) == ("True", reasons.IN_SYNC)
    one.now += 30.0
    one.gateway(unresolved="Service models/bad: ExternalName is not supported")
    await one.look(tick=True)
    assert one.weights() == {"good": 10000, "bad": 0}
    assert one.arm("bad")["reason"] == reasons.BACKEND_UNRESOLVED


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
    await until_state(one, "bad", "Draining")
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


@pytest.mark.parametrize("how", ["no endpoint", "not in the rule"])
async def test_while_the_baseline_cannot_serve_ready_says_that_no_arm_is_found_worse(
    process: Start, how: str
) -> None:
    one = await learned(process, arms=("good", "bad", "late"))
    if how == "no endpoint":
        one.set_available("good", 0)
    else:
        one.update_route(lambda spec: spec["rules"][0]["backendRefs"].pop(0))
    await one.look()
    said = one.condition("Ready")
    assert (said["status"], said["reason"]) == ("False", reasons.BASELINE_UNAVAILABLE)
    assert f"the baseline good is Unavailable ({one.arm('good')['reason']})" in said["message"]
    assert one.condition("Decided")["reason"] == reasons.BASELINE_UNAVAILABLE
    assert one.weights()["bad"] > 0


async def test_a_baseline_that_is_still_to_be_scaled_up_is_no_ready_state(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    one.broken = {"bad"}
    one.update_spec(baseline="bad")
    await one.look()
    assert one.arm("bad")["state"] == "Restoring"
    assert ready(one) == ("False", reasons.BASELINE_UNAVAILABLE)
    one.broken.clear()
    await until(one, lambda: ready(one) == ("True", reasons.IN_SYNC))


async def test_a_loser_at_zero_is_brought_back_when_no_arm_can_serve(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
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
    await until_state(one, "bad", "RolledBack")
    await until_state(one, "fair", "RolledBack")
    one.broken = {"good"}
    one.set_available("good", 0)
    await one.look()
    assert (one.replicas("bad"), one.replicas("fair")) == (0, 2)


async def test_a_backend_that_is_missing_from_the_rule_takes_only_its_arm_out(process: Start) -> None:
    one = await learned(process, arms=("good", "bad", "late"))
    one.update_route(lambda spec: spec["rules"][0]["backendRefs"].pop(2))
    one.earning = {**WORSE, "late": None}
    await until_state(one, "bad", "RolledBack")
    assert one.arm("late")["reason"] == reasons.BACKEND_NOT_IN_RULE
    accepted = one.condition("Accepted")
    assert (accepted["status"], accepted["message"]) == ("True", "the route carries all arms but late")


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


async def test_an_arm_that_goes_while_prometheus_is_down_does_not_make_its_rewards_known(
    process: Start,
) -> None:
    one = await learned(process)
    one.earning = SourceDown(reasons.TIMEOUT, "no answer")
    await one.tick()
    assert one.condition("MetricsAvailable")["reason"] == reasons.TIMEOUT
    one.now += 30
    one.broken = {"bad"}
    one.set_available("bad", 0)
    await one.look(tick=True)
    assert one.weights()["bad"] == 0
    assert one.condition("MetricsAvailable")["reason"] == reasons.TIMEOUT
    assert one.condition("Ready")["status"] == "False"


@pytest.mark.parametrize(
    "words",
    [
        "backend(bad.models.svc.cluster.local) not found",
        "There is no Service bad.",
        "Service models/bad not found, nor Service models/bad-v2",
    ],
)
async def test_a_backend_is_known_in_the_words_of_several_gateways(process: Start, words: str) -> None:
    one = await learned(process)
    one.gateway(unresolved=words)
    await one.look()
    assert one.weights() == {"good": 10000, "bad": 0}


@pytest.mark.parametrize("words", ["bad.other.svc.cluster.local not found", "no Service bad-v2", "v1.bad"])
async def test_another_backend_with_a_like_name_takes_no_arm_out(process: Start, words: str) -> None:
    one = await learned(process)
    before = one.weights()
    one.gateway(unresolved=words)
    await one.look()
    assert one.weights() == before
    assert ready(one)[0] == "False"


async def test_each_of_two_gateways_is_heard_of_what_it_cannot_resolve(process: Start) -> None:
    one = await learned(process, arms=("good", "bad", "late"))
    one.gateway(unresolved="Service models/bad not found")
    first = one.api.objects[one.route_path]["status"]["parents"][0]["conditions"]
    second = [{**said, "message": said.get("message", "").replace("bad", "late")} for said in first]
    both = {"parents": [{"conditions": first}, {"conditions": second}]}
    one.api.put(one.route_path, {**one.api.objects[one.route_path], "status": both})
    await one.look()
    assert one.weights() == {"good": 10000, "bad": 0, "late": 0}


async def test_a_gateway_may_say_more_than_the_status_takes(process: Start) -> None:
    one = await learned(process)
    one.now += 30.0
    one.gateway(unresolved="backends not found " * 1000)
    await one.look(tick=True)
    assert ready(one) == ("False", reasons.BACKEND_UNRESOLVED)


async def test_endpoints_that_could_not_be_asked_for_are_not_known_and_not_none(process: Start) -> None:
    one = process()
    one.watch()
    for arm in one.arms:
        one.cache.endpoints = type(one.cache.endpoints)()
        one.api.fail("get", "endpointslices", APIUnreachable("no answer"))
        await one.reconciler.reconcile(one.key, tick=True)
        assert one.cache.endpoints.ready((NAMESPACE, arm)) is None
    await one.reconciler.reconcile(one.key, tick=True)
    assert one.weights() == {"good": 5000, "bad": 5000}
    assert one.arm("bad")["state"] == "Active"


async def test_a_resource_that_is_observed_is_not_ready_while_an_arm_that_cannot_serve_has_weight(
    process: Start,
) -> None:
    one = await learned(process, mode="Observe")
    assert ready(one)[0] == "True"
    assert "the weights are those that others have set" in one.condition("Ready")["message"]
    one.set_available("bad", 0)
    await one.look()
    assert one.weights() == {"good": 5000, "bad": 5000}
    assert ready(one) == ("False", reasons.NO_READY_ENDPOINT)
    one.set_weights(good=1, bad=0)
    await one.look()
    assert ready(one)[0] == "True"


async def test_a_resource_that_is_observed_is_not_ready_while_no_backend_has_weight(process: Start) -> None:
    one = await learned(process, mode="Observe")
    one.set_weights(good=0, bad=0)
    await one.look()
    assert ready(one) == ("False", reasons.NO_SHARE)
    assert "requests fail" in one.condition("Ready")["message"]
    one.set_weights(good=1, bad=0)
    await one.look()
    assert ready(one)[0] == "True"


async def test_a_loser_at_zero_that_is_given_weight_in_mode_observe_is_named(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    one.update_spec(mode="Observe")
    await one.look()
    one.set_weights(good=0, bad=1)
    await one.look()
    assert ready(one) == ("False", reasons.NO_REPLICAS)
    assert "weight to bad (NoReplicas), which cannot serve" in one.condition("Ready")["message"]


async def test_writes_that_always_meet_a_conflict_are_not_called_in_sync(process: Start) -> None:
    one = await learned(process)
    one.set_available("bad", 0)
    said = []
    for _ in range(14):
        one.api.fail("patch", "httproutes", Conflict(409, "a webhook says no"))
        await one.look()
        said.append(ready(one))
        one.now += 1.0
    assert said[3] == ("True", reasons.IN_SYNC)  # the next write goes through, normally
    assert said[-1] == ("False", reasons.WRITE_REFUSED)
    assert "a webhook says no" in one.condition("Ready")["message"]
    one.api.failures.clear()
    await one.look()
    await one.look()
    assert one.weights() == {"good": 10000, "bad": 0}
    assert ready(one) == ("True", reasons.IN_SYNC)


async def test_a_drain_begins_anew_when_the_clock_is_set(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until_state(one, "bad", "Draining")
    one.gateway()
    await one.look()
    one.clock_offset = 3600.0
    for _ in range(4):  # as long as a clock that was set is not believed, and the drain takes
        one.now += 29.0
        one.gateway()
        await one.look(tick=True)
        assert one.replicas("bad") == 2
    await until(one, lambda: one.replicas("bad") == 0)


QUOTA = "pods is forbidden: exceeded quota: small"


async def test_of_an_arm_whose_pods_do_not_come_back_it_is_said_what_keeps_them(process: Start) -> None:
    one = await learned(process, rollback={"drain": "1s", "retryAfter": "1m"})
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    await until(one, lambda: one.replicas("bad") == 0)
    one.broken = {"bad"}
    await until_state(one, "bad", "Restoring")
    assert one.condition("Progressing")["message"] == "bad is Restoring"
    one.hinder("bad", QUOTA)
    await one.look()
    assert one.condition("Progressing")["message"] == f"bad is Restoring; the Deployment of bad says: {QUOTA}"
    assert ready(one) == ("True", reasons.IN_SYNC)  # all requests are served
    one.hinder("bad", None)
    one.broken.clear()
    await until_state(one, "bad", "Active")
    assert QUOTA not in str(one.status["conditions"])


async def test_where_the_baseline_or_all_arms_are_without_pods_ready_says_what_keeps_them(
    process: Start,
) -> None:
    one = await learned(process)
    one.broken = {"good"}
    one.set_available("good", 0)
    one.hinder("good", QUOTA)
    await one.look()
    assert ready(one) == ("False", reasons.BASELINE_UNAVAILABLE)
    assert f"the Deployment of good says: {QUOTA})" in one.condition("Ready")["message"]
    one.broken = {"good", "bad"}
    one.set_available("bad", 0)
    await one.look()
    assert ready(one) == ("False", reasons.NO_ARM_AVAILABLE)
    assert one.condition("Ready")["message"].endswith(f"the Deployment of good says: {QUOTA}")
