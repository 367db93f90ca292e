"""Two arms whose Services select the same Pods, so that weights do not choose who answers."""

from __future__ import annotations

import pytest

from bandit_operator.core import reasons
from tests.support.fake_api import endpoints_of
from tests.support.objects import NAMESPACE
from tests.support.playing import WORSE, Start, add_service, learned, ready, until, until_state
from tests.support.process import Process


def select(one: Process, service: str, *deployments: str, port: int = 8080, **ports: int) -> None:
    """The selector of a Service takes Pods of these Deployments; they answer at a port, or at named ones."""
    add_service(one, service, *deployments)
    path = endpoints_of(service, NAMESPACE)
    named = [{"name": name, "port": number} for name, number in (ports or {"http": port}).items()]
    one.api.put(path, {**one.api.objects[path], "ports": named})


async def test_two_services_over_the_same_pods_are_refused_at_the_beginning(process: Start) -> None:
    one = process()
    one.broken = {"good", "bad"}  # so that its endpoints stay
    select(one, "good", "good", "bad")  # as the label that both Deployments have would
    select(one, "bad", "bad")
    await one.look(tick=True)
    assert ready(one) == ("False", reasons.SHARED_PODS)
    message = one.condition("Ready")["message"]
    assert "Service models/good of arm good and Service models/bad of arm bad" in message
    assert one.weights() == {"good": 5000, "bad": 5000}
    select(one, "good", "good")
    await one.tick(3)
    assert ready(one)[0] == "True"


async def test_an_arm_whose_pods_another_arms_service_comes_to_reach_keeps_them(process: Start) -> None:
    one = await learned(process)
    one.broken = {"good", "bad"}
    select(one, "good", "good", "bad")
    select(one, "bad", "bad")
    await one.look()
    assert ready(one) == ("False", reasons.SHARED_PODS)
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    await one.tick(3)
    assert (one.replicas("bad"), one.arm("bad")["reason"]) == (2, reasons.PODS_IN_USE)
    assert ready(one) == ("False", reasons.SHARED_PODS)
    select(one, "good", "good")
    await until(one, lambda: one.replicas("bad") == 0)


def rewrite(one: Process) -> None:
    """Give one of the backendRefs a filter of its own, by which Pods tell the arms apart."""
    one.update_route(lambda spec: spec["rules"][0]["backendRefs"][1].update(filters=[{"type": "URLRewrite"}]))


async def test_where_no_scale_target_says_whose_pods_they_are_they_may_be_meant_and_are_told_of(
    process: Start,
) -> None:
    one = process(scale_target=None)
    one.broken = {"good", "bad"}
    select(one, "good", "good")
    select(one, "bad", "good")
    await one.look(tick=True)
    await one.tick(3)
    assert ready(one)[0] == "True"
    assert "send requests to the same Pods" in one.condition("Accepted")["message"]


@pytest.mark.parametrize("told_by", ["port", "filter"])
async def test_the_same_pods_may_be_two_arms_where_port_or_filter_tells_them_apart(
    process: Start, told_by: str
) -> None:
    one = process(scale_target=None)
    one.broken = {"good", "bad"}
    select(one, "good", "good")
    select(one, "bad", "good", port=8080 if told_by == "filter" else 9090)
    if told_by == "filter":
        rewrite(one)
    await one.look(tick=True)
    await one.tick(3)
    assert ready(one)[0] == "True"
    assert one.condition("Accepted")["message"] == "the route carries all arms"
