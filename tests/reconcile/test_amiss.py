"""A fault in the spec, or beside it, of one arm or of the rule: what can go on does, and it is told."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.core import reasons
from bandit_operator.errors import APIError
from tests.support.fake_api import copied
from tests.support.playing import WORSE, Start, learned, ready, until, until_state
from tests.support.process import Process


async def with_a_third_arm(
    process: Start, *, in_rule: bool, exists: bool = True, target: str = ""
) -> Process:
    """A rollout of two arms, to which one is added that lacks something."""
    one = await learned(process)
    arm: dict[str, Any] = {"name": "late", "backendRef": {"name": "late", "kind": "Service", "group": ""}}
    if target:
        arm["scaleTargetRef"] = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
    if exists:
        one.cache.services[("models", "late")] = {}
    if in_rule:
        late = {"name": "late", "port": 80, "weight": 0}
        one.update_route(lambda spec: spec["rules"][0]["backendRefs"].append(late))
        one.gateway()
    one.update_spec(arms=[*one.api.objects[one.path]["spec"]["arms"], arm])
    await one.look()
    return one


LACKING: list[tuple[dict[str, Any], str, str]] = [
    ({"in_rule": False}, reasons.BACKEND_NOT_FOUND, "backendRef of arm late (Service models/late) is not in"),
    ({"in_rule": True, "exists": False}, reasons.BACKEND_NOT_FOUND, "Service models/late, which does not"),
    ({"in_rule": True, "target": "lat"}, reasons.SCALE_TARGET_NOT_FOUND, "Deployment models/lat, which does"),
]


@pytest.mark.parametrize(("lacks", "reason", "says"), LACKING, ids=["not in the rule", "Service", "target"])
async def test_what_a_new_arm_lacks_takes_only_that_arm_out_and_ready_says_so(
    process: Start, lacks: Any, reason: str, says: str
) -> None:
    one = await with_a_third_arm(process, **lacks)
    assert ready(one) == ("False", reason)
    assert says in one.condition("Ready")["message"]
    assert one.arm("late")["state"] == "Unavailable"
    one.set_available("bad", 0)
    await one.look()
    assert {arm: one.weights()[arm] for arm in one.arms} == {"good": 10000, "bad": 0}
    one.set_available("bad", 2)
    one.earning = {**WORSE, "late": None}
    await until_state(one, "bad", "RolledBack")
    assert ready(one) == ("False", reason)


async def test_a_new_arm_whose_backend_is_mended_joins_and_ready_is_true_again(process: Start) -> None:
    one = await with_a_third_arm(process, in_rule=False)
    late = {"name": "late", "port": 80, "weight": 0}
    one.update_route(lambda spec: spec["rules"][0]["backendRefs"].append(late))
    one.start()  # nor does a process that begins forget that it was amiss
    one.cache.services[("models", "late")] = {}
    one.cache.endpoints.put_listed(("models", "late"), [endpoint_slice("late")], anew=False)
    one.gateway()
    one.earning = {"good": (500.0, 250.0), "bad": (500.0, 250.0), "late": (50.0, 25.0)}
    await one.tick(2)
    assert one.weights()["late"] > 0
    assert ready(one) == ("True", reasons.IN_SYNC)


def endpoint_slice(service: str) -> dict[str, Any]:
    metadata = {
        "name": f"{service}-1",
        "namespace": "models",
        "uid": service,
        "labels": {"kubernetes.io/service-name": service},
    }
    return {"metadata": metadata, "endpoints": [{"addresses": ["10.0.0.9"], "conditions": {"ready": True}}]}


async def test_a_resource_that_has_never_run_waits_for_all_of_its_arms(process: Start) -> None:
    one = process()
    one.update_route(lambda spec: spec["rules"][0]["backendRefs"].pop())
    one.set_available("good", 0)
    before = one.weights()
    await one.look(tick=True)
    assert ready(one) == ("False", reasons.BACKEND_NOT_FOUND)
    assert one.weights() == before


async def test_another_backend_of_an_arm_that_is_a_typo_is_told_as_that_of_a_new_arm_is(
    process: Start,
) -> None:
    one = await learned(process)
    arms = copied(one.api.objects[one.path]["spec"]["arms"])
    arms[1]["backendRef"]["name"] = "bda"
    one.update_spec(arms=arms)
    one.cache.services[("models", "bda")] = {}
    for _ in range(3):
        await one.look()
        assert ready(one) == ("False", reasons.BACKEND_NOT_FOUND)
    assert one.arm("bad")["state"] == "Unavailable"
    assert one.arm("good")["weight"] == 10000


@pytest.mark.parametrize("error", [APIError(403, "forbidden"), APIError(500, "no such version")], ids=str)
async def test_a_scale_that_may_not_be_read_any_more_stops_no_arm(process: Start, error: APIError) -> None:
    one = await learned(process, scale_target={"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"})
    for path, body in list(one.api.objects.items()):
        if "/deployments/" in path:
            one.api.put(
                path.replace("apps/v1", "argoproj.io/v1alpha1").replace("deployments", "rollouts"), body
            )
    await one.look()
    one.set_available("bad", 0)
    for _ in range(4):
        one.api.fail("get", "/scale", error)
    await one.look()
    assert one.weights() == {"good": 10000, "bad": 0}
    assert ready(one) == ("False", reasons.SCALE_TARGET_REFUSED)
    assert str(error) in one.condition("Ready")["message"] or "scalables" in one.condition("Ready")["message"]
    one.api.failures.clear()
    await one.look()
    assert one.condition("Accepted")["status"] == "True"


# ---- the rule -------------------------------------------------------------------------------


def another_rule(spec: dict[str, Any]) -> None:
    """The same backends under another match, as people write it who forget sectionName."""
    refs = copied(spec["rules"][0]["backendRefs"])
    spec["rules"].append({"matches": [{"path": {"value": "/v2"}}], "backendRefs": refs})


def the_same_rule(spec: dict[str, Any]) -> None:
    spec["rules"].append(copied(spec["rules"][0]))


async def test_in_an_ambiguous_rule_weights_stay_and_an_arm_that_cannot_serve_loses_its_own(
    process: Start,
) -> None:
    one = await learned(process, arms=("good", "bad", "late"))
    one.update_route(another_rule)
    one.gateway()
    one.earning = {**WORSE, "late": (500.0, 400.0)}
    before = one.weights()
    await one.tick(3)
    assert ready(one) == ("False", reasons.RULE_AMBIGUOUS)
    assert one.condition("MetricsAvailable")["reason"] == reasons.RULE_AMBIGUOUS
    assert one.weights() == before
    one.start()  # nor is that forgotten with the process
    windows = len(one.observer.windows)
    one.set_available("bad", 0)
    await one.look()
    assert one.weights()["bad"] == 0
    other = one.api.objects[one.route_path]["spec"]["rules"][1]["backendRefs"]
    assert [ref["weight"] for ref in other] == [3333, 3333, 3333]
    assert len(one.observer.windows) == windows
    assert ready(one) == ("False", reasons.RULE_AMBIGUOUS)
    one.update_route(lambda spec: spec["rules"].pop())
    one.set_available("bad", 2)
    await one.tick()
    assert ready(one)[0] == "True"
    assert len(one.observer.windows) > windows + 1  # those that were due meanwhile


async def test_rules_that_nothing_tells_apart_are_left_alone(process: Start) -> None:
    one = await learned(process)
    one.update_route(the_same_rule)
    one.gateway()
    before = copied(one.api.objects[one.route_path]["spec"])
    one.set_available("bad", 0)
    await one.tick()
    assert ready(one) == ("False", reasons.RULE_AMBIGUOUS)
    assert one.api.objects[one.route_path]["spec"] == before


async def test_a_section_name_with_a_typo_leaves_the_dead_arms_of_the_rule_that_it_named(
    process: Start,
) -> None:
    traffic = {"routeRef": {"name": "income", "sectionName": "predict"}}
    one = await learned(process, traffic=traffic)
    named = one.api.objects[one.path]["spec"]["traffic"]["routeRef"]
    one.update_spec(traffic={"routeRef": {**named, "sectionName": "predikt"}})
    one.set_available("bad", 0)
    await one.look()
    assert one.weights() == {"good": 10000, "bad": 0}
    assert ready(one) == ("False", reasons.RULE_NOT_FOUND)


async def test_the_only_rule_of_a_route_is_known_again_under_another_name(process: Start) -> None:
    one = await learned(process, traffic={"routeRef": {"name": "income", "sectionName": "predict"}})
    one.update_route(lambda spec: spec["rules"][0].update(name="predict-v2"))
    one.set_available("bad", 0)
    await one.look()
    assert one.weights() == {"good": 10000, "bad": 0}
    assert ready(one) == ("False", reasons.RULE_NOT_FOUND)


async def test_a_resource_that_has_never_run_waits_for_the_rule_that_it_names(process: Start) -> None:
    one = process(traffic={"routeRef": {"name": "income", "sectionName": "predikt"}})
    before = one.weights()
    one.set_available("bad", 0)
    await one.look(tick=True)
    assert one.weights() == before
    assert ready(one) == ("False", reasons.RULE_NOT_FOUND)


async def test_a_rule_of_another_route_that_the_user_names_is_not_found_by_that_of_the_former(
    process: Start,
) -> None:
    one = await learned(process)
    route = copied(one.api.objects[one.route_path])
    route["metadata"] |= {"name": "other", "uid": "other"}
    another_rule(route["spec"])
    path = one.route_path.replace("income", "other")
    one.api.put(path, route)
    one.set_available("bad", 0)
    named = one.api.objects[one.path]["spec"]["traffic"]["routeRef"]
    one.update_spec(traffic={"routeRef": {**named, "name": "other"}})
    await one.look()
    assert ready(one) == ("False", reasons.RULE_AMBIGUOUS)
    assert one.api.objects[path]["spec"] == route["spec"]


@pytest.mark.parametrize("removed_arms", ["Keep", "Drain"])
async def test_an_arm_that_is_twice_in_the_rule_keeps_what_it_has_there_and_the_dead_lose_theirs(
    process: Start, removed_arms: str
) -> None:
    one = await learned(
        process,
        arms=("good", "bad", "late"),
        traffic={"routeRef": {"name": "income"}, "removedArms": removed_arms},
    )

    def twice(spec: dict[str, Any]) -> None:
        refs = spec["rules"][0]["backendRefs"]
        refs.append({**refs[2], "port": 81})

    one.update_route(twice)
    one.gateway()
    before = [ref["weight"] for ref in one.api.objects[one.route_path]["spec"]["rules"][0]["backendRefs"]]
    one.set_available("bad", 0)
    await one.look()
    after = [ref["weight"] for ref in one.api.objects[one.route_path]["spec"]["rules"][0]["backendRefs"]]
    assert after[1] == 0
    assert after[0] > 0
    assert [weight / sum(after) for weight in after[2:]] == pytest.approx(
        [weight / sum(before) for weight in before[2:]], abs=0.01
    )
    assert ready(one) == ("False", reasons.BACKEND_NOT_FOUND)
    assert "2 times" in one.condition("Ready")["message"]


async def test_a_drain_in_an_ambiguous_rule_keeps_pods_that_the_other_rule_uses(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until_state(one, "bad", "Draining")
    one.update_route(another_rule)
    one.update_route(lambda spec: spec["rules"][1]["backendRefs"][1].update(weight=5))
    await one.tick(6)
    assert one.replicas("bad") == 2
    one.update_route(lambda spec: spec["rules"].pop())
    await until(one, lambda: one.replicas("bad") == 0)
