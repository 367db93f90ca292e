"""What the operator costs the API server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cluster.client import Request
from demo.load import Load, load_of
from testbed.installation import OPERATOR_ACCOUNT

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
END = BEGIN + timedelta(seconds=100)


def request(
    verb: str, resource: str, second: float = 50, user: str = OPERATOR_ACCOUNT, sub: str = ""
) -> Request:
    return Request(
        BEGIN + timedelta(seconds=second), user, verb, resource, sub, "demo", "income", 200, pod=""
    )


def load(
    *requests: Request, queries: float | None = 10.0, ticks: int = 10, between: tuple[float, ...] = ()
) -> Load:
    begin = BEGIN.timestamp()
    decided = [begin + 10 * number for number in range(ticks)]
    return load_of(requests, queries, decided, [begin + second for second in between], END.timestamp())


def test_reads_and_writes_are_told_apart() -> None:
    found = load(request("get", "httproutes"), *[request("patch", "httproutes")] * 5)
    assert (found.reads, found.writes) == (0.1, 0.5)


def test_leases_and_watches_do_not_count() -> None:
    found = load(request("update", "leases"), request("get", "leases"), request("watch", "httproutes"))
    assert (found.reads, found.writes) == (0.0, 0.0)


def test_lists_that_check_the_watches_do_not_count_and_lists_of_a_namespace_do() -> None:
    of_all = replace(request("list", "httproutes"), namespace="")
    assert load(of_all).reads == 0.0
    assert load(request("list", "endpointslices")).reads == 0.1


def test_start_up_and_the_time_after_do_not_count() -> None:
    assert load(request("list", "httproutes", -1), request("list", "httproutes", 101)).reads == 0.0


def test_others_do_not_count() -> None:
    assert load(request("list", "pods", user="system:serviceaccount:monitoring:prometheus")).reads == 0.0


def test_kinds_name_verb_resource_and_subresource() -> None:
    found = load(request("patch", "banditdeployments", sub="status"))
    assert found.kinds == {"patch banditdeployments/status": 1}


def test_without_an_audit_log_nothing_is_known() -> None:
    found = load_of(None, 20.0, [BEGIN.timestamp() + number for number in range(10)], [], END.timestamp())
    assert (found.reads, found.writes, found.queries) == (None, None, 2.0)


def test_without_a_tick_nothing_is_known() -> None:
    found = load(queries=None, ticks=0)
    assert (found.reads, found.writes, found.queries) == (None, None, None)


def test_events_are_counted_apart_from_writes() -> None:
    found = load(request("create", "events"), request("patch", "httproutes"))
    assert (found.writes, found.events) == (0.1, 0.1)


def test_discovery_is_no_read() -> None:
    assert load(request("get", "")).reads == 0.0


def test_writes_of_a_drain_are_told_apart_from_those_of_normal_ticks() -> None:
    drain = [
        request("patch", "banditdeployments", 23, sub="status"),
        request("patch", "deployments", 24, sub="scale"),
    ]
    found = load(
        *[request("patch", "httproutes", 20.1), *drain, request("patch", "httproutes", 50)], between=(22,)
    )
    assert found.writes == pytest.approx(1 / 9)
    assert found.all_writes == pytest.approx(4 / 10)
