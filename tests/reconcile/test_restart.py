"""A process that begins where another one has ended."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.status.replay import replay
from bandit_operator.status.writer import QUIET_SECONDS
from tests.support.playing import EQUAL, Start, learned
from tests.support.process import Process


async def rested(process: Start) -> Process:
    """A rollout whose ticks change nothing, right after its status was written."""
    one = await learned(process)
    one.earning = EQUAL
    written = one.status["lookedAt"]
    while one.status["lookedAt"] == written:
        await one.tick(seconds=10.0)
    return one


def version(one: Process) -> str:
    """Changes with each write of the resource."""
    return str(one.api.objects[one.path]["metadata"]["resourceVersion"])


def stored(one: Process) -> dict[str, Any]:
    status: dict[str, Any] = one.api.objects[one.path]["status"]
    return status


async def test_a_process_that_begins_does_not_write_what_the_status_says_already(process: Start) -> None:
    one = await rested(process)
    before = version(one)
    one.start()
    await one.tick(seconds=10.0)
    assert version(one) == before


async def test_its_first_write_comes_a_minute_after_the_last_one_of_the_process_before(
    process: Start,
) -> None:
    one = await rested(process)
    before, written = version(one), one.now
    await one.tick(seconds=10.0)
    one.start()
    while version(one) == before:
        await one.tick(seconds=10.0)
    assert one.now - written == pytest.approx(QUIET_SECONDS, abs=10.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [("phase", "Paused"), ("observedGeneration", 7), ("lookedAt", "soon")],
)
async def test_it_writes_at_once_what_the_status_says_otherwise(
    process: Start, field: str, value: Any
) -> None:
    one = await rested(process)
    right = stored(one)[field]
    stored(one)[field] = value
    one.start()
    await one.tick(seconds=10.0)
    if field == "lookedAt":
        assert one.status[field] > right
    else:
        assert one.status[field] == right


async def test_it_writes_at_once_that_it_is_another_operator(process: Start) -> None:
    one = await rested(process)
    stored(one)["operator"] = "other/operator"
    one.start()
    await one.tick(seconds=10.0)
    assert "operator" not in one.status


async def test_it_writes_at_once_a_condition_that_is_not_so(process: Start) -> None:
    one = await rested(process)
    for condition in stored(one)["conditions"]:
        condition["status"] = "False" if condition["type"] == "Ready" else condition["status"]
    one.start()
    await one.tick(seconds=10.0)
    assert one.condition("Ready")["status"] == "True"


async def test_a_time_in_the_future_does_not_keep_it_from_writing(process: Start) -> None:
    one = await rested(process)
    stored(one)["lookedAt"] = "2999-01-01T00:00:00.000Z"
    one.start()
    await one.tick(7, seconds=10.0)
    assert one.status["lookedAt"] < "2999"


async def test_processes_that_live_for_half_a_minute_lose_no_window_and_count_none_twice(
    process: Start,
) -> None:
    one = await rested(process)
    begun = len(one.status["history"])
    for _ in range(10):
        one.start()
        await one.tick(3, seconds=10.0)
    windows = [record["window"] for record in reversed(one.status["history"][: -begun or None])]
    assert len(windows) >= 300 / 30 - QUIET_SECONDS / 30
    assert [later["start"] for later in windows[1:]] == [earlier["end"] for earlier in windows[:-1]]


@pytest.mark.parametrize("ended", [False, True], ids=["goes on", "ended"])
async def test_an_arm_that_has_just_its_weight_back_has_earned_what_comes_then_also_in_windows_read_later(
    process: Start, ended: bool
) -> None:
    one = await learned(process)
    one.update_spec(pin={"arm": "good"})
    one.earning = {"good": (500.0, 250.0), "bad": (0.0, 0.0)}
    await one.tick(6)
    one.update_spec(pin=None)
    await one.tick()
    assert one.weights()["bad"] > 0
    before = float(one.arm("bad")["trials"])
    one.earning = EQUAL
    if ended:
        one.start()
    one.gateway()
    await one.tick(seconds=90.0)
    assert float(one.arm("bad")["trials"]) == before + 3 * 500.0
    assert replay(one.api.objects[one.path]).agrees
