"""What is kept of the objects that a watch brings."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.watch.cache import Cache
from bandit_operator.watch.scale_targets import LONGEST_REASON, scale_target

QUOTA = 'pods "b-7d4b9c6f5d-x2b1c" is forbidden: exceeded quota: small'
LATE = 'ReplicaSet "b-7d4b9c6f5d" has timed out progressing.'


def condition(kind: str, status: str, message: Any) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": "Any", "message": message}


FAILURE = condition("ReplicaFailure", "True", QUOTA)
TIMED_OUT = condition("Progressing", "False", LATE)


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        (None, None),
        ([], None),
        (
            [
                condition("Available", "False", "no minimum availability"),
                condition("Progressing", "True", ""),
            ],
            None,
        ),
        ([FAILURE], QUOTA),
        ([condition("ReplicaFailure", "False", QUOTA)], None),
        ([TIMED_OUT], LATE),
        ([TIMED_OUT, FAILURE], QUOTA),
        ([condition("ReplicaFailure", "True", None)], None),
        ([condition("ReplicaFailure", "True", "two\nlines " + "x" * 9000)], "two lines " + "x" * 290),
    ],
    ids=["none", "empty", "healthy", "quota", "over", "late", "both", "wordless", "endless"],
)
def test_of_a_deployment_it_is_kept_why_its_pods_do_not_come(
    conditions: list[dict[str, Any]] | None, words: str | None
) -> None:
    status = {"availableReplicas": 0} | ({} if conditions is None else {"conditions": conditions})
    target = scale_target({"metadata": {"generation": 1}, "spec": {"replicas": 1}, "status": status})
    assert target.hindered == words
    assert len(target.hindered or "") <= LONGEST_REASON


RANKER = ("models", "ranker")


def a_service(**ports: int) -> dict[str, Any]:
    listed = [{"name": name, "port": port} for name, port in ports.items()]
    return {"metadata": {"namespace": "models", "name": "ranker"}, "spec": {"ports": listed}}


def a_cache(*behind: str, **ports: int) -> Cache:
    cache = Cache()
    cache.put_service("Service", a_service(**ports))
    labels = {"kubernetes.io/service-name": "ranker"}
    cache.endpoints.put(
        {
            "metadata": {"namespace": "models", "name": "ranker-1", "labels": labels},
            "endpoints": [{"conditions": {"ready": True}}],
            "ports": [{"name": name} for name in behind],
        }
    )
    return cache


@pytest.mark.parametrize(
    ("port", "ready"), [(80, 1), (9000, 0), (8080, 0), (None, 1)], ids=["there", "no Pod", "none", "any"]
)
def test_endpoints_are_ready_at_the_port_that_the_route_names(port: int | None, ready: int) -> None:
    assert a_cache("http", http=80, metrics=9000).ready_endpoints(RANKER, port) == ready


def test_a_port_of_the_same_number_over_udp_is_another() -> None:
    cache, service = a_cache("http", "http3"), a_service(http=443)
    service["spec"]["ports"] += [{"name": "quic", "port": 443, "protocol": "UDP"}]
    cache.put_service("Service", service)
    assert cache.ready_endpoints(RANKER, 443) == 1


def test_a_service_of_which_only_its_being_there_is_known_may_have_any_port() -> None:
    assert a_cache("http").ready_endpoints(RANKER, 80) == 1


def test_a_service_may_become_the_name_of_something_outside_and_back() -> None:
    cache = Cache()
    inside = a_service(http=80)
    outside = {**inside, "spec": {**inside["spec"], "type": "ExternalName", "externalName": "models.example"}}
    key = (inside["metadata"]["namespace"], inside["metadata"]["name"])
    for body, is_external in ((outside, True), (inside, False), (outside, True)):
        assert cache.put_service("Service", body)
        assert cache.is_external(key) is is_external
    cache.drop("Service", key)
    assert not cache.is_external(key)


def test_ports_that_change_are_news_of_a_service_and_nothing_else_is() -> None:
    cache = a_cache("http", http=80)
    assert not cache.put_service("Service", a_service(http=80))
    assert cache.put_service("Service", a_service(web=80))
    assert cache.ready_endpoints(RANKER, 80) == 0
