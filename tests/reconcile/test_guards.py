"""A guard that trips takes an arm's traffic in that very tick, and is said, and can be replayed."""

from __future__ import annotations

from bandit_operator.status.replay import replay
from tests.support.playing import Start, learned
from tests.support.process import Process

GUARD = {"name": "errors", "query": "error_share", "above": "0.05", "windows": 2}


async def guarded(process: Start) -> Process:
    """A rollout that has learned, and has a guard."""
    one = await learned(process, guards=[GUARD])
    one.guards = {"errors": {"good": 0.01, "bad": 0.2}}
    return one


async def test_an_unwell_arm_has_no_weight_once_the_guard_has_tripped(process: Start) -> None:
    one = await guarded(process)
    await one.tick()
    assert one.weights()["bad"] > 0
    await one.tick()
    assert one.weights()["bad"] == 0
    assert (one.arm("bad")["state"], one.arm("bad")["reason"]) == ("Unavailable", "GuardTripped")
    assert one.replicas("bad") == 2
    notes = [write.body["note"] for write in one.api.writes if write.what == "event"]
    assert any("guard errors: 0.2 is above 0.05" in note for note in notes)


async def test_it_comes_back_by_itself_with_a_small_share(process: Start) -> None:
    one = await guarded(process)
    await one.tick(2)
    one.guards = {}
    await one.tick(10)
    assert one.arm("bad")["state"] in ("Joining", "Active")
    assert 0 < one.weights()["bad"] < 5000


async def test_what_was_measured_before_it_lost_its_traffic_does_not_keep_it_out(process: Start) -> None:
    one = await guarded(process)
    await one.tick(5)  # as by a rate over some minutes
    assert one.arm("bad")["reason"] == "GuardTripped"
    one.guards = {"errors": {"good": 0.01}}  # of no requests there is no share
    await one.tick(10)
    assert one.weights()["bad"] > 0
    await one.tick(10)
    assert one.weights()["bad"] > 0


async def test_a_process_that_starts_again_goes_on_counting(process: Start) -> None:
    one = await guarded(process)
    await one.tick()
    one.start()
    await one.tick()
    assert one.weights()["bad"] == 0


async def test_decisions_with_guards_can_be_made_again_from_the_status(process: Start) -> None:
    one = await guarded(process)
    await one.tick(4)
    body = one.api.objects[one.path]
    again = replay(body)
    assert again.agrees
    assert len(again.replayed) >= 4
