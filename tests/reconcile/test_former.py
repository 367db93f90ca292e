"""Backends of arms that are taken out of the spec keep their share, or lose it, as the user says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.playing import WORSE, Start, learned, ready, until, until_state
from tests.support.process import Process

ARMS = ("good", "bad", "late")


async def taken_out(process: Start, removed_arms: str, **spec: Any) -> Process:
    """A rollout of which the arm late has been taken out."""
    one = await learned(
        process, arms=ARMS, traffic={"routeRef": {"name": "income"}, "removedArms": removed_arms}, **spec
    )
    one.update_spec(arms=one.api.objects[one.path]["spec"]["arms"][:2])
    return one


async def test_it_keeps_its_share_unless_the_user_says_otherwise(process: Start) -> None:
    one = await taken_out(process, "Keep")
    before = one.weights()["late"] / sum(one.weights().values())
    await one.tick(3)
    assert one.weights()["late"] / sum(one.weights().values()) == pytest.approx(before, abs=1e-3)
    assert "removedArms: Drain" in one.condition("Accepted")["message"]


async def test_it_loses_its_weight_once_the_status_knows_whose_it_was(process: Start) -> None:
    one = await taken_out(process, "Drain")
    one.api.writes.clear()
    await one.look()
    assert one.weights()["late"] == 0
    assert one.api.what_was_written()[0] == "status"
    assert one.replicas("late") == 2
    assert "Drained" in one.events()
    await one.tick()
    assert one.condition("Accepted")["message"] == "the route carries all arms"


async def test_a_backend_that_was_never_an_arm_keeps_its_weight(process: Start) -> None:
    one = await taken_out(process, "Drain")
    one.update_route(
        lambda spec: spec["rules"][0]["backendRefs"].append({"name": "stranger", "port": 80, "weight": 2500})
    )
    await one.look()
    await one.tick(2)
    assert one.weights()["late"] == 0
    assert one.weights()["stranger"] > 0


async def test_it_keeps_its_weight_while_no_arm_can_serve(process: Start) -> None:
    one = await taken_out(process, "Drain")
    one.broken = {"good", "bad"}
    for arm in ("good", "bad"):
        one.set_available(arm, 0)
    await one.look()
    assert one.weights()["late"] > 0
    one.broken = set()
    await one.tick(2)
    assert one.weights()["late"] == 0


async def test_the_one_that_had_all_of_the_traffic_is_followed_by_the_others_at_once(process: Start) -> None:
    one = await learned(process, arms=ARMS, pin={"arm": "late"})
    assert one.weights() == {"good": 0, "bad": 0, "late": 10_000}
    spec = one.api.objects[one.path]["spec"]
    traffic = {**spec["traffic"], "removedArms": "Drain"}
    one.update_spec(arms=spec["arms"][:2], pin=None, traffic=traffic)
    await one.look()
    assert one.weights()["late"] == 0
    assert sum(one.weights().values()) == 10_000


async def test_it_is_still_known_after_a_start_and_forgotten_once_the_rule_has_it_no_more(
    process: Start,
) -> None:
    one = await taken_out(process, "Keep")
    await one.look()
    one.start()
    traffic = one.api.objects[one.path]["spec"]["traffic"]
    one.update_spec(traffic={**traffic, "removedArms": "Drain"})
    await one.look(tick=True)
    await one.tick()
    assert one.weights()["late"] == 0
    refs = list(one.api.objects[one.route_path]["spec"]["rules"][0]["backendRefs"])
    one.update_route(lambda spec: spec["rules"][0].update(backendRefs=refs[:2]))
    await one.tick()
    one.update_route(
        lambda spec: spec["rules"][0].update(backendRefs=[*refs[:2], {**refs[2], "weight": 500}])
    )
    await one.tick(2)
    assert one.weights()["late"] > 0


async def test_another_writer_who_gives_it_weight_again_is_overruled_and_counted(process: Start) -> None:
    one = await taken_out(process, "Drain")
    await one.look()
    one.set_weights(late=3000)
    await one.look()
    assert one.weights()["late"] == 0
    assert one.status["foreignWeightChanges"] == 1


@pytest.mark.parametrize("removed", ["Keep", "Drain"])
async def test_an_arm_that_was_rolled_back_and_is_taken_out_gets_nothing_either_way(
    process: Start, removed: str
) -> None:
    one = await learned(process, arms=ARMS)
    one.update_spec(traffic={**one.api.objects[one.path]["spec"]["traffic"], "removedArms": removed})
    one.earning = {"good": (500.0, 400.0), "bad": (500.0, 400.0), "late": (500.0, 20.0)}
    await until_state(one, "late", "RolledBack")
    one.update_spec(arms=one.api.objects[one.path]["spec"]["arms"][:2])
    await one.tick(3)
    assert one.weights()["late"] == 0


def beside_a_stranger(spec: dict[str, Any]) -> None:
    spec["rules"][0]["backendRefs"].append({"name": "stranger", "port": 80, "weight": 500})


def strangers_share(one: Process) -> float:
    return one.weights()["stranger"] / sum(one.weights().values())


@pytest.mark.parametrize("left", [0, 1])
@pytest.mark.parametrize("restarted", [False, True])
async def test_the_others_get_back_what_another_writer_has_given_to_it(
    process: Start, left: int, restarted: bool
) -> None:
    one = await learned(process, arms=ARMS, traffic={"routeRef": {"name": "income"}, "removedArms": "Drain"})
    one.update_route(beside_a_stranger)
    one.gateway()
    await one.tick(2)
    one.update_spec(arms=one.api.objects[one.path]["spec"]["arms"][:2])
    await one.tick(2)
    share = strangers_share(one)
    if restarted:
        one.start()
    arms = one.weights()["good"] + one.weights()["bad"]
    one.set_weights(good=left, bad=left, late=arms - 2 * left)
    one.update_spec(pin={"arm": "good"})  # so that weights are written that were not decided before
    await one.look()
    assert one.weights()["late"] == one.weights()["bad"] == 0
    assert strangers_share(one) == pytest.approx(share, abs=0.01)
    assert one.condition("Ready")["reason"] != "NoShare"


@pytest.mark.parametrize("restarted", [False, True])
async def test_what_the_leader_had_goes_to_the_arms_that_stay_and_not_to_other_backends(
    process: Start, restarted: bool
) -> None:
    one = await learned(process, arms=ARMS, traffic={"routeRef": {"name": "income"}, "removedArms": "Drain"})
    one.update_route(beside_a_stranger)
    one.gateway()
    one.earning = {"good": (500.0, 200.0), "bad": (500.0, 200.0), "late": (500.0, 400.0)}
    await until(one, lambda: one.weights()["late"] > 0.9 * sum(one.weights().values()))
    share = strangers_share(one)
    one.update_spec(arms=one.api.objects[one.path]["spec"]["arms"][:2])
    if restarted:
        one.start()
    await one.look()
    assert one.weights()["late"] == 0
    assert strangers_share(one) == pytest.approx(share, rel=0.1)
    one.gateway()
    await one.tick(5)
    assert strangers_share(one) == pytest.approx(share, rel=0.1)


async def test_a_pin_is_followed_where_another_writer_had_left_the_arms_nothing(process: Start) -> None:
    one = await learned(process)
    one.update_route(beside_a_stranger)
    one.gateway()
    await one.tick(2)
    one.start()
    one.set_weights(good=0, bad=0)
    one.update_spec(pin={"arm": "good"})
    await one.look()
    assert one.weights()["good"] > 0
    assert one.weights()["bad"] == 0
    assert one.condition("Ready")["reason"] != "NoShare"


def add_again(one: Process, arm: str, weight: int) -> None:
    """Somebody puts an arm's backend into the rule once more."""
    again = {"name": one.services[arm], "port": 80, "weight": weight}
    one.update_route(lambda spec: spec["rules"][0]["backendRefs"].append(again))


def refs(one: Process, arm: str) -> list[int]:
    listed = one.api.objects[one.route_path]["spec"]["rules"][0]["backendRefs"]
    return [ref["weight"] for ref in listed if ref["name"] == one.services[arm]]


async def test_an_arm_that_is_twice_in_the_rule_keeps_its_share_until_it_cannot_serve(process: Start) -> None:
    one = await learned(process)
    add_again(one, "bad", 5000)
    await one.look()
    assert all(refs(one, "bad"))
    one.set_available("bad", 0)
    await one.look()
    assert refs(one, "bad") == [0, 0]
    assert one.weights()["good"] > 0
    assert ready(one) == ("False", "BackendNotFound")


async def test_a_loser_at_zero_that_is_put_into_the_rule_once_more_gets_no_weight(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    add_again(one, "bad", 5000)
    one.gateway()
    await one.look()
    assert refs(one, "bad") == [0, 0]


async def test_an_arm_that_is_twice_in_the_rule_is_not_taken_out_as_the_last_that_has_weight(
    process: Start,
) -> None:
    one = await learned(process)
    add_again(one, "bad", 5000)
    for arm in ("good", "bad"):
        one.set_available(arm, 0)
    await one.look()
    assert all(refs(one, "bad"))
