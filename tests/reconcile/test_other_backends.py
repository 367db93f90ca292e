"""Backends that are put under other arms' names: weights go with the backends, not with the names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bandit_operator.core import reasons
from bandit_operator.status.replay import replay
from tests.support.fake_api import copied, deployment_of
from tests.support.objects import NAMESPACE, TEMPLATE, deployment_body
from tests.support.playing import Start, learned, until
from tests.support.process import Process

ARMS = ("stable", "candidate")


async def won(process: Start, **spec: Any) -> Process:
    """A rollout whose candidate has nearly all of the traffic."""
    one = await learned(process, **{"arms": ARMS, **spec})
    one.earning = {arm: (500.0, 400.0 if arm == "candidate" else 250.0) for arm in one.arms}
    await until(one, lambda: one.weights()["candidate"] >= 9700)
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


async def the_candidate_stays_ahead(one: Process, restarted: bool) -> list[dict[str, float]]:
    """Three looks, after a restart or not, at which the Service candidate has nearly all of the traffic.

    Returns:
        The share of each Service at each look.
    """
    if restarted:
        one.start()
    seen = []
    for _ in range(3):
        await one.look()
        one.gateway()
        weights = weights_by_service(one)
        seen.append({name: weight / sum(weights.values()) for name, weight in weights.items()})
        assert seen[-1]["candidate"] >= 0.9, weights
        one.now += 10.0
    return seen


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
    assert all(shares["next"] <= 0.1 for shares in await the_candidate_stays_ahead(one, restarted))
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


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("left", [("stable", "candidate", "third"), ("stable", "third")])
async def test_the_winner_under_the_stable_arms_name_is_no_newcomer_whose_traffic_falls_to_a_third_arm(
    process: Start, left: tuple[str, ...], restarted: bool
) -> None:
    one = await won(process, arms=(*ARMS, "third"))
    assert weights_by_service(one)["third"] <= 200
    spec = copied(one.api.objects[one.path]["spec"]["arms"])
    one.update_spec(arms=[arm for arm in spec if arm["name"] in left])
    put_under(one, **{"stable": "candidate", "candidate": "stable", "third": "third"})
    await the_candidate_stays_ahead(one, restarted)
    assert (one.arm("stable")["state"], one.arm("stable")["reason"]) == ("Active", reasons.NEW_BACKEND)
    assert one.arm("stable")["trials"] == "0"
    assert "arm stable: it has the backend of arm candidate now" in str(one.api.writes)
    await one.tick()
    assert replay(one.api.objects[one.path]).agrees


def relabelled(arm: dict[str, Any]) -> dict[str, Any]:
    return {**arm, "labelValue": "another"} if arm["name"] == "candidate" else arm


def renamed(arm: dict[str, Any]) -> dict[str, Any]:
    return {**arm, "name": "champion"} if arm["name"] == "candidate" else arm


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("edit", [relabelled, renamed])
async def test_the_leader_under_another_name_or_label_keeps_its_traffic_and_begins_its_evidence_anew(
    process: Start, edit: Callable[[dict[str, Any]], dict[str, Any]], restarted: bool
) -> None:
    one = await won(process, arms=(*ARMS, "third"))
    one.update_spec(arms=[edit(arm) for arm in copied(one.api.objects[one.path]["spec"]["arms"])])
    if restarted:
        one.start()
    await one.look()
    carried = weights_by_service(one)
    assert carried["candidate"] / sum(carried.values()) >= 0.9, carried
    [leader] = [arm for arm in one.status["arms"] if arm["weight"] == carried["candidate"]]
    assert (leader["state"], leader["trials"]) == ("Active", "0")
    assert "its weight goes on, its evidence begins anew" in str(one.api.writes)


def targeted(one: Process, target: str | None) -> None:
    """The user names what runs the candidate, or leaves it out."""
    arms = copied(one.api.objects[one.path]["spec"]["arms"])
    for arm in arms:
        if arm["name"] == "candidate":
            arm.pop("scaleTargetRef", None)
            if target is not None:
                arm["scaleTargetRef"] = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
    one.update_spec(arms=arms)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({"scale_target": None}, "candidate", id="named for the first time"),
        pytest.param({}, None, id="left out"),
        pytest.param({}, "again", id="corrected to one of the same template"),
    ],
)
async def test_the_leader_with_another_scale_target_of_the_same_pods_keeps_its_traffic(
    process: Start, before: dict[str, Any], after: str | None, restarted: bool
) -> None:
    one = await won(process, arms=(*ARMS, "third"), **before)
    again = {
        **deployment_body("candidate"),
        "metadata": {"name": "again", "namespace": NAMESPACE, "uid": "2"},
    }
    one.api.put(deployment_of("again", NAMESPACE), again)
    one.watch()
    targeted(one, after)
    await the_candidate_stays_ahead(one, restarted)
    assert (one.arm("candidate")["state"], one.arm("candidate")["trials"]) == ("Active", "0")
    assert "arm candidate: it has another scaleTargetRef; its weight goes on" in str(one.api.writes)
    await one.tick()
    assert replay(one.api.objects[one.path]).agrees


async def test_a_scale_target_of_other_pods_is_another_model_and_begins_small(process: Start) -> None:
    one = await won(process, arms=(*ARMS, "third"))
    one.api.put(deployment_of("next", NAMESPACE), deployment_body("next"))
    one.watch()
    targeted(one, "next")
    await one.look()
    carried = weights_by_service(one)
    assert carried["candidate"] / sum(carried.values()) <= 0.1, carried
    assert one.arm("candidate")["state"] == "Joining"


async def test_what_was_counted_under_a_label_before_it_was_an_arms_is_not_learned_of_that_arm(
    process: Start,
) -> None:
    one = await won(process)
    one.now += 15.0
    put_under(one, stable="candidate", candidate="stable")
    await one.look()
    one.earning = {"stable": (500.0, 0.0), "candidate": (500.0, 500.0)}  # by what the labels were mostly
    one.now -= 15.0
    await one.tick()
    assert {arm["trials"] for arm in one.status["arms"]} == {"0"}
    one.earning = {"stable": (500.0, 400.0), "candidate": (5.0, 2.0)}
    await one.tick()
    assert (one.arm("stable")["trials"], one.arm("candidate")["trials"]) == ("500", "5")
    assert one.arm("stable")["reason"] == reasons.SERVING
    assert one.arm("candidate")["reason"] == reasons.NEW_BACKEND
    assert replay(one.api.objects[one.path]).agrees


async def test_not_even_where_an_arm_needs_no_trials_to_follow_the_strategy(process: Start) -> None:
    one = await learned(process, arms=ARMS, guardrails={"minTrials": 0})
    one.now += 15.0
    deploy(one, "next")
    put_under(one, stable="stable", candidate="next")
    one.update_route(lambda spec: spec["rules"][0]["backendRefs"].append({"name": "next", "port": 80}))
    await one.look()
    assert one.arm("candidate")["state"] == "Joining"
    one.earning = {"stable": (500.0, 250.0), "candidate": (500.0, 500.0)}  # of which most are the former's
    one.now -= 15.0
    await one.tick()
    assert (one.arm("candidate")["trials"], one.arm("candidate")["state"]) == ("0", "Joining")
    one.earning = {"stable": (500.0, 250.0), "candidate": (5.0, 2.0)}
    await one.tick()
    assert (one.arm("candidate")["trials"], one.arm("candidate")["state"]) == ("5", "Active")
    assert replay(one.api.objects[one.path]).agrees


async def test_an_arm_that_needs_no_trials_follows_the_strategy_also_where_nobody_counts_any(
    process: Start,
) -> None:
    one = await learned(process, arms=ARMS, guardrails={"minTrials": 0})
    deploy(one, "next")
    put_under(one, stable="stable", candidate="next")
    one.update_route(lambda spec: spec["rules"][0]["backendRefs"].append({"name": "next", "port": 80}))
    one.earning = {"stable": (500.0, 250.0), "candidate": None}
    await one.tick(3)
    assert (one.arm("candidate")["trials"], one.arm("candidate")["state"]) == ("0", "Active")


async def test_a_loser_that_is_put_under_the_stable_arms_name_is_brought_up_like_a_new_one(
    process: Start,
) -> None:
    one = await learned(process, arms=ARMS)
    one.earning = {"stable": (500.0, 400.0), "candidate": (500.0, 10.0)}
    await until(one, lambda: one.arm("candidate")["state"] == "RolledBack")
    put_under(one, stable="candidate", candidate="stable")
    await one.look()
    assert one.arm("stable")["state"] == "Restoring"
    assert weights_by_service(one)["stable"] > 0 == weights_by_service(one)["candidate"]


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


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("removed", ["Keep", "Drain"])
async def test_a_leader_that_is_taken_out_of_the_spec_and_put_back_goes_on_with_what_it_carries(
    process: Start, removed: str, restarted: bool
) -> None:
    one = await won(process, arms=(*ARMS, "third"))
    one.update_spec(traffic={**one.spec["traffic"], "removedArms": removed})
    await one.look()
    spec = copied(one.api.objects[one.path]["spec"]["arms"])
    one.update_spec(arms=[arm for arm in spec if arm["name"] != "candidate"])
    await one.tick()
    one.gateway()
    before = weights_by_service(one)
    one.update_spec(arms=spec)
    if restarted:
        one.start()
    await one.look()
    after = weights_by_service(one)
    shares = [{arm: weight / sum(had.values()) for arm, weight in had.items()} for had in (before, after)]
    for arm in ("stable", "third"):
        assert shares[1][arm] <= shares[0][arm] + 0.01, "nobody gains what it may never have carried"
    state = ("Active", reasons.NEW_BACKEND) if before["candidate"] else ("Joining", reasons.NEW_ARM)
    assert (one.arm("candidate")["state"], one.arm("candidate")["reason"]) == state
    assert one.arm("candidate")["trials"] == "0"
    await one.tick()
    assert replay(one.api.objects[one.path]).agrees


async def test_a_backend_that_never_was_an_arm_joins_as_a_small_one_whatever_weight_it_has(
    process: Start,
) -> None:
    one = await won(process)
    deploy(one, "next")
    one.update_route(
        lambda spec: spec["rules"][0]["backendRefs"].append({"name": "next", "port": 80, "weight": 9000})
    )
    await one.tick()
    arms = copied(one.api.objects[one.path]["spec"]["arms"])
    added = {
        "name": "next",
        "backendRef": {"name": "next"},
        "scaleTargetRef": {"kind": "Deployment", "name": "next"},
    }
    one.services = {**one.services, "next": "next"}
    one.update_spec(arms=[*arms, added])
    await one.look()
    carried = weights_by_service(one)
    assert carried["next"] / sum(carried.values()) <= 0.1
