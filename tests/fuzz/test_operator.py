"""Whatever the operator reads, valid or not, it has a value or a word for, and no exception."""

from __future__ import annotations

import asyncio
import functools
import json
import math
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bandit_operator.adapters.answers import refused, samples_in, series_in
from bandit_operator.api.record import packed
from bandit_operator.api.references import backends_of, route_of, scale_targets_of
from bandit_operator.api.v1alpha1 import BanditDeployment, InvalidResource, parse, to_experiment
from bandit_operator.core import memory as memories
from bandit_operator.core import reasons
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.learn import learn
from bandit_operator.core.model import Problem, SourceDown
from bandit_operator.errors import InvalidSpec
from bandit_operator.reconcile import blame
from bandit_operator.reconcile.observe import Observer
from bandit_operator.routers import ROUTERS, Located
from bandit_operator.status.document import from_status, read_status
from bandit_operator.watch.cache import Cache
from tests.support.manifests import CRDS, good
from tests.support.mutated import many, mutated
from tests.support.process import Process
from tests.support.worlds.counters import NoCauses
from tests.support.worlds.played import played_until

pytestmark = pytest.mark.slow

ADDRESS = "http://prometheus"
START, END = 1_000_000_020.0, 1_000_000_050.0
Result = TypeVar("Result")


def finished(work: Coroutine[Any, Any, Result]) -> Result:
    """What a coroutine that waits for nothing comes to."""
    try:
        work.send(None)
    except StopIteration as done:
        result: Result = done.value
        return result
    raise AssertionError("it waits for something")


# ---- the spec -----------------------------------------------------------------------------


def manifests() -> list[Any]:
    """Valid resources: one with every field, and the examples."""
    examples = (CRDS.parents[1] / "crds" / "examples").glob("*.yaml")
    return [good(), *(yaml.safe_load(path.read_text()) for path in sorted(examples))]


SPECS = [one["spec"] for one in manifests()]
METADATA = {"name": "income", "namespace": "models", "uid": "2c1b", "generation": 3, "resourceVersion": "7"}
KIND = {"apiVersion": "bandit-operator.dev/v1alpha1", "kind": "BanditDeployment"}


class NoServer:
    """A Prometheus that has no data."""

    async def query(self, *_: Any, **__: Any) -> list[Any]:
        """No element."""
        return []


@many
@given(spec=mutated(SPECS))
def test_a_spec_is_read_or_refused_in_words(spec: Any) -> None:
    body = {**KIND, "metadata": {**METADATA, "creationTimestamp": "2026-01-01T00:00:00Z"}, "spec": spec}
    try:
        resource = parse(body)
        experiment = to_experiment(resource)
    except InvalidResource:
        return
    assert experiment.interval > 0
    assert len(experiment.names) >= 2
    assert set(backends_of(resource)) == set(experiment.names) >= set(scale_targets_of(resource))
    assert (route_of(resource).group, route_of(resource).kind) in ROUTERS
    observer = Observer(Cache(), NoServer(), ADDRESS, NoCauses(), bind_namespace=True)  # type: ignore[arg-type]  # made up
    try:
        read = finished(observer.rewards(resource, START, END))
    except InvalidSpec:
        return
    assert isinstance(read, SourceDown) or set(read.window.arms) == set(experiment.names)
    memories.initial(experiment)


# ---- Prometheus' answers ------------------------------------------------------------------


def answer(kind: str, elements: list[Any]) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": elements}}


def vector() -> dict[str, Any]:
    """Every part of the answer about a window."""
    of = [f"{what} of " for what in ("resets", "beginnings", "first values", "earlier values")]
    at = [f"{what} of {{}} at {time:.3f}" for what in ("level", "series") for time in (START, END)]
    parts = ("trials", "rewards")
    names = [f"{what}{part}" for part in parts for what in ("", *of)]
    names += [name.format(part) for part in parts for name in at]
    return answer(
        "vector",
        [
            {"metric": {"bandit_part": name, "arm": arm, "pod": f"{arm}-1"}, "value": [END, value]}
            for name in names
            for arm, value in (("good", "100"), ("bad", "90.5"))
        ],
    )


def matrix() -> dict[str, Any]:
    """A series that was reset in the window."""
    values = [[START - 10, "500"], [START + 5, "510"], [START + 20, "7"], [END, "22"]]
    return answer(
        "matrix", [{"metric": {"arm": arm, "pod": f"{arm}-1"}, "values": values} for arm in ("good", "bad")]
    )


@st.composite
def bodies(draw: st.DrawFn, document: dict[str, Any]) -> bytes:
    """An answer's bytes: JSON near the valid one, and now and then cut off or with a byte exchanged."""
    body = json.dumps(draw(mutated([document]))).encode("utf-8", "surrogatepass")
    damage = draw(st.integers(0, 9))
    if damage == 0 and body:
        at = draw(st.integers(0, len(body) - 1))
        return body[:at] + bytes([draw(st.integers(0, 255))]) + body[at + 1 :]
    return body[: draw(st.integers(0, len(body)))] if damage == 1 else body


class Server:
    """A Prometheus with these answers to instant queries and to range vectors."""

    def __init__(self, vectors: bytes, matrices: bytes) -> None:
        self.vectors, self.matrices = vectors, matrices

    async def query(self, *_: Any, **__: Any) -> Any:
        """An instant vector."""
        return samples_in(self.vectors, ADDRESS)

    async def series(self, *_: Any, **__: Any) -> Any:
        """A range vector."""
        return series_in(self.matrices, ADDRESS)


@many
@given(vectors=bodies(vector()), matrices=bodies(matrix()), status=st.sampled_from([200, 302, 400, 503]))
def test_an_answer_of_prometheus_is_read_or_said_to_be_none(
    vectors: bytes, matrices: bytes, status: int
) -> None:
    assert isinstance(refused(status, vectors, ADDRESS), SourceDown)
    resource, experiment = counted_resource()
    observer = Observer(Cache(), Server(vectors, matrices), ADDRESS, NoCauses())  # type: ignore[arg-type]  # made up
    memory = memories.initial(experiment)
    for start in (START, END):
        read = finished(observer.rewards(resource, start, start + 30.0, 100.0))
        if isinstance(read, SourceDown):
            assert read.reason in (reasons.BAD_ANSWER, reasons.PARTIAL_ANSWER)
            return
        memory, _ = learn(experiment, memory, {}, read.window, ())
        assert all(math.isfinite(value) for array in (memory.trials, memory.rewards) for value in array)


@functools.cache
def counted_resource() -> tuple[BanditDeployment, Experiment]:
    """A resource whose rewards are counted."""
    resource = parse(made().api.objects[made().path])
    return resource, to_experiment(resource)


@functools.cache
def made() -> Process:
    """A rollout of two arms."""
    return Process()


# ---- the stored status --------------------------------------------------------------------


@functools.cache
def statuses() -> list[Any]:
    """Statuses of a rollout in several states."""
    all_of = [played_until(state, counted=False).status for state in ("Active", "Draining", "RolledBack")]
    return [{**one, "history": one["history"][:3]} for one in all_of]


@st.composite
def stored(draw: st.DrawFn) -> Any:
    status = draw(mutated(statuses()))
    if not isinstance(status, dict):
        return {}
    arms = status.get("arms")
    each = arms if isinstance(arms, list) else ()
    named = (isinstance(arm, dict) and isinstance(arm.get("name"), str) for arm in each)
    well_formed = isinstance(arms, list) and all(named)
    return packed(status) if well_formed and draw(st.booleans()) else status


@functools.cache
def rollout() -> tuple[Process, Experiment]:
    """A process that can be started on any status, and the settings of its resource."""
    one = Process(played_until("Active", counted=False).arms)
    return one, to_experiment(parse(one.api.objects[one.path]))


@many
@given(status=stored(), played=st.integers(0, 9))
def test_a_stored_status_goes_on_or_starts_afresh(status: Any, played: int) -> None:
    one, experiment = rollout()
    read, notes = read_status({"status": status})
    committed = from_status(read, experiment, 1, START)
    assert committed.memory.arms == experiment.names
    assert all(isinstance(note, str) for note in (*notes, *committed.notes))
    for standing in () if committed.intention is None else committed.intention.standings.values():
        times = (standing.since, standing.quiet_since, standing.up_since, standing.idle_since)
        assert all(time is None or time <= START for time in times)
    if played:
        return  # one in ten is gone on from, which takes much longer
    one.go_on_from(played_until("Active", counted=False))
    one.api.objects[one.path]["status"] = status
    one.start()
    one.now += 30.0
    one.gateway()
    asyncio.run(one.look(tick=True))
    assert one.condition("Ready")["reason"] != reasons.INTERNAL_ERROR, one.condition("Ready")
    assert all(0 <= weight <= 1_000_000 for weight in one.weights().values())
    assert all(one.replicas(arm) <= 100 for arm in one.arms)


# ---- routes -------------------------------------------------------------------------------


@functools.cache
def routes() -> list[Any]:
    """A route as gateways leave it."""
    one = made()
    one.gateway(lagging=True)
    route = json.loads(json.dumps(one.api.objects[one.route_path]))
    route["metadata"]["managedFields"] = [
        {"manager": "kubectl", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:rules": {}}}}
    ]
    route["spec"]["rules"][0]["backendRefs"][0] |= {"group": "", "kind": "Service", "namespace": "models"}
    route["spec"]["rules"].append({"name": "other", "backendRefs": [{"name": "good", "port": 80}]})
    other = json.loads(json.dumps(route))
    other["status"]["parents"][0]["conditions"][-1] |= {"status": "False", "message": "good not found"}
    return [route, other]


@functools.cache
def parts_of_routes() -> list[Any]:
    """What of them may be anything: their names are the API server's."""
    return [
        {"spec": one["spec"], "status": one["status"], "fields": one["metadata"]["managedFields"]}
        for one in routes()
    ]


@st.composite
def near_routes(draw: st.DrawFn) -> Any:
    changed = draw(mutated(parts_of_routes()))
    return changed if isinstance(changed, dict) else {}


@many
@given(changed=near_routes(), section=st.sampled_from([None, "predict", "other", "none"]))
def test_a_route_is_located_or_said_to_be_a_problem(changed: Any, section: str | None) -> None:
    backends = backends_of(counted_resource()[0])
    metadata = {**routes()[0]["metadata"], "managedFields": changed.get("fields")}
    body = {"metadata": metadata, **{part: changed[part] for part in ("spec", "status") if part in changed}}
    cache = Cache()
    cache.put_route("HTTPRoute", body)
    (route,) = cache.routes.values()
    for router in ROUTERS.values():
        located = router.locate(route, section, backends)
        words = router.unresolved(route)
        assert set(router.pending(route, router.accepting(route))) <= set(router.accepting(route))
        assert all(isinstance(name, str) for name in router.left(route))
        assert blame.blamed(words or "", 0, backends) <= backends.keys()
        assert all(isinstance(writer, str) for writer in router.writers(route))
        assert words is None or isinstance(words, str)
        assert isinstance(router.uses(route, backends["good"]), bool)
        if isinstance(located, Problem):
            assert located.message
            continue
        assert isinstance(located, Located)
        weights = dict.fromkeys(located.weights, 5000)
        router.patch(route, located, weights, dict(located.other_weights))
