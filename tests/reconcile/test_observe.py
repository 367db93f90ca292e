"""What Prometheus is asked, by a real server on loopback that writes it down."""

from __future__ import annotations

import asyncio
import copy
import json
import re
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from bandit_operator.adapters.access import Access, Origin
from bandit_operator.adapters.discovery import Discovery
from bandit_operator.adapters.prometheus import Prometheus
from bandit_operator.api.v1alpha1 import parse
from bandit_operator.core.model import NoData
from bandit_operator.errors import InvalidSpec
from bandit_operator.reconcile.causes import Causes
from bandit_operator.reconcile.observe import OF_ITS_CLIENTS, Observer
from bandit_operator.watch.cache import Cache
from tests.support.process import Process

NOTHING = json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}})
ROUTE = {
    "metadata": {
        "name": "income",
        "namespace": "models",
        "uid": "r",
        "generation": 1,
        "resourceVersion": "1",
    },
    "spec": {
        "rules": [
            {"name": "health", "backendRefs": [{"name": "income-logistic", "port": 80}]},
            {
                "name": "predict",
                "backendRefs": [
                    {
                        "group": "inference.networking.k8s.io",
                        "kind": "InferencePool",
                        "name": "income-boosting",
                    },
                    {"name": "income-logistic", "port": 80},
                ],
            },
        ]
    },
}


@pytest.fixture
async def asked() -> AsyncIterator[tuple[list[str], str]]:
    """The queries that a server without any series was asked, and its address."""
    queries: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].split()[0])
        queries.extend(parse_qs((await reader.readexactly(length)).decode())["query"])
        head = f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(NOTHING)}\r\n\r\n"
        writer.write((head + NOTHING).encode())
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield queries, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    listening.close()


def no_causes() -> Causes:
    return Causes(Discovery(Access()))  # which may ask nobody


@pytest.mark.parametrize("known", [True, False])
async def test_envoys_clusters_are_asked_for_by_the_arms_places_in_the_route(
    body: dict[str, Any], asked: tuple[list[str], str], known: bool
) -> None:
    queries, address = asked
    body["spec"]["reward"] = {
        "prometheus": {"preset": "GatewaySuccess", "implementation": "EnvoyGateway", "address": address}
    }
    cache = Cache()
    if known:
        cache.put_route("HTTPRoute", ROUTE)
    prometheus = Prometheus(Access(Origin.of(address)))
    observer = Observer(cache, prometheus, None, no_causes())
    reading = await observer.rewards(parse(body), 1000.0, 1030.0)
    await prometheus.close()
    [query] = queries
    places = [f"httproute/models/income/rule/1/backend/{place}" in query for place in (0, 1)]
    assert places == [known, known]
    assert set(reading.window.arms.values()) == {NoData("no series of envoy_cluster_upstream_rq")}


async def test_what_clients_that_stay_with_their_arms_bring_is_no_arms_evidence(
    body: dict[str, Any], asked: tuple[list[str], str]
) -> None:
    queries, address = asked
    body["spec"]["reward"]["prometheus"]["address"] = address
    kept: dict[str, Any] = copy.deepcopy(ROUTE)
    kept["spec"]["rules"][1]["sessionPersistence"] = {"type": "Header"}
    cache = Cache()
    cache.put_route("HTTPRoute", kept)
    prometheus = Prometheus(Access(Origin.of(address)))
    reading = await Observer(cache, prometheus, None, no_causes()).rewards(parse(body), 1000.0, 1030.0)
    await prometheus.close()
    assert len(queries) == 1
    assert set(reading.window.arms.values()) == {OF_ITS_CLIENTS}


async def test_users_promql_is_bound_to_the_resources_namespace_where_that_is_asked(
    body: dict[str, Any], asked: tuple[list[str], str]
) -> None:
    queries, address = asked
    body["spec"]["reward"]["prometheus"] = {
        "successes": 'good_total{namespace="victim"}',
        "trials": "all_total",
        "address": address,
    }
    body["spec"]["rollback"] = {"requests": "model_requests_total"}
    prometheus = Prometheus(Access(Origin.of(address)))
    for bind in (False, True):
        observer = Observer(Cache(), prometheus, None, no_causes(), bind_namespace=bind)
        await observer.rewards(parse(body), 1000.0, 1030.0)
    await prometheus.close()
    free, bound = queries
    assert "victim" in free
    assert "victim" not in bound
    for metric in ("good_total", "all_total", "model_requests_total"):
        assert bound.count(metric) == bound.count(f'{metric}{{namespace="models"}}')


@pytest.mark.parametrize(
    ("promql", "requests", "says"),
    [
        (
            {"successes": 'a_total{} or b_total{x="y"}', "trials": "all_total"},
            None,
            "spec.reward.prometheus.successes: it is no plain selector",
        ),
        (
            {"successes": "good_total", "trials": "all_total"},
            't{x="y"}[5m])) or (secret{x="z"}',
            "spec.rollback.requests: it cannot be read",
        ),
        (
            {
                "query": "sum by (arm) (info(sum_over_time(x[$window])))",
                "samples": "sum by (arm) (increase(n[$window]))",
            },
            None,
            "spec.reward.prometheus.query: it uses info()",
        ),
    ],
)
async def test_promql_that_may_not_be_asked_is_an_invalid_spec(
    body: dict[str, Any],
    asked: tuple[list[str], str],
    promql: dict[str, str],
    requests: str | None,
    says: str,
) -> None:
    queries, address = asked
    body["spec"]["reward"]["prometheus"] = {**promql, "address": address}
    body["spec"]["rollback"] = {} if requests is None else {"requests": requests}
    prometheus = Prometheus(Access(Origin.of(address)))
    observer = Observer(Cache(), prometheus, None, no_causes(), bind_namespace=True)
    with pytest.raises(InvalidSpec, match=re.escape(says)):
        await observer.rewards(parse(body), 1000.0, 1030.0)
    assert queries == []


async def test_a_spec_whose_promql_may_not_be_asked_is_rejected_with_the_field(
    process: Callable[..., Process],
) -> None:
    one = process()
    await one.tick(2)
    one.earning = InvalidSpec("spec.reward.prometheus.successes: it is no plain selector")
    await one.tick()
    assert one.condition("Accepted")["status"] == "False"
    assert "spec.reward.prometheus.successes" in one.condition("Accepted")["message"]
