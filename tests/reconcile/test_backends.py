"""Services that the operator may not read, or that no watch brings."""

from __future__ import annotations

from bandit_operator.adapters.kubernetes import resource_path
from bandit_operator.core import reasons
from bandit_operator.errors import APIError, APIUnreachable
from bandit_operator.watch.cache import Cache
from tests.support.fake_api import endpoints_of
from tests.support.objects import NAMESPACE
from tests.support.playing import Start, learned, ready
from tests.support.process import Process


def forget_service(one: Process, name: str) -> None:
    """Let the watches have brought nothing of a Service."""
    one.cache.drop("Service", (NAMESPACE, name))


async def test_a_service_of_which_no_answer_comes_is_one_arms_trouble(process: Start) -> None:
    one = await learned(process, arms=("good", "bad", "far"))
    one.broken = {"good"}
    one.set_available("good", 0)
    one.watch()
    forget_service(one, "far")
    one.api.fail("get", "services/far", APIUnreachable("no answer in time"))
    await one.reconciler.reconcile(one.key, tick=False)
    assert one.weights()["good"] == 0
    assert ready(one) == ("False", reasons.BACKEND_REFUSED)
    assert "no answer in time" in one.condition("Ready")["message"]


async def test_a_service_that_may_not_be_read_is_one_arms_trouble(process: Start) -> None:
    one = await learned(process, arms=("good", "bad", "far"))
    one.broken = {"good"}
    one.set_available("good", 0)
    one.watch()
    forget_service(one, "far")
    one.api.fail("get", "services/far", APIError(403, "services is forbidden"))
    await one.reconciler.reconcile(one.key, tick=False)
    assert one.weights()["good"] == 0
    assert ready(one) == ("False", reasons.BACKEND_REFUSED)
    assert "of arm far can serve is not known" in one.condition("Ready")["message"]
    assert "watchNamespaces" in one.condition("Ready")["message"]


async def test_endpoints_in_a_namespace_that_is_not_watched_are_asked_for_at_each_look(
    process: Start,
) -> None:
    one = await learned(process)
    for arm in one.arms:
        path = resource_path("", "v1", "services", NAMESPACE, arm)
        one.api.put(path, {"metadata": {"name": arm, "namespace": NAMESPACE, "uid": arm}, "spec": {}})
    one.cache._namespaces = Cache({"others"})._namespaces
    one.api.objects[endpoints_of("bad", NAMESPACE)]["endpoints"] = []  # of which no watch tells
    one.now += 30.0
    await one.reconciler.reconcile(one.key, tick=True)
    assert (one.weights()["bad"], one.arm("bad")["reason"]) == (0, reasons.NO_READY_ENDPOINT)
