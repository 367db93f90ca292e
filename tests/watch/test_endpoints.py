"""What is known of the Pods behind a Service."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.watch.endpoints import Endpoints

SERVICE = ("models", "ranker")
NAMED = "kubernetes.io/service-name"


def a_slice(*pods: str, service: str | None = "ranker", name: str = "ranker-1") -> dict[str, Any]:
    labels = {} if service is None else {NAMED: service}
    endpoints = [{"conditions": {"ready": True}, "targetRef": {"kind": "Pod", "name": pod}} for pod in pods]
    return {
        "metadata": {"namespace": "models", "name": name, "labels": labels},
        "endpoints": endpoints,
    }


@pytest.mark.parametrize(
    ("pod", "owner"),
    [
        ("ranker-v2-7d4b9c6f5d-x2bkc", ("Deployment", "models", "ranker-v2")),
        ("ranker-0", ("StatefulSet", "models", "ranker")),
        ("ranker-v2-11", ("StatefulSet", "models", "ranker-v2")),
    ],
)
def test_a_pod_says_by_its_name_whose_it_is(pod: str, owner: tuple[str, str, str]) -> None:
    endpoints = Endpoints()
    endpoints.put(a_slice(pod))
    assert endpoints.owners(SERVICE) == {owner}
    assert endpoints.in_front_of(owner) == {SERVICE}


@pytest.mark.parametrize("pod", ["ranker", "ranker-gpu-x7k2p", "ranker-x7k2p", ""])
def test_of_a_pod_of_another_kind_nobody_is_named(pod: str) -> None:
    endpoints = Endpoints()
    endpoints.put(a_slice(pod))
    assert endpoints.owners(SERVICE) == frozenset()
    assert endpoints.ready(SERVICE) == 1


@pytest.mark.parametrize(
    ("conditions", "ready"),
    [
        ({}, 1),
        (None, 1),
        ({"ready": True, "serving": True, "terminating": False}, 1),
        ({"ready": False, "serving": False, "terminating": False}, 0),
        ({"ready": False, "serving": True, "terminating": True}, 0),
        ({"ready": True, "serving": False, "terminating": False}, 0),
        ({"ready": True, "serving": True, "terminating": True}, 0),
        ({"ready": None, "serving": None, "terminating": None}, 1),
    ],
    ids=["unsaid", "null", "well", "not ready", "ends", "published", "published and ends", "nulls"],
)
def test_a_pod_that_would_not_answer_is_not_ready_even_where_its_service_publishes_it(
    conditions: dict[str, bool | None] | None, ready: int
) -> None:
    endpoints = Endpoints()
    endpoints.put({**a_slice(), "endpoints": [{"addresses": ["10.0.0.1"], "conditions": conditions}]})
    assert endpoints.ready(SERVICE) == ready


@pytest.mark.parametrize(
    ("told", "port", "ready"),
    [
        ({}, "http", 1),
        ({"ports": [{"name": "http", "port": 8000}]}, "http", 1),
        ({"ports": [{"name": "metrics", "port": 9000}]}, "http", 0),
        ({"ports": [{"name": "metrics", "port": 9000}]}, None, 1),
        ({"ports": [{"name": "", "port": 8000}]}, "", 1),
        ({"ports": [{"port": 8000}]}, "", 1),
        ({"ports": None}, "", 0),
        ({"ports": []}, None, 0),
    ],
    ids=["unsaid", "has it", "has another", "any", "nameless", "no name", "null", "empty"],
)
def test_a_pod_without_the_port_of_the_service_is_not_ready_at_it(
    told: dict[str, Any], port: str | None, ready: int
) -> None:
    endpoints = Endpoints()
    endpoints.put({**a_slice("ranker-0"), **told})
    assert endpoints.ready(SERVICE, port) == ready


def test_a_port_that_its_pods_lose_is_news_of_a_service() -> None:
    endpoints, http, metrics = Endpoints(), {"name": "http"}, {"name": "metrics"}
    endpoints.put({**a_slice("ranker-0"), "ports": [http, metrics]})
    assert endpoints.put({**a_slice("ranker-0"), "ports": [http, metrics]}) == frozenset()
    assert endpoints.put({**a_slice("ranker-0"), "ports": [metrics]}) == {SERVICE}


def test_endpoints_without_a_pod_count_and_name_nobody() -> None:
    endpoints = Endpoints()
    endpoints.put({**a_slice(), "endpoints": [{"addresses": ["10.0.0.1"]}]})
    assert (endpoints.ready(SERVICE), endpoints.owners(SERVICE)) == (1, frozenset())


@pytest.mark.parametrize("service", ["elsewhere", None])
def test_a_slice_that_is_labelled_otherwise_is_no_longer_counted_for_the_service_before(
    service: str | None,
) -> None:
    endpoints = Endpoints()
    endpoints.put(a_slice("ranker-0", "ranker-1"))
    changed = endpoints.put(a_slice("ranker-0", "ranker-1", service=service))
    assert endpoints.ready(SERVICE) == 0
    assert endpoints.owners(SERVICE) == frozenset()
    assert SERVICE in changed


def test_what_a_watch_has_brought_is_newer_than_a_list_that_was_asked_for_before() -> None:
    endpoints = Endpoints()
    endpoints.put({**a_slice(), "endpoints": []})
    endpoints.put_listed(SERVICE, [a_slice("ranker-0")], anew=False)
    assert endpoints.ready(SERVICE) == 0


def test_where_no_watch_brings_them_what_was_listed_last_counts() -> None:
    endpoints = Endpoints()
    endpoints.put_listed(SERVICE, [a_slice("ranker-0")], anew=True)
    assert endpoints.ready(SERVICE) == 1
    endpoints.put_listed(SERVICE, [], anew=True)
    assert endpoints.ready(SERVICE) == 0


def test_only_a_change_of_what_is_known_is_news() -> None:
    endpoints = Endpoints()
    assert endpoints.put(a_slice("ranker-0")) == {SERVICE}
    assert endpoints.put(a_slice("ranker-1")) == frozenset()
    assert endpoints.put(a_slice("ranker-1", "ranker-2")) == {SERVICE}
    assert endpoints.put(a_slice("other-1", "other-2")) == {SERVICE}


@pytest.mark.parametrize(
    ("told", "port", "number"),
    [
        ({}, None, None),
        ({}, "http", None),
        ({"ports": [{"name": "http", "port": 8000}]}, None, 8000),
        ({"ports": [{"name": "http", "port": 8000}, {"name": "metrics", "port": 9000}]}, "metrics", 9000),
    ],
    ids=["not said", "not said, but asked for", "the only one", "by its name"],
)
def test_the_pods_behind_a_port_are_told_with_their_own(
    told: dict[str, Any], port: str | None, number: int | None
) -> None:
    endpoints = Endpoints()
    endpoints.put({**a_slice("ranker-0"), **told})
    endpoints.put({**a_slice("ranker-1", name="ranker-2"), **told})
    assert endpoints.pods_at(SERVICE, port) == {(("models", f"ranker-{n}"), number) for n in (0, 1)}


def test_of_a_port_that_is_not_there_or_not_the_only_one_no_pod_is_told() -> None:
    endpoints = Endpoints()
    ports = [{"name": "http", "port": 8000}, {"name": "metrics", "port": 9000}]
    endpoints.put({**a_slice("ranker-0"), "ports": ports})
    assert endpoints.pods_at(SERVICE, "grpc") == endpoints.pods_at(SERVICE, None) == frozenset()
