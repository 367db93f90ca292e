"""Backends that are put under other arms' names: weights go with the backends, not with the names."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.status.replay import replay
from tests.support.fake_api import copied, deployment_of
from tests.support.objects import NAMESPACE, TEMPLATE, deployment_body
from tests.support.playing import Start, learned, until
from tests.support.process import Process

ARMS = ("stable", "candidate")


async def won(process: Start, **spec: Any) -> Process:
    """A rollout whose candidate has nearly all of the traffic."""
    one = await learned(process, arms=ARMS, **spec)
    one.earning = {"stable": (500.0, 250.0), "candidate": (500.0, 400.0)}
    await until(one, lambda: one.weights()["candidate"] >= 9900)
    return one


def put_under(one: Process, **services: str) -> None:
    """The user writes which Service, and which Deployment of that name, is behind each arm."""
    arms = copied(one.api.objects[one.path]["spec"]["arms"])
    for arm in arms:
        arm["backendRef"]["name"] = arm["scaleTargetRef"]["name"] = services[arm["name"]]
    one.services = services
    one.update_spec(arms=arms)


def weights_by_service(one: Process) -> dict[str, int]:
    refs = one.api.objects[one.route_path]["spec"]["rules"][0]["backendRefs"]
    return {ref["name"]: ref.get("weight", 1) for ref in refs}


def deploy(one: Process, service: str) -> None:
    one.api.put(deployment_of(service, NAMESPACE), deployment_body(service))
    one.arms = (*one.arms, service)
    one.set_available(service, 2)


@pytest.mark.parametrize("restarted", [False, True])
async def test_the_winner_that_becomes_the_stable_arm_keeps_its_traffic_and_the_next_candidate_begins_small(
    process: Start, restarted: bool
) -> None:
    one = await won(process)
    deploy(one, "next")
    put_under(one, stable="candidate", candidate="next")
    one.update_route(lambda spec: spec["rules"][0]["backendRefs"].append({"name": "next", "port": 80}))
    if restarted:
        one.start()
    for _ in range(3):
        await one.look()
        one.gateway()
        carried = weights_by_service(one)
        assert carried["candidate"] / sum(carried.values()) >= 0.9
        assert carried["next"] / sum(carried.values()) <= 0.1
        one.now += 10.0
    assert replay(one.api.objects[one.path]).agrees


async def test_a_backend_that_a_template_puts_in_under_the_winners_name_is_never_written_with_its_weight(
    process: Start,
) -> None:
    one = await won(process, traffic={"routeTemplate": TEMPLATE})
    deploy(one, "next")
    put_under(one, stable="candidate", candidate="next")
    highest = 0

    def look(_: Any) -> None:
        nonlocal highest
        highest = max(highest, weights_by_service(one).get("next", 0))

    one.api.on_write.append(look)
    await one.look()
    assert weights_by_service(one)["candidate"] >= 9900
    assert highest <= 1000


async def test_two_arms_that_exchange_their_backends_leave_traffic_where_it_is(process: Start) -> None:
    one = await won(process)
    before = weights_by_service(one)
    put_under(one, stable="candidate", candidate="stable")
    one.api.writes.clear()
    await one.look()
    assert weights_by_service(one) == before
    assert "route" not in one.api.what_was_written()
    assert one.status["foreignWeightChanges"] == 0


async def test_a_backend_of_others_keeps_its_share_beside_a_new_backend_under_an_old_name(
    process: Start,
) -> None:
    one = await learned(process)
    one.update_route(
        lambda spec: spec["rules"][0]["backendRefs"].append({"name": "legacy", "port": 80, "weight": 5000})
    )
    one.gateway()
    one.earning = {"good": (500.0, 200.0), "bad": (500.0, 450.0)}
    await until(one, lambda: one.weights()["bad"] > 9 * one.weights()["good"])
    one.rename_backend("bad", "other")
    one.gateway()
    await one.look()
    await one.tick()
    carried = weights_by_service(one)
    assert carried["legacy"] / sum(carried.values()) == pytest.approx(1 / 3, abs=0.01)


async def test_a_new_scale_target_that_is_found_at_zero_gets_as_many_replicas_as_the_other_arm_has(
    process: Start,
) -> None:
    one = await learned(process, arms=ARMS)
    deploy(one, "next")
    one.scale("next", 0)
    put_under(one, stable="stable", candidate="next")
    one.set_available("next", 0)
    one.update_route(lambda spec: spec["rules"][0]["backendRefs"].append({"name": "next", "port": 80}))
    await one.look()
    assert one.replicas("next") == 2
