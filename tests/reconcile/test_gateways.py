"""A route of several gateways: one that had the old weights must take the new ones before an arm goes."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from bandit_operator.core import reasons
from bandit_operator.reconcile.route_sync import ACCEPT_SECONDS, LEFT_SECONDS
from tests.support.fake_api import copied, gateway_of
from tests.support.objects import gateway_body
from tests.support.playing import WORSE, Start, learned, ready, until, until_state
from tests.support.process import Process

EDGE = "Gateway infra/edge"
RARE = {"prometheus": {"successes": "good_total", "trials": "all_total"}, "staleAfter": "3h"}
"""Rewards of which windows are an hour."""


def exist(one: Process, *gateways: tuple[str, str]) -> None:
    """Gateways by namespace and name, programmed."""
    for namespace, name in gateways:
        metadata = {"namespace": namespace, "name": name, "uid": f"{namespace}-{name}"}
        one.api.put(gateway_of(name, namespace), {**gateway_body(), "metadata": metadata})


def gateways(one: Process, edge: str | None, *, generation: int | None = None, words: str = "") -> None:
    """Let one gateway accept the route as it is, and another say of it what is given; None: it is gone."""
    route = one.api.objects[one.route_path]
    now = route["metadata"]["generation"]
    first = {"type": "Accepted", "status": "True", "observedGeneration": now}
    second = {"type": "Accepted", "status": edge, "observedGeneration": generation or now, "message": words}
    parents: list[dict[str, Any]] = [{"parentRef": {"name": "main"}, "conditions": [first]}]
    if edge is not None:
        parents.append({"parentRef": {"name": "edge", "namespace": "infra"}, "conditions": [second]})
    one.api.put(one.route_path, {**route, "status": {"parents": parents}})


async def draining(process: Start, *, edge: str = "True") -> Process:
    """A loser that drains, of whose weight 0 no gateway has heard."""
    one = await learned(process, rollback={"drain": "3s"})
    one.update_route(
        lambda spec: spec.update(parentRefs=[{"name": "main"}, {"name": "edge", "namespace": "infra"}])
    )
    exist(one, ("models", "main"), ("infra", "edge"))
    gateways(one, edge)
    await one.look()
    one.earning = WORSE
    for _ in range(80):
        one.now += 30.0
        await one.look(tick=True)
        if one.arm("bad")["state"] == "Draining":
            return one
        gateways(one, edge)
        await one.look()
    raise AssertionError(one.status)


async def passes(one: Process, edge: str | None, times: int = 4, **said: Any) -> None:
    for _ in range(times):
        one.now += 30.0
        gateways(one, edge, **said)
        await one.look(tick=True)


async def test_a_drain_waits_for_a_gateway_that_had_the_route_and_refuses_it_now(process: Start) -> None:
    one = await draining(process)
    await passes(one, "False", words="no listener lets it in")
    assert (one.replicas("bad"), one.arm("bad")["reason"]) == (2, reasons.WAITING_FOR_ROUTE)
    assert ready(one) == ("False", reasons.ROUTE_NOT_ACCEPTED)
    message = one.condition("Ready")["message"]
    assert "no listener lets it in" in message
    assert f"{EDGE} may still go by older weights" in message
    await passes(one, "True")
    assert one.replicas("bad") == 0
    assert ready(one)[0] == "True"


@pytest.mark.parametrize("status", ["Unknown", "False"])
async def test_a_gateway_that_says_nothing_of_this_generation_is_waited_for_by_name(
    process: Start, status: str
) -> None:
    one = await draining(process)
    await passes(one, status, generation=1)
    assert one.replicas("bad") == 2
    assert ready(one) == ("False", reasons.ROUTE_NOT_ACCEPTED)
    assert f"{EDGE} has not accepted generation" in one.condition("Ready")["message"]


@pytest.mark.parametrize(
    ("refs", "words"),
    [
        ([{"name": "edge", "namespace": "infra"}], f"its parentRefs name {EDGE}: see that it exists"),
        ([], "the route has no parentRefs, so no gateway carries it"),
    ],
)
async def test_a_route_that_no_gateway_speaks_of_is_told_with_the_gateways_that_it_names(
    process: Start, refs: list[dict[str, Any]], words: str
) -> None:
    one = await learned(process)
    route = one.api.objects[one.route_path]
    spec = {**route["spec"], "parentRefs": refs}
    one.api.put(one.route_path, {**route, "spec": spec, "status": {}})
    for _ in range(3):
        one.now += ACCEPT_SECONDS
        await one.look()
    assert ready(one) == ("False", reasons.ROUTE_NOT_ACCEPTED)
    assert words in one.condition("Ready")["message"]


async def test_a_process_that_begins_knows_which_gateways_had_the_route(process: Start) -> None:
    one = await draining(process)
    one.start()
    await passes(one, "False")
    assert one.replicas("bad") == 2
    one.start()
    await passes(one, "False")
    assert one.replicas("bad") == 2


async def test_a_gateway_that_never_had_the_route_is_not_waited_for(process: Start) -> None:
    one = await draining(process, edge="False")
    await passes(one, "False")
    assert one.replicas("bad") == 0
    assert ready(one)[0] == "True"


async def test_a_gateway_that_leaves_the_route_is_not_waited_for(process: Start) -> None:
    one = await draining(process)
    await passes(one, "False")
    assert one.replicas("bad") == 2
    await passes(one, None)
    assert one.replicas("bad") == 0
    assert one.status["parents"] == ["Gateway models/main"]


async def test_while_one_gateway_refuses_the_route_no_weight_follows_the_evidence_and_the_dead_lose_theirs(
    process: Start,
) -> None:
    one = await learned(process, arms=("good", "bad", "late"))
    gateways(one, "True")
    await one.look()
    one.set_weights(good=4000, bad=3000, late=2999)
    await one.look()
    one.earning = {**WORSE, "late": (500.0, 400.0)}
    before = one.weights()
    await passes(one, "False", times=2)
    assert one.weights() == before
    one.set_available("late", 0)
    await one.look()
    assert one.weights()["late"] == 0
    assert ready(one) == ("False", reasons.ROUTE_NOT_ACCEPTED)


async def test_an_arm_at_zero_comes_back_before_weight_whatever_a_gateway_refuses(process: Start) -> None:
    one = await draining(process)
    await passes(one, "True")
    await until_state(one, "bad", "RolledBack")
    one.kubelet()
    gateways(one, "True")
    await one.look()
    one.broken = {"good"}
    one.set_available("good", 0)
    gateways(one, "False")
    await one.look()
    assert one.replicas("bad") == 2
    one.kubelet()
    await one.look()
    assert one.weights() == {"good": 0, "bad": 10000}
    one.broken.clear()
    await until(one, lambda: one.weights()["good"] > 0)


@pytest.mark.parametrize("beside", [None, True], ids=["alone", "beside one that accepts"])
async def test_an_arm_that_dies_loses_its_weight_also_where_a_gateway_refuses_the_route_for_good(
    process: Start, beside: bool | None
) -> None:
    one = await learned(process, arms=("good", "bad", "late"))

    def refuse(accepted: bool = False) -> None:
        one.gateway(accepted, second=beside)
        route = one.api.objects[one.route_path]
        route["status"]["parents"][0]["parentRef"] = {"name": "main", "namespace": "edge"}
        one.api.put(one.route_path, route)

    refuse(accepted=True)
    await one.look()
    before = one.weights()
    for _ in range(4):
        one.now += 30.0
        refuse()
        await one.look(tick=True)
    assert one.weights() == before
    one.start()
    one.set_available("bad", 0)
    await one.look()
    assert one.weights()["bad"] == 0
    refuse()
    one.set_available("late", 0)
    await one.look()
    assert one.weights() == {"good": 10000, "bad": 0, "late": 0}
    refuse()
    await one.look()
    assert ready(one) == ("False", reasons.ROUTE_NOT_ACCEPTED)
    assert "Gateway edge/main" in one.condition("Ready")["message"]


# ---- a gateway that had the route and takes nothing new ------------------------------------------


def says(one: Process, status: str, generation: int) -> None:
    """The only gateway says this of the route at that generation, whatever the route's own is."""
    route = one.api.objects[one.route_path]
    said = {
        "type": "Accepted",
        "status": status,
        "observedGeneration": generation,
        "message": "no certificate",
    }
    parents = [{"parentRef": {"name": "main"}, "conditions": [said]}]
    one.api.put(one.route_path, {**route, "status": {"parents": parents}})


def generation_of(one: Process) -> int:
    return int(one.api.objects[one.route_path]["metadata"]["generation"])


async def stuck(process: Start) -> tuple[Process, int]:
    """A rollout that ticks once an hour; the gateway stays at the generation before a write."""
    one = await learned(process, interval="1h", reward=RARE)
    one.gateway()
    await one.look()
    had = generation_of(one)
    one.set_available("bad", 0)
    await one.look()
    assert one.weights()["bad"] == 0
    assert generation_of(one) > had
    says(one, "True", had)
    return one, had


async def test_a_gateway_stuck_at_an_older_generation_is_told_of_in_seconds_whatever_the_interval(
    process: Start,
) -> None:
    one, had = await stuck(process)
    requeue = await one.look()
    assert requeue is not None
    assert requeue.after <= ACCEPT_SECONDS + 1
    one.now += requeue.after
    says(one, "True", had)
    requeue = await one.look(tick=requeue.tick)
    assert ready(one) == ("False", reasons.ROUTE_NOT_ACCEPTED)
    assert f"generation {generation_of(one)} of the route" in one.condition("Ready")["message"]
    assert requeue is not None
    assert requeue.after > ACCEPT_SECONDS  # it has been told: there is nothing to look at meanwhile
    one.gateway()
    await one.look()
    assert one.condition("TrafficInSync")["status"] == "True"


async def test_a_stuck_gateway_is_told_of_also_while_another_writer_changes_the_route(process: Start) -> None:
    one, had = await stuck(process)
    for at in range(4):
        one.update_route(partial(dict.update, hostnames=[f"{at}.example"]))
        says(one, "True", had)
        await one.look()
        one.now += ACCEPT_SECONDS / 2
    assert ready(one) == ("False", reasons.ROUTE_NOT_ACCEPTED)


async def test_a_gateway_that_refuses_each_later_generation_is_told_of_at_once(process: Start) -> None:
    one, _ = await stuck(process)
    says(one, "False", generation_of(one))
    await one.look()
    assert ready(one) == ("False", reasons.ROUTE_NOT_ACCEPTED)
    assert "no certificate" in one.condition("Ready")["message"]


def lone(one: Process, *accepting: tuple[str, bool]) -> None:
    """Let these gateways say whether they accept the route as it is."""
    route = one.api.objects[one.route_path]
    at = {"type": "Accepted", "observedGeneration": route["metadata"]["generation"]}
    parents = [
        {"parentRef": {"name": name}, "conditions": [{**at, "status": str(accepts)}]}
        for name, accepts in accepting
    ]
    one.api.put(one.route_path, {**route, "status": {"parents": parents}})


async def test_a_gateway_that_had_the_route_alone_is_waited_for_once_a_second_one_has_it_too(
    process: Start,
) -> None:
    one = process(rollback={"drain": "10s"})
    one.update_route(lambda spec: spec.update(parentRefs=[{"name": "first"}]))
    lone(one, ("first", True))
    await one.look(tick=True)
    one.update_route(lambda spec: spec.update(parentRefs=[{"name": "first"}, {"name": "second"}]))
    one.earning = WORSE
    for _ in range(40):
        one.now += 30.0
        lone(one, ("first", False), ("second", True))
        await one.look(tick=True)
        assert ready(one)[0] == "False"
    assert one.replicas("bad") == 2  # by its own word the first still has the weights of before


async def test_the_word_of_a_gateway_that_the_route_names_no_more_counts_for_minutes_only(
    process: Start,
) -> None:
    one = process(rollback={"drain": "10s"})
    one.update_route(lambda spec: spec.update(parentRefs=[{"name": "old"}, {"name": "new"}]))
    exist(one, ("models", "old"), ("models", "new"))
    lone(one, ("old", True), ("new", True))
    await one.look(tick=True)
    left = copied(one.api.objects[one.route_path]["status"]["parents"][0])
    one.update_route(lambda spec: spec.update(parentRefs=[{"name": "new"}]))

    async def passes_for(seconds: float) -> None:
        for _ in range(int(seconds / 30.0)):
            one.now += 30.0
            lone(one, ("new", True))
            one.api.objects[one.route_path]["status"]["parents"].insert(0, left)
            await one.look(tick=True)

    one.earning = WORSE
    await passes_for(LEFT_SECONDS - 60.0)
    assert ready(one) == ("False", reasons.ROUTE_NOT_ACCEPTED)
    await passes_for(1800.0)
    assert ready(one)[0] == "True"
    assert one.replicas("bad") == 0
