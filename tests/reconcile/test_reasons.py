"""Every reason that the operator knows can be seen by a user, and every metric moves."""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from bandit_operator.api.v1alpha1 import parse, to_experiment
from bandit_operator.core import memory as memories
from bandit_operator.core import reasons
from bandit_operator.core.decide import decide
from bandit_operator.core.decision import Intention
from bandit_operator.core.model import ArmFacts, Implausible, NothingDue, Shadow, Snapshot, SourceDown
from bandit_operator.errors import APIError
from bandit_operator.status.conditions import conditions_of
from bandit_operator.status.overview import Overview
from tests.support.playing import EQUAL, WORSE, learned, until
from tests.support.process import Process

ALL = {name: value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)}
PLAYED = tuple(
    importlib.import_module(f"tests.reconcile.test_{name}")
    for name in (
        "backends", "decided", "deleted", "generated", "identity", "kept", "left_behind", "mirror",
        "neighbours", "notices", "other_resources", "plausible", "same_pods", "servable", "sessions",
        "shadow", "staying_up", "template_kept", "verbs",
    )
)  # fmt: skip
pytestmark = pytest.mark.slow

Scenario = Callable[[], Coroutine[Any, Any, Process]]


def seen(one: Process) -> set[str]:
    """Every reason that a user of this rollout has been shown."""
    status = one.status
    shown = {condition["reason"] for condition in status.get("conditions", [])}
    shown |= {arm["reason"] for arm in status.get("arms", []) if arm.get("reason")}
    shown |= {record["reason"] for record in status.get("history", [])}
    shown |= set(one.events())
    return shown | one.past


async def first_look() -> Process:
    one = Process()
    await one.look(tick=True)
    return one


async def a_whole_rollback() -> Process:
    one = await learned(Process, rollback={"drain": "60s", "retryAfter": "10m"})
    await one.tick()
    await one.look()
    one.earning = WORSE
    await until(one, lambda: one.arm("bad")["state"] == "Draining")
    one.gateway(accepted=False)
    await one.look()
    await until(one, lambda: one.arm("bad")["state"] == "RolledBack")
    one.earning = {"good": (500.0, 400.0), "bad": None}
    await until(one, lambda: one.arm("bad")["state"] == "Joining")
    return one


async def a_drain_that_keeps_the_pods() -> Process:
    one = await learned(Process, rollback={"drain": "1s", "scaleToZero": False})
    one.earning = WORSE
    await until(one, lambda: one.arm("bad")["state"] == "RolledBack")
    return one


async def an_arm_that_is_unwell() -> Process:
    guard = {"name": "errors", "query": "error_share", "above": "0.05", "windows": 1}
    one = await learned(Process, guards=[guard])
    one.guards = {"errors": {"bad": 0.2}}
    await one.tick()
    return one


async def a_new_arm_and_a_new_template() -> Process:
    one = await learned(Process, arms=("good", "bad", "late"))
    arms = one.api.objects[one.path]["spec"]["arms"]
    one.update_spec(arms=arms[:2])
    await one.look(tick=True)
    one.update_spec(arms=arms)
    await one.look(tick=True)
    one.earning = {**EQUAL, "late": (10.0, 5.0)}
    await one.tick(2)
    one.set_template("bad", "bad:2", old_pods=1)
    await one.look()
    one.end_rolling_update("bad")
    await one.look()
    one.update_spec(strategy={"type": "TopTwo"})
    await one.look()
    return one


async def an_arm_that_cannot_serve_and_then_none() -> Process:
    one = await learned(Process)
    one.program("no data plane")
    await one.look()
    one.program()
    one.set_available("bad", 0)
    await one.look()
    one.set_available("good", 0)
    await one.look()
    return one


async def missing_data() -> Process:
    one = await learned(Process)
    one.earning = {"good": None, "bad": None}
    await one.tick()
    one.earning = dict.fromkeys(("good", "bad"), (0.0, 0.0))
    await one.tick(12)
    return one


async def a_route_that_is_not_accepted() -> Process:
    one = await learned(Process)
    one.set_weights(good=5001, bad=4999)
    for _ in range(3):
        one.gateway(accepted=False)
        one.now += 30.0
        await one.look(tick=True)
    return one


async def modes() -> Process:
    one = await learned(Process, mode="Observe")
    await one.tick()
    one.update_spec(mode="Paused")
    await one.look()
    return one


def source_fault(reason: str) -> Scenario:
    async def scenario() -> Process:
        one = await learned(Process)
        one.earning = SourceDown(reason, "no answer")
        await one.tick()
        return one

    return scenario


async def a_clock_that_is_set() -> Process:
    one = await learned(Process)
    one.clock_offset = 3600.0
    await one.tick()
    return one


async def after_an_absence() -> Process:
    one = await learned(Process)
    await one.tick(seconds=120.0)
    return one


async def rewards_that_changed_and_come_rarely() -> Process:
    one = await learned(Process)
    await one.tick(60)
    one.earning, one.samples_apart = {"good": (500.0, 250.0), "bad": (500.0, 20.0)}, 60.0
    await one.tick(20)
    return one


async def a_winner() -> Process:
    one = await learned(Process, baseline="bad")
    one.earning = WORSE
    await one.tick(20)
    return one


async def no_difference() -> Process:
    one = await learned(Process, promotion={"indifference": "0.2"})
    one.earning = dict.fromkeys(("good", "bad"), (50_000.0, 25_000.0))
    await one.tick(20)
    return one


async def another_writer() -> Process:
    one = await learned(Process)
    for _ in range(8):
        one.set_weights(good=1, bad=9999)
        one.gateway()
        await one.look()
        one.now += 1.0
    return one


async def shares_that_do_not_follow() -> Process:
    one = await learned(Process, rollback={"requests": "requests_total"})
    one.requests = {"good": 900.0, "bad": 100.0}
    await one.tick(3)
    return one


async def a_refused_write() -> Process:
    one = await learned(Process)
    one.earning = WORSE
    for _ in range(3):
        one.api.fail("patch", "httproutes", APIError(403, "forbidden"))
    await one.tick(2)
    return one


async def an_internal_error() -> Process:
    one = await learned(Process)
    one.earning = RuntimeError("boom")
    await one.tick()
    return one


async def a_spec_that_cannot_be_read() -> Process:
    one = await learned(Process)
    one.update_spec(baseline="nobody")
    await one.look()
    return one


def broken(change: Callable[[Process], None]) -> Scenario:
    async def scenario() -> Process:
        one = Process()
        change(one)
        await one.look(tick=True)
        return one

    return scenario


def two_rules(one: Process) -> None:
    one.update_route(lambda spec: spec["rules"].append({**spec["rules"][0], "name": "other"}))


def no_rule(one: Process) -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["rules"] = [{"backendRefs": [{"name": "stranger"}]}, {"backendRefs": [{"name": "stranger"}]}]

    one.update_route(change)


def an_older_owner(one: Process) -> None:
    older = {**one.api.objects[one.path]}
    begun = "2020-01-01T00:00:00Z"
    metadata = {"name": "older", "namespace": "models", "uid": "0", "creationTimestamp": begun}
    one.api.put(one.path.replace("income", "older"), {**older, "metadata": metadata})


def without(kind: str, name: str) -> Callable[[Process], None]:
    def change(one: Process) -> None:
        one.api.delete(next(path for path in one.api.objects if path.endswith(f"/{kind}/{name}")))
        one.start()
        one.cache.services[("models", name)] = {}

    return change


def without_backend(one: Process) -> None:
    one.update_route(lambda spec: spec["rules"][0]["backendRefs"].pop())


SCENARIOS: list[Scenario] = [
    first_look,
    a_whole_rollback,
    a_drain_that_keeps_the_pods,
    an_arm_that_is_unwell,
    a_new_arm_and_a_new_template,
    an_arm_that_cannot_serve_and_then_none,
    missing_data,
    a_route_that_is_not_accepted,
    modes,
    *(source_fault(reason) for reason in sorted(reasons.SOURCE_FAULTS - {reasons.CLOCK_SET})),
    a_clock_that_is_set,
    after_an_absence,
    rewards_that_changed_and_come_rarely,
    a_winner,
    no_difference,
    another_writer,
    shares_that_do_not_follow,
    a_refused_write,
    an_internal_error,
    a_spec_that_cannot_be_read,
    *map(
        broken,
        (two_rules, no_rule, an_older_owner, without_backend, without("httproutes", "income")),
    ),
    broken(without("deployments", "bad")),
]


async def pods_of_another_kind_of_backend() -> Process:
    one = Process()
    arms = one.api.objects[one.path]["spec"]["arms"]
    pool = {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": "bad"}
    one.update_spec(arms=[arms[0], {**arms[1], "backendRef": pool}])
    one.update_route(lambda spec: spec["rules"][0]["backendRefs"][1].update(pool))
    one.gateway()
    await one.look(tick=True)
    one.set_available("bad", 0)
    await one.look()
    return one


def numbers_that_cannot_be(bad: Any, **reward: str) -> Scenario:
    async def scenario() -> Process:
        prometheus = {"successes": "good_total", "trials": "all_total", "settle": "5s"}
        one = await learned(Process, reward={"prometheus": prometheus, **reward})
        await one.tick(12)
        one.earning = {"good": (500.0, 250.0), "bad": bad}
        await one.tick()
        return one

    return scenario


SCENARIOS += [
    pods_of_another_kind_of_backend,
    numbers_that_cannot_be((100.0, 130.0)),
    numbers_that_cannot_be((-1.0, 0.0)),
    numbers_that_cannot_be((1e6, 10.0)),
    numbers_that_cannot_be((500.0, 10.0), maxTrialsPerSecond="1"),
    *(numbers_that_cannot_be(Implausible(one, "no")) for one in ("CounterNotSteady", "ScrapedTwice")),
]


@pytest.fixture(scope="module")
def played() -> list[Process]:
    """All scenarios, and the rollouts of the tests of faults and verbs, played."""
    processes = [asyncio.run(scenario()) for scenario in SCENARIOS]

    def recorded(*arguments: Any, **keywords: Any) -> Process:
        processes.append(Process(*arguments, **keywords))
        return processes[-1]

    for module in PLAYED:
        for name, test in vars(module).items():
            if name.startswith("test_") and set(inspect.signature(test).parameters) == {"process"}:
                asyncio.run(test(recorded))
    return processes


def decisions(registry: CollectorRegistry) -> set[str]:
    """Reasons of the decisions that a process has counted."""
    return {
        sample.labels["reason"]
        for family in registry.collect()
        for sample in family.samples
        if "reason" in sample.labels
    }


def test_every_reason_can_be_seen_by_a_user(played: list[Process]) -> None:
    shown = set().union(*(seen(one) | decisions(one.metrics.registry) for one in played))
    shown |= _suspected(played[1])
    assert sorted(set(ALL.values()) - shown) == []


def _suspected(one: Process) -> set[str]:
    """Those that take hundreds of ticks to come about; tests of the core do that."""
    experiment = to_experiment(parse(one.api.objects[one.path]))
    snapshot = Snapshot(
        0.0,
        NothingDue(reasons.BETWEEN_TICKS, ""),
        dict.fromkeys(experiment.names, ArmFacts(1)),
        1,
        route_accepted=True,
    )
    nothing = decide(experiment, memories.initial(experiment), Intention({}, {}), snapshot)
    suspect = replace(nothing, delay_profile_suspect=True, shadow_contradicted="bad")
    shadowed = replace(experiment, shadow=Shadow(share=0.1))
    overview = Overview(0.0, 1, shadowed, decision=suspect, rewards_until=0.0)
    return {one.reason for one in conditions_of(overview, {})}


def test_no_reason_is_a_word_that_the_table_lacks(played: list[Process]) -> None:
    shown = set().union(*(seen(one) | decisions(one.metrics.registry) for one in played))
    assert sorted(shown - set(ALL.values())) == []


def test_every_metric_moves(played: list[Process]) -> None:
    moved = {
        family.name
        for one in played
        for family in one.metrics.registry.collect()
        if any(sample.value > 0 for sample in family.samples)
    }
    declared = {family.name for family in played[0].metrics.registry.collect()}
    # These are of the process, not of a rollout: tests/test_app.py, tests/e2e/test_cost.py, test_shards.py.
    of_process = ("leading", "prometheus_found", "resources", "shards", "shards_held")
    assert declared - moved == {f"bandit_operator_{name}" for name in of_process}
