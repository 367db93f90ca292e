"""A spec that cannot be read any more: the weights go by the last one that could, and nothing is learned."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.api.record import packed, unpacked
from bandit_operator.core import reasons
from bandit_operator.errors import InvalidSpec
from tests.support.fake_api import copied
from tests.support.playing import WORSE, Start, learned, ready, until_state
from tests.support.process import DOWN, Process


def one_arm(spec: dict[str, Any]) -> None:
    spec["arms"] = spec["arms"][:1]


def twice_one_name(spec: dict[str, Any]) -> None:
    spec["arms"][1]["name"] = spec["arms"][0]["name"]


def no_arms(spec: dict[str, Any]) -> None:
    del spec["arms"]


def arms_that_are_none(spec: dict[str, Any]) -> None:
    spec["arms"] = ["good", 3, {"name": "bad"}, {"name": "late", "backendRef": "late"}]


def nobody_as_baseline(spec: dict[str, Any]) -> None:
    spec["baseline"] = "nobody"


def no_strategy_of_that_name(spec: dict[str, Any]) -> None:
    spec["strategy"] = {"type": "Thomson"}


def an_interval_that_is_none(spec: dict[str, Any]) -> None:
    spec["interval"] = "soon"


def another_route_and_no_reward(spec: dict[str, Any]) -> None:
    spec["traffic"]["routeRef"]["name"] = "elsewhere"
    del spec["reward"]


def no_traffic(spec: dict[str, Any]) -> None:
    spec["traffic"] = None


def nothing_at_all(spec: dict[str, Any]) -> None:
    spec.clear()


FAULTS = [
    one_arm,
    twice_one_name,
    no_arms,
    arms_that_are_none,
    nobody_as_baseline,
    no_strategy_of_that_name,
    an_interval_that_is_none,
    another_route_and_no_reward,
    no_traffic,
    nothing_at_all,
]


def edit(one: Process, fault: Any) -> None:
    """The user edits the spec, and the definition that is installed lets it in."""
    body = copied(one.api.objects[one.path])
    fault(body["spec"])
    one.api.put(one.path, body)


@pytest.mark.parametrize("restarted", [False, True], ids=["the same process", "another process"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_an_arm_that_dies_under_a_spec_that_cannot_be_read_loses_its_weight(
    process: Start, fault: Any, restarted: bool
) -> None:
    one = await learned(process, arms=("good", "bad", "late"))
    before, windows = one.weights(), len(one.observer.windows)
    edit(one, fault)
    if restarted:
        one.start()
    one.earning = {**WORSE, "late": (500.0, 400.0)}
    await one.tick(5)
    assert ready(one) == ("False", reasons.INVALID_SPEC)
    assert one.weights() == before
    one.set_available("bad", 0)
    await one.look()
    assert one.weights()["bad"] == 0
    assert min(one.weights()["good"], one.weights()["late"]) > 0
    assert one.arm("bad")["state"] == "Unavailable"
    assert ready(one) == ("False", reasons.INVALID_SPEC)
    assert one.status["phase"] == "Rejected"
    assert len(one.observer.windows) == (0 if restarted else windows)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_the_watches_of_the_last_arms_go_on_under_a_spec_that_cannot_be_read(
    process: Start, fault: Any
) -> None:
    one = await learned(process)
    edit(one, fault)
    for _ in range(2):
        one.watch()
        assert one.key in one.cache.dependents("Service", ("models", "bad"))
        assert one.key in one.cache.dependents("Deployment", ("models", "bad"))
        assert one.key in one.cache.dependents("HTTPRoute", one.key)
        await one.look()


async def test_an_arm_that_comes_back_under_a_spec_that_cannot_be_read_serves_where_no_other_can(
    process: Start,
) -> None:
    one = await learned(process)
    one.set_available("bad", 0)
    await one.look()
    edit(one, nobody_as_baseline)
    one.broken = {"good", "bad"}
    one.set_available("good", 0)
    await one.tick(2)
    assert one.weights() == {"good": 10000, "bad": 0}
    one.set_available("bad", 2)
    await one.look()
    assert one.weights() == {"good": 0, "bad": 10000}
    assert ready(one) == ("False", reasons.INVALID_SPEC)


async def test_nothing_is_decided_by_what_a_spec_said_before_and_all_of_it_is_made_up_for(
    process: Start,
) -> None:
    one = await learned(process)
    trials = one.arm("bad")["trials"]
    good = copied(one.api.objects[one.path]["spec"])
    edit(one, nobody_as_baseline)
    one.earning = WORSE
    await one.tick(12)
    assert one.arm("bad")["state"] == "Active"
    assert one.arm("bad")["trials"] == trials
    assert "spec.baseline" in one.condition("Ready")["message"]
    assert one.condition("MetricsAvailable")["reason"] == reasons.INVALID_SPEC
    one.api.put(one.path, {**one.api.objects[one.path], "spec": good})
    await until_state(one, "bad", "Draining")
    assert float(one.arm("bad")["trials"]) > float(trials)
    assert one.condition("Accepted")["status"] == "True"


async def test_evidence_that_is_enough_takes_no_arm_out_while_the_spec_cannot_be_read(process: Start) -> None:
    one = await learned(process)
    one.update_spec(pin={"arm": "good", "reason": "alarm"})
    one.earning = WORSE
    await one.tick(12)  # a pinned resource makes no verdict, and learns
    one.update_spec(pin=None)
    edit(one, nobody_as_baseline)
    one.start()
    await one.tick(2)
    assert one.arm("bad")["state"] != "Draining"


@pytest.mark.parametrize("mode", ["Paused", "Observe"])
async def test_a_mode_that_does_less_is_obeyed_in_a_spec_that_cannot_be_read(
    process: Start, mode: str
) -> None:
    one = await learned(process)
    edit(one, nobody_as_baseline)
    edit(one, lambda spec: spec.update(mode=mode))
    one.set_available("bad", 0)
    before = one.weights()
    await one.tick(2)
    one.start()
    one.set_available("bad", 0)
    await one.look()
    assert one.weights() == before
    assert ready(one) == ("False", reasons.INVALID_SPEC)


async def test_weights_from_before_a_pause_do_not_come_back_with_a_spec_that_can_be_read_again(
    process: Start,
) -> None:
    one = await learned(process)
    good = copied(one.api.objects[one.path]["spec"])
    edit(one, lambda spec: spec.update(mode="Paused", baseline="nobody"))
    await one.tick()
    one.set_weights(good=7000, bad=3000)
    one.start()
    one.api.put(one.path, {**one.api.objects[one.path], "spec": good})
    one.gateway()
    one.earning = DOWN  # nothing but what was committed can move them
    await one.look()
    assert one.weights() == {"good": 7000, "bad": 3000}


async def test_a_resource_that_never_ran_holds_all(process: Start) -> None:
    one = process()
    edit(one, nobody_as_baseline)
    one.set_available("bad", 0)
    before = one.weights()
    await one.look(tick=True)
    assert ready(one) == ("False", reasons.INVALID_SPEC)
    assert one.weights() == before


async def test_a_spec_that_an_older_version_ran_and_this_one_refuses_is_gone_by(process: Start) -> None:
    one = await learned(process)
    body = one.api.objects[one.path]
    body["spec"]["reward"]["staleAfter"] = "20s"  # as if a rule had come since
    fields = unpacked(body["status"])
    del fields["spec"]
    body["status"] = packed(fields)
    for _ in range(2):
        one.start()
        await one.look(tick=True)
        assert ready(one) == ("False", reasons.INVALID_SPEC)
        assert one.weights()["bad"] > 0
    one.set_available("bad", 0)
    await one.look()
    assert one.weights() == {"good": 10000, "bad": 0}


async def test_a_spec_whose_promql_may_not_be_asked_leaves_no_weight_on_the_dead(process: Start) -> None:
    one = await learned(process)
    rewards, one.earning = one.earning, InvalidSpec("spec.reward.prometheus.successes: it is no selector")
    await one.tick()
    assert ready(one) == ("False", reasons.INVALID_SPEC)
    one.set_available("bad", 0)
    await one.look()
    assert one.weights() == {"good": 10000, "bad": 0}
    assert ready(one) == ("False", reasons.INVALID_SPEC)
    assert "no selector" in one.condition("Ready")["message"]
    one.set_available("bad", 2)
    one.earning = rewards
    await one.tick(2)
    assert ready(one)[0] == "True"


async def test_a_spec_that_cannot_be_read_beside_it_harms_no_other_resource(process: Start) -> None:
    one = await learned(process)
    body = one.api.objects[one.path]
    metadata = {
        "name": "older",
        "namespace": "models",
        "uid": "o",
        "creationTimestamp": "2025-01-01T00:00:00Z",
    }
    for fault in FAULTS:
        other = copied(body)
        fault(other["spec"])
        one.api.put(one.path.replace("income", "older"), {**other, "metadata": {**metadata}, "status": {}})
        await one.tick()
        assert ready(one)[0] == "True", fault.__name__
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")


# ---- two resources on one rule ----------------------------------------------------------------


def beside(one: Process, name: str, made: str, **metadata: Any) -> str:
    """Another resource on the same rule, as it stands; gives its path."""
    path = one.path.replace("income", name)
    body = copied(one.api.objects[one.path])
    named = {"name": name, "namespace": "models", "uid": name, "creationTimestamp": made, **metadata}
    one.api.put(path, {**body, "metadata": named})
    return path


EARLIER, LATER = "2025-01-01T00:00:00Z", "2027-01-01T00:00:00Z"


def paused(spec: dict[str, Any]) -> None:
    spec["mode"] = "Paused"


def observing(spec: dict[str, Any]) -> None:
    spec["mode"] = "Observe"


def untouched(_: dict[str, Any]) -> None:
    pass


@pytest.mark.parametrize("fault", [*FAULTS, paused, observing])
async def test_who_owns_a_rule_stays_so_whatever_befalls_its_spec(process: Start, fault: Any) -> None:
    one = await learned(process)
    path = beside(one, "older", EARLIER)
    for what in (untouched, fault):
        body = copied(one.api.objects[path])
        what(body["spec"])
        one.api.put(path, body)
        one.set_available("bad", 0)
        before = one.weights()
        await one.look(tick=True)
        one.start()
        await one.look(tick=True)
        assert ready(one) == ("False", reasons.RULE_CONFLICT)
        assert one.weights() == before


async def test_a_younger_claim_changes_nothing_for_the_owner_whose_spec_cannot_be_read(
    process: Start,
) -> None:
    one = await learned(process)
    beside(one, "younger", LATER)
    edit(one, another_route_and_no_reward)
    one.set_available("bad", 0)
    await one.look()
    assert ready(one) == ("False", reasons.INVALID_SPEC)
    assert one.weights() == {"good": 10000, "bad": 0}


async def test_an_owner_that_is_being_deleted_or_was_never_read_owns_nothing(process: Start) -> None:
    one = await learned(process)
    path = beside(one, "older", EARLIER, deletionTimestamp="2026-02-01T00:00:00Z", finalizers=["other"])
    await one.look()
    assert ready(one)[0] == "True"
    one.api.delete(path)
    one.start()
    path = beside(one, "unread", EARLIER)
    body = copied(one.api.objects[path])
    body["spec"]["baseline"], body["status"] = "nobody", {}
    one.api.put(path, body)
    one.set_available("bad", 0)
    await one.look()
    assert one.weights() == {"good": 10000, "bad": 0}
