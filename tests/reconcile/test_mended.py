"""What makes ``Ready`` False ends by what its runbook says to do, also after a restart.

All that holds the weights is here, and what takes one arm's traffic in ``test_arms_mended.py``; what else
there is has its end in the tests of its own room.
"""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.api.route_template import OWNER
from bandit_operator.core import reasons
from bandit_operator.core.model import Implausible, SourceDown
from bandit_operator.errors import APIError
from tests.support.fake_api import copied, deployment_of
from tests.support.objects import NAMESPACE, TEMPLATE, deployment_body, route_body
from tests.support.playing import EQUAL, WORSE, Start, add_service, learned, ready
from tests.support.process import Process
from tests.support.troubles import (
    Step,
    Trouble,
    available,
    begin,
    in_the_rule,
    nothing_more,
    once_in_the_rule,
    update_begins,
    update_ends,
)


def earn(outcome: Any) -> Step:
    def step(one: Process) -> None:
        one.earning = outcome

    return step


def as_before(one: Process) -> None:
    one.earning = EQUAL


def update(**spec: Any) -> Step:
    return lambda one: one.update_spec(**spec)


def weights(**given: int) -> Step:
    return lambda one: one.set_weights(**given)


def all_to_a_stranger(rule: dict[str, Any]) -> None:
    for ref in rule["backendRefs"]:
        ref["weight"] = 0
    rule["backendRefs"].append({"name": "stranger", "port": 80, "weight": 1})


def twice_in_the_rule(rule: dict[str, Any]) -> None:
    rule["backendRefs"].append(dict(rule["backendRefs"][1]))


def another_rule(spec: dict[str, Any]) -> None:
    spec["rules"] = [*spec["rules"], {**copied(spec["rules"][0]), "name": "other"}]


def one_rule(spec: dict[str, Any]) -> None:
    spec["rules"] = spec["rules"][:1]


def an_older_one(one: Process) -> None:
    metadata = {
        "name": "older",
        "namespace": NAMESPACE,
        "uid": "0",
        "creationTimestamp": "2020-01-01T00:00:00Z",
    }
    spec = one.api.objects[one.path]["spec"]
    one.api.put(one.path.replace("income", "older"), {"metadata": metadata, "spec": spec})


def the_older_one_goes(one: Process) -> None:
    path = one.path.replace("income", "older")
    one.api.delete(path)
    one.cache.drop("BanditDeployment", (NAMESPACE, "older"))


def writes_are_refused(one: Process) -> None:
    one.earning = WORSE
    for _ in range(50):
        one.api.fail("patch", "httproutes", APIError(403, "forbidden"))


def writes_are_let_through(one: Process) -> None:
    one.api.failures.clear()
    one.earning = EQUAL


def other_pods(one: Process) -> None:
    one.broken.add("bad")  # so that its Service stays as it is now
    one.api.put(deployment_of("other", NAMESPACE), deployment_body("other"))
    add_service(one, "bad", "other")


def same_pods(one: Process) -> None:
    one.broken.add("bad")
    add_service(one, "bad", "good", "bad")


def route_back(one: Process) -> None:
    one.api.put(one.route_path, route_body(one.name, one.arms))


def drop_cursor(one: Process) -> None:
    one.api.prune = lambda body: (body.get("status") or {}).pop("cursor", None)


def keep_all(one: Process) -> None:
    one.api.prune = lambda _: None


def insist(one: Process) -> None:
    one.set_weights(good=1, bad=9999)


def requests(**given: float) -> Step:
    def step(one: Process) -> None:
        one.requests = given

    return step


def clock_set(one: Process) -> None:
    one.clock_offset = 3600.0


def another_operator_writes(one: Process) -> None:
    body = one.api.objects[one.path]
    one.api.put(one.path, {**body, "status": {**body["status"], "operator": "other/lease"}})


def no_rule(spec: dict[str, Any]) -> None:
    spec["rules"] = [{"backendRefs": [{"name": "stranger"}]}] * 2


def without_timeouts(body: Any) -> None:
    """What an older Gateway API keeps of a route."""
    for rule in body.get("spec", {}).get("rules", []):
        rule.pop("timeouts", None)


def a_template_that_is_not_kept(one: Process) -> None:
    one.api.prune = without_timeouts
    spec = {**TEMPLATE["spec"], "timeouts": {"request": "5s"}}
    one.update_spec(traffic={"routeTemplate": {**TEMPLATE, "spec": spec}})


def a_route_of_others(one: Process) -> None:
    one.delete_route()
    one.api.put(one.route_path, route_body(one.name, one.arms))


def hand_it_over(one: Process) -> None:
    body = copied(one.api.objects[one.route_path])
    one.api.put(one.route_path, {**body, "metadata": {**body["metadata"], "annotations": {OWNER: one.name}}})


def a_scale_that_may_not_be_read(one: Process) -> None:
    arms = copied(one.api.objects[one.path]["spec"]["arms"])
    arms[1]["scaleTargetRef"] |= {"apiVersion": ROLLOUTS, "kind": "Rollout"}
    one.update_spec(arms=arms)
    path = deployment_of("bad", NAMESPACE)
    of_rollout = path.replace("apps/v1", ROLLOUTS).replace("deployments", "rollouts")
    one.api.put(of_rollout, copied(one.api.objects[path]))
    for _ in range(50):
        one.api.fail("get", "/scale", APIError(403, "forbidden"))


def it_may_be_read(one: Process) -> None:
    one.api.failures.clear()


ROLLOUTS = "argoproj.io/v1alpha1"
MADE = {"traffic": {"routeTemplate": TEMPLATE}}
PROMETHEUS = {"successes": "good_total", "trials": "all_total", "settle": "5s"}
BOUNDED = {"reward": {"prometheus": PROMETHEUS, "maxTrialsPerSecond": "100"}}
LATE, AT_ONCE = (
    {"reward": {"prometheus": PROMETHEUS, "delay": {"median": median, "p95": p95}}}
    for median, p95 in (("5m", "20m"), ("1s", "10s"))
)

TROUBLES = [
    *(
        Trouble(reason, earn(SourceDown(reason, "no answer")), as_before)
        for reason in sorted(reasons.SOURCE_FAULTS - {reasons.CLOCK_SET})
    ),
    Trouble(reasons.NO_DATA, earn({"good": (500.0, 250.0), "bad": None}), as_before),
    Trouble(
        reasons.IMPOSSIBLE_NUMBER, earn({"good": (500.0, 250.0), "bad": (-1.0, 0.0)}), as_before, ticks=6
    ),
    Trouble(
        reasons.REWARDS_ABOVE_TRIALS,
        earn({"good": (500.0, 250.0), "bad": (100.0, 130.0)}),
        as_before,
        ticks=6,
    ),
    *(
        Trouble(reason, earn({"good": (500.0, 250.0), "bad": Implausible(reason, "no")}), as_before)
        for reason in (reasons.COUNTER_NOT_STEADY, reasons.SCRAPED_TWICE)
    ),
    Trouble(reasons.INTERNAL_ERROR, earn(RuntimeError("boom")), as_before),
    Trouble(reasons.INVALID_SPEC, update(baseline="nobody"), update(baseline="good")),
    Trouble(
        reasons.NO_SHARE,
        (update(mode="Paused"), in_the_rule(all_to_a_stranger), update(mode="Active")),
        weights(good=1),
    ),
    Trouble(reasons.NO_ARM_AVAILABLE, available(0, "good", "bad"), available(2, "good")),
    Trouble(reasons.BASELINE_UNAVAILABLE, available(0, "good"), available(2, "good")),
    Trouble(
        reasons.PINNED_ARM_CANNOT_SERVE,
        available(0, "bad"),
        available(2, "bad"),
        spec={"pin": {"arm": "bad"}},
    ),
    Trouble(
        reasons.PINNED_ARM_CANNOT_SERVE, available(0, "bad"), update(pin=None), spec={"pin": {"arm": "bad"}}
    ),
    Trouble(
        reasons.SESSION_PERSISTENCE,
        in_the_rule(lambda rule: rule.update(sessionPersistence={"sessionName": "s"})),
        in_the_rule(lambda rule: rule.pop("sessionPersistence")),
    ),
    Trouble(reasons.BACKEND_NOT_FOUND, in_the_rule(twice_in_the_rule), in_the_rule(once_in_the_rule)),
    Trouble(
        reasons.RULE_AMBIGUOUS,
        lambda one: one.update_route(another_rule),
        lambda one: one.update_route(one_rule),
    ),
    Trouble(
        reasons.RULE_AMBIGUOUS,
        lambda one: one.update_route(another_rule),
        update(traffic={"routeRef": {"name": "income", "sectionName": "other"}}),
    ),
    Trouble(reasons.RULE_CONFLICT, an_older_one, the_older_one_goes),
    Trouble(
        reasons.ROUTE_NOT_ACCEPTED,
        weights(good=5001),
        Process.gateway,
        gateway=lambda one: one.gateway(False),
    ),
    Trouble(
        reasons.GATEWAY_NOT_PROGRAMMED, lambda one: one.program("no data plane"), lambda one: one.program()
    ),
    Trouble(reasons.WRITE_REFUSED, writes_are_refused, writes_are_let_through),
    Trouble(reasons.SCALE_TARGET_MISMATCH, other_pods, available(2, "bad")),
    Trouble(reasons.SHARED_PODS, same_pods, available(2, "bad")),
    Trouble(reasons.NO_REWARDS, earn(dict.fromkeys(("good", "bad"), (0.0, 0.0))), as_before),
    Trouble(reasons.TRIALS_JUMPED, earn({"good": (500.0, 250.0), "bad": (1e6, 10.0)}), as_before),
    Trouble(
        reasons.TOO_MANY_TRIALS,
        earn({"good": (500.0, 250.0), "bad": (5000.0, 10.0)}),
        as_before,
        spec=BOUNDED,
    ),
    Trouble(reasons.ROUTE_NOT_FOUND, Process.delete_route, route_back),
    Trouble(reasons.RULE_NOT_FOUND, lambda one: one.update_route(no_rule), route_back),
    Trouble(reasons.ROUTE_NOT_OURS, a_route_of_others, Process.delete_route, spec=MADE),
    Trouble(reasons.ROUTE_NOT_OURS, a_route_of_others, hand_it_over, spec=MADE),
    Trouble(reasons.TEMPLATE_NOT_KEPT, a_template_that_is_not_kept, keep_all, spec=MADE, ticks=25),
    Trouble(reasons.TEMPLATE_NOT_KEPT, a_template_that_is_not_kept, update(**MADE), spec=MADE),
    Trouble(reasons.SCALE_TARGET_REFUSED, a_scale_that_may_not_be_read, it_may_be_read, ticks=6),
    Trouble(reasons.STATUS_NOT_KEPT, drop_cursor, keep_all),
    Trouble(reasons.WEIGHTS_CONTESTED, (insist,) * 12, nothing_more, ticks=25),
    Trouble(
        reasons.NOT_FOLLOWED,
        requests(good=900.0, bad=100.0),
        requests(good=5000.0, bad=5000.0),
        spec={"rollback": {"requests": "requests_total"}},
        ticks=40,
    ),
    Trouble(
        reasons.BACKEND_UNRESOLVED,
        nothing_more,
        Process.gateway,
        gateway=lambda one: one.gateway(unresolved="Service models/other not found"),
    ),
    Trouble(reasons.CLOCK_SET, clock_set, nothing_more, ticks=4),
    Trouble(reasons.DELAY_PROFILE_SUSPECT, (as_before,) * 40, update(**AT_ONCE), spec=LATE),
    Trouble(reasons.OTHER_OPERATOR, (another_operator_writes,) * 3, nothing_more, ticks=21),
    *(
        Trouble(reasons.ROLLING_UPDATE, update_begins(*arms), update_ends(*arms))
        for arms in (("bad",), ("good", "bad"))
    ),
]


@pytest.mark.parametrize("restarted", [False, True], ids=["", "restarted"])
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda one: one.reason)
async def test_it_is_ready_again_once_that_is_done(process: Start, trouble: Trouble, restarted: bool) -> None:
    one = await learned(process, **trouble.spec)
    await one.tick(5)
    assert ready(one)[0] == "True", one.condition("Ready")
    await begin(one, trouble, lambda: ready(one)[1])
    assert ready(one)[0] == "False"
    if restarted:
        one.start()
    trouble.mend(one)
    await one.tick(trouble.ticks)
    assert ready(one)[0] == "True", one.condition("Ready")
    assert sum(one.weights().values()) > 0


def test_there_is_one_for_all_that_holds_the_weights() -> None:
    holds = reasons.SOURCE_FAULTS | reasons.IMPLAUSIBLE | reasons.HELD_BY_THE_CLUSTER
    assert {trouble.reason for trouble in TROUBLES} >= holds | {reasons.NO_DATA, reasons.NO_REWARDS}
