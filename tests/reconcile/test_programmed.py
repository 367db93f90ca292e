"""A Gateway that accepts a route and does not carry it: Ready says so, and no Pods go meanwhile."""

from __future__ import annotations

from bandit_operator.core import reasons
from bandit_operator.errors import APIError
from tests.support.objects import gateway_body
from tests.support.playing import WORSE, Start, learned, ready, until_state
from tests.support.process import GATEWAY, Process


async def drained(one: Process, times: int = 6) -> None:
    one.earning = WORSE
    await until_state(one, "bad", "Draining")
    await one.tick(times)


async def test_while_the_gateway_is_not_programmed_ready_says_so_and_no_pods_go(process: Start) -> None:
    one = await learned(process, rollback={"drain": "3s"})
    assert ready(one)[0] == "True"
    one.program("no data plane has its configuration")
    await one.look()
    assert ready(one) == ("False", reasons.GATEWAY_NOT_PROGRAMMED)
    assert (
        "Gateway gateway/main is not programmed: Invalid: no data plane has its configuration"
        in (one.condition("Ready")["message"])
    )
    await drained(one)
    assert (one.replicas("bad"), one.arm("bad")["reason"]) == (2, reasons.WAITING_FOR_ROUTE)
    one.program()
    await one.tick(3)
    assert one.replicas("bad") == 0
    assert ready(one)[0] == "True"


async def test_a_gateway_that_is_deleted_is_told_of_at_once_although_the_route_still_counts_as_accepted(
    process: Start,
) -> None:
    one = await learned(process)
    one.delete_gateway()
    await one.look()
    assert ready(one) == ("False", reasons.GATEWAY_NOT_PROGRAMMED)
    assert "there is no Gateway gateway/main any more" in one.condition("Ready")["message"]
    one.api.put(GATEWAY, gateway_body())
    await one.look()
    assert ready(one)[0] == "True"


async def test_a_process_that_begins_asks_for_a_gateway_that_no_watch_has_brought(process: Start) -> None:
    one = await learned(process)
    one.start()
    one.cache.drop("Gateway", ("gateway", "main"))
    one.api.reads.clear()
    await one.look()
    await one.look()
    assert one.api.reads.count(GATEWAY) == 1
    assert ready(one)[0] == "True"


async def test_a_gateway_that_may_not_be_read_counts_as_programmed(process: Start) -> None:
    one = await learned(process)
    one.delete_gateway()
    for _ in range(3):
        one.api.fail("get", GATEWAY, APIError(403, "forbidden"))
        await one.tick()
    assert ready(one)[0] == "True"
    words = (
        "it is not known whether it is carried by Gateway gateway/main, which the API server does not show"
    )
    assert words in one.condition("Ready")["message"]


async def test_a_gateway_outside_of_the_watched_namespaces_is_not_asked_for_and_that_is_said(
    process: Start,
) -> None:
    one = await learned(process)
    one.program("no data plane")
    one.cache._namespaces = frozenset({"models"})
    one.api.reads.clear()
    await one.tick(3)
    assert ready(one)[0] == "True"
    assert GATEWAY not in one.api.reads
    words = (
        "it is not known whether it is carried by Gateway gateway/main, of a namespace that is not watched"
    )
    assert words in one.condition("Ready")["message"]
    assert words in one.condition("TrafficInSync")["message"]
    one.cache._namespaces = frozenset()
    one.program()
    await one.tick(3)
    assert "not known" not in one.condition("Ready")["message"]


async def test_a_gateway_wakes_the_resources_whose_routes_it_carries(process: Start) -> None:
    one = await learned(process)
    assert one.cache.affected_by_gateway("Gateway", gateway_body()) == {one.key}
    other = {**gateway_body(), "metadata": {"name": "main", "namespace": "elsewhere"}}
    assert one.cache.affected_by_gateway("Gateway", other) == set()
    assert one.cache.drop("Gateway", ("gateway", "main")) == {one.key}
