"""What Prometheus is asked, by a real server on loopback that writes it down."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import parse_qs

import pytest

from bandit_operator.adapters.access import Access, Origin
from bandit_operator.adapters.prometheus import Prometheus
from bandit_operator.api.v1alpha1 import parse
from bandit_operator.core.model import NoData
from bandit_operator.reconcile.observe import Observer
from bandit_operator.watch.cache import Cache

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
async def asked():
    """The questions that a server without any series was asked, and its address."""
    questions: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].split()[0])
        questions.extend(parse_qs((await reader.readexactly(length)).decode())["query"])
        head = f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(NOTHING)}\r\n\r\n"
        writer.write((head + NOTHING).encode())
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield questions, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    listening.close()


@pytest.mark.parametrize("known", [True, False])
async def test_envoys_clusters_are_asked_for_by_the_arms_places_in_the_route(body, asked, known):
    questions, address = asked
    body["spec"]["reward"] = {
        "prometheus": {"preset": "GatewaySuccess", "implementation": "EnvoyGateway", "address": address}
    }
    cache = Cache()
    if known:
        cache.put_route("HTTPRoute", ROUTE)
    prometheus = Prometheus(Access(Origin.of(address)))
    reading = await Observer(cache, prometheus, None).rewards(parse(body), 1000.0, 1030.0)
    await prometheus.close()
    [question] = questions
    places = [f"httproute/models/income/rule/1/backend/{place}" in question for place in (0, 1)]
    assert places == [known, known]
    assert set(reading.window.arms.values()) == {NoData("no series of envoy_cluster_upstream_rq")}
