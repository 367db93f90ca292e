"""A resource that is being deleted and still there: traffic stays, and Ready does not."""

from __future__ import annotations

import pytest

from bandit_operator.core import reasons
from bandit_operator.errors import APIError
from tests.support.fake_api import copied
from tests.support.playing import Start, learned
from tests.support.process import Process


def begin_to_delete(one: Process) -> None:
    """Somebody deletes the resource, on which another has set a finalizer."""
    body = copied(one.api.objects[one.path])
    body["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/keep"]}
    one.api.put(one.path, body)


async def waiting(process: Start) -> Process:
    """A resource that waits for a finalizer, which the operator has seen."""
    one = await learned(process)
    begin_to_delete(one)
    one.api.writes.clear()
    assert await one.look() is None
    return one


async def test_a_resource_that_waits_for_a_finalizer_is_not_ready_and_names_it(process: Start) -> None:
    one = await waiting(process)
    ready = one.condition("Ready")
    assert (ready["status"], ready["reason"]) == ("False", reasons.DELETING)
    assert "example.com/keep" in ready["message"]
    assert one.api.what_was_written() == ["status"]


async def test_it_is_said_once_and_traffic_stays_whoever_fails(process: Start) -> None:
    one = await waiting(process)
    before = one.weights()
    one.api.writes.clear()
    one.set_available("bad", 0)
    for _ in range(2):
        one.now += 60.0
        assert await one.look(tick=True) is None
    assert one.api.what_was_written() == []
    assert one.weights() == before


@pytest.mark.parametrize("status", [403, 404, 409, 500])
async def test_a_status_that_cannot_be_written_then_stops_nothing(process: Start, status: int) -> None:
    one = await learned(process)
    begin_to_delete(one)
    one.api.fail("patch", "/status", APIError(status, "no"))
    assert await one.look() is None
