"""What an edit of the spec, or a deletion that waits, does to requests that go on meanwhile."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
import pytest

from testbed.rollout import Rollout
from testbed.waiting import wait_until
from tests.e2e.conftest import PROGRAMS, program

pytestmark = pytest.mark.cluster

NAMED = PROGRAMS / "named_model.py"
"""A model that answers with its name."""
LED = {"stable": 200, "candidate": 9600, "third": 200}
"""Weights of a rollout that the candidate has nearly won."""
EARNING = {"stable": (20, 0.3), "candidate": (60, 0.9), "third": (20, 0.3)}
"""Trials a second and mean reward of its arms, by their labels."""
Object = dict[str, Any]


class Served(Rollout):
    """A rollout whose arms have Pods of their own, each of which answers with the arm's first name."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._client = httpx.Client(timeout=5)  # to make one takes longer than to be answered

    def close(self) -> None:
        """Send no more requests."""
        self._client.close()

    def models(self) -> list[Object]:
        """A Deployment and a Service for each arm."""
        return [one for arm in self.arms for one in program(self.target(arm), NAMED, 9090, arm)]

    def target(self, arm: str) -> str:
        """Name of the Deployment and Service that an arm begins with."""
        return f"{self.name}-{arm}"

    def spec_of(self, arm: str, *, behind: str | None = None, **fields: Any) -> Object:
        """An arm of the spec, with the backend that it begins with, or the one of another arm."""
        named = {"name": self.target(behind or arm)}
        return {"name": arm, "backendRef": named, "scaleTargetRef": named} | fields

    def begin(self, **spec: Any) -> None:
        """Apply everything and wait until all arms serve and rewards are counted."""
        self.cluster.apply(*self.models())
        for arm in self.arms:
            self.cluster.kubectl("rollout", "status", f"deploy/{self.target(arm)}", "--timeout=90s")
        arms = [self.spec_of(arm) for arm in self.arms]
        self.cluster.apply(self.route_object(), self.resource(**{"arms": arms, **spec}))
        self.wait_for("Ready", "True", "InSync", seconds=60)

    def edit(self, spec: Object) -> None:
        """Change the spec, and wait until the operator has taken that up and the gateway what follows."""
        self.patch(spec)
        wait_until(self.has_taken_up, f"{self.name}: the edit is taken up")

    def has_taken_up(self) -> bool:
        """Whether conditions are about the spec as it is."""
        body = self.cluster.get("bd", self.name)
        (synced,) = [one for one in body["status"]["conditions"] if one["type"] == "TrafficInSync"]
        generation = body["metadata"]["generation"]
        return bool(body["status"]["observedGeneration"] == generation and synced["status"] == "True")

    def ask(self, path: str | None = None) -> str:
        """Who answers a request; the status code where that is not 200, or what was wrong."""
        try:
            answer = self._client.get(f"{self.cluster.endpoints.gateway}/{path or self.name}", timeout=5)
        except httpx.HTTPError as error:
            return type(error).__name__
        return answer.text if answer.status_code == 200 else str(answer.status_code)

    @contextmanager
    def under_load(self) -> Iterator[Load]:
        """Send requests all the time."""
        load = Load(self)
        load.start()
        try:
            yield load
        finally:
            load.over.set()
            load.join()


class Load(threading.Thread):
    """Requests one after the other, counted by who answered them."""

    def __init__(self, one: Served) -> None:
        super().__init__(daemon=True)
        self._one = one
        self._answered: list[str] = []
        self.over = threading.Event()

    def run(self) -> None:
        """Send them until it is over."""
        while not self.over.wait(0.01):
            self._answered.append(self._one.ask())

    def answers(self, number: int) -> Counter[str]:
        """Who answers the next so many requests."""
        first = len(self._answered)
        wait_until(lambda: len(self._answered) >= first + number, f"{number} requests are answered", 60)
        return Counter(self._answered[first:])

    def all(self) -> Counter[str]:
        """Who has answered so far."""
        return Counter(self._answered)


@pytest.fixture
def served(rollout: Callable[..., Rollout], steer: Callable[..., None]) -> Iterator[Callable[..., Served]]:
    """Make rollouts with Pods, whose arms earn as they are to."""
    made: list[Served] = []

    def make(suffix: str = "", **weights: int) -> Served:
        like = rollout(suffix, weights=weights)
        made.append(Served(like.cluster, like.name, like.namespace, weights))
        steer(like.name, **{arm: EARNING.get(arm, (40, 0.5)) for arm in weights})
        return made[-1]

    yield make
    for one in made:
        one.close()
        one.cluster.kubectl("delete", "deploy", *map(one.target, one.arms), "--wait=false")


@pytest.fixture
def won(served: Callable[..., Served]) -> Served:
    """A rollout of three arms, of which the candidate has nearly all of the traffic, and earns most."""
    one = served(**LED)
    one.begin()
    wait_until(lambda: float(one.arm("candidate").get("trials") or 0) >= 20, "the candidate has earned", 60)
    wait_until(lambda: one.weights()["candidate"] >= 9000, "the candidate leads", 30)
    return one


def becomes_stable(one: Served) -> list[Object]:
    """The winner is put behind the stable arm, and the next loses its own."""
    return [one.spec_of("stable", behind="candidate"), one.spec_of("third")]


def under_another_name(one: Served) -> list[Object]:
    return [one.spec_of("stable"), one.spec_of("champion", behind="candidate"), one.spec_of("third")]


def under_another_label(one: Served) -> list[Object]:
    return [one.spec_of("stable"), one.spec_of("candidate", labelValue="another"), one.spec_of("third")]


def without_scale_target(one: Served) -> list[Object]:
    """What runs the leader is not told any more."""
    leader = one.spec_of("candidate")
    del leader["scaleTargetRef"]
    return [one.spec_of("stable"), leader, one.spec_of("third")]


def exchanged(one: Served) -> list[Object]:
    """The first two arms exchange what is behind them."""
    third = one.spec_of("third")
    return [one.spec_of("stable", behind="candidate"), one.spec_of("candidate", behind="stable"), third]


@pytest.mark.parametrize(
    "edit", [becomes_stable, under_another_name, under_another_label, without_scale_target, exchanged]
)
def test_the_leader_goes_on_answering_nearly_all_requests_whatever_arm_it_stands_under(
    won: Served, edit: Callable[[Served], list[Object]]
) -> None:
    with won.under_load() as load:
        before = load.answers(200)
        won.edit({"arms": edit(won)})
        after = load.answers(400)
        everybody = load.all()
    assert before["candidate"] / before.total() >= 0.85, before
    assert after["candidate"] / after.total() >= 0.85, (after, won.status()["arms"])
    assert everybody["candidate"] / everybody.total() >= 0.85, everybody
    assert everybody.keys() <= LED.keys(), everybody  # no request failed
    names = {arm["name"] for arm in edit(won)}
    [leader] = [arm for arm in won.status()["arms"] if arm["weight"] > 5000]
    assert {arm["name"] for arm in won.status()["arms"]} == names
    assert leader["state"] == "Active"
    assert any("its weight goes on, its evidence begins anew" in event["note"] for event in won.events())


def test_two_arms_that_exchange_their_backends_leave_the_route_as_it_is(won: Served) -> None:
    # Nothing but the edit may move weights here.
    won.edit({"guardrails": {"minTrials": 10**9}})
    before = won.route()["spec"]
    won.edit({"arms": exchanged(won)})
    wait_until(lambda: won.arm("stable")["weight"] > 5000, "the stable arm has the leader's weight")
    assert won.route()["spec"] == before
    assert won.status()["foreignWeightChanges"] == 0


def test_a_former_route_that_still_sends_requests_is_told_of_and_costs_ready_once_these_fail(
    served: Callable[..., Served],
) -> None:
    one = served(good=5000, bad=4000, late=1000)
    one.begin(guardrails={"minTrials": 10**9})
    new = f"{one.name}-new"
    template = {
        "name": new,
        "spec": {
            "parentRefs": [{"name": "main", "namespace": "gateway"}],
            "matches": [{"path": {"type": "PathPrefix", "value": f"/{new}"}}],
        },
    }
    arms = [one.spec_of(arm, backendRef={"name": one.target(arm), "port": 80}) for arm in one.arms]
    one.edit({"traffic": {"routeRef": None, "routeTemplate": template}, "arms": arms})
    told = f"HTTPRoute {one.namespace}/{one.name}, which was this resource's route, still gives weight to"
    wait_until(lambda: told in one.condition("Accepted")["message"], "the former route is named")
    one.wait_for("Ready", "True", "InSync")
    assert one.ask() in one.arms
    wait_until(lambda: any(event["reason"] == "LeftBehind" for event in one.events()), "an event tells of it")
    before = one.route()["spec"]

    one.cluster.kubectl("scale", f"deploy/{one.target('bad')}", "--replicas=0")
    ready = one.wait_for("Ready", "False", "LeftBehind", seconds=20)
    assert "bad (" in ready["message"]
    wait_until(lambda: one.ask() not in one.arms, "a request by the former route fails", 20)

    def goes_round_it() -> bool:
        return all(one.ask(new) in ("good", "late") for _ in range(50))

    wait_until(goes_round_it, "none of fifty requests by the new route fails", 30)
    assert one.route()["spec"] == before  # which is no longer ours to write to

    one.set_weights(bad=0)
    one.wait_for("Ready", "True", "InSync", seconds=20)
    one.cluster.kubectl("delete", "httproute", one.name)
    wait_until(lambda: told not in one.condition("Accepted")["message"], "it is told of no more", 90)


def replicas(one: Served, arm: str) -> int:
    """What an arm's Deployment asks for."""
    return int(one.cluster.get("deployment", one.target(arm))["spec"]["replicas"])


def test_an_arm_that_is_taken_out_of_the_spec_leaves_its_traffic_and_its_pods_as_they_are_and_both_are_told(
    served: Callable[..., Served],
) -> None:
    one = served(good=5000, bad=4000, late=1000)
    one.begin(guardrails={"minTrials": 10**9}, rollback={"drain": "1s"})
    arms = [one.spec_of("good"), one.spec_of("bad"), one.spec_of("late")]
    with one.under_load() as load:
        one.patch({"arms": [*arms[:2], {**arms[2], "state": "Out"}]})
        wait_until(lambda: replicas(one, "late") == 0, "the arm that is out has no Pods", 60)
        wait_until(lambda: one.arm("late")["reason"] == "ScaledToZero", "which is noted")
        one.edit({"arms": [arms[0], arms[1]]})
        words = f"Deployment {one.namespace}/{one.target('late')} no longer belongs to an arm and stays at 0"
        wait_until(lambda: any(words in event["note"] for event in one.events()), "its Pods are told of")

        one.cluster.apply(*program(one.target("late"), NAMED, 9090, "late"))
        one.edit({"arms": arms})
        wait_until(lambda: one.weights()["late"] > 0, "it serves again", 60)
        carried = one.weights()
        one.edit({"arms": [arms[0], arms[2]]})
        besides = "that are no arm have"
        wait_until(lambda: besides in json.dumps(one.status()["conditions"]), "its traffic is told of")
        left = one.weights()
        assert left["bad"] / sum(left.values()) == pytest.approx(
            carried["bad"] / sum(carried.values()), abs=0.02
        )
        assert replicas(one, "bad") == 1
        answered = load.answers(200)
    assert answered["bad"] > 20, answered
    assert load.all().keys() <= {"good", "bad", "late"}, load.all()


def test_a_resource_that_waits_for_anothers_finalizer_is_not_ready_touches_nothing_and_goes_after_it(
    rollout: Callable[..., Rollout], steer: Callable[..., None]
) -> None:
    going, staying = rollout(), rollout("b")
    for one in (going, staying):
        steer(one.name, good=(40, 0.5), bad=(40, 0.5))
        one.serve()
        one.create(guardrails={"minTrials": 10**9})
    for one in (going, staying):
        one.wait_for("Ready", "True", "InSync")
    keep = {"metadata": {"finalizers": ["example.com/keep"]}}
    going.cluster.kubectl("patch", "bd", going.name, "--type=merge", "-p", json.dumps(keep))
    going.cluster.kubectl("delete", "bd", going.name, "--wait=false")
    ready = going.wait_for("Ready", "False", "Deleting", seconds=20)
    assert "example.com/keep" in ready["message"]

    said = going.cluster.get("bd", going.name)
    for one in (going, staying):
        one.set_weights(good=1, bad=999)
    wait_until(lambda: staying.weights() == staying.start_weights, "the other one's weights are put back", 20)
    wait_until(partial(counted, staying), "which is counted")
    assert going.weights() == {"good": 1, "bad": 999}
    assert going.cluster.get("bd", going.name) == said

    taken = {"metadata": {"finalizers": None}}
    going.cluster.kubectl("patch", "bd", going.name, "--type=merge", "-p", json.dumps(taken))
    going.cluster.kubectl("wait", "--for=delete", f"bd/{going.name}", "--timeout=20s")
    assert going.weights() == {"good": 1, "bad": 999}


def counted(one: Rollout) -> bool:
    return bool(one.status()["foreignWeightChanges"] == 1)
