"""One pass: what is written before what, and what an error leaves behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bandit_operator.core import reasons
from bandit_operator.errors import APIError, APIUnreachable, Conflict
from bandit_operator.status.replay import replay
from tests.support.fake_api import copied, deployment_of
from tests.support.objects import NAMESPACE
from tests.support.playing import EQUAL, WORSE, Start, learned, until
from tests.support.process import DOWN, Process


async def test_the_first_pass_sets_the_cursor_and_moves_nothing(process: Start) -> None:
    one = process()
    await one.look(tick=True)
    assert one.api.what_was_written() == ["status"]
    assert one.status["cursor"]
    assert one.status["phase"] == "Pending"


async def test_the_status_is_written_before_the_route(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    one.api.writes.clear()
    await one.tick()
    assert one.api.what_was_written()[:2] == ["status", "route"]
    assert one.weights() == {arm["name"]: arm["weight"] for arm in one.status["arms"]}


async def test_a_quiet_tick_writes_nothing_and_reads_nothing(process: Start) -> None:
    one = await learned(process)
    one.api.writes.clear()
    one.api.reads.clear()
    await one.tick()
    assert one.api.what_was_written() == []
    assert one.api.reads == []


async def test_a_lost_race_does_nothing_and_looks_again(process: Start) -> None:
    one = await learned(process)
    one.earning, before = WORSE, one.weights()
    one.api.writes.clear()
    one.api.fail("patch", "/status", Conflict(409, "modified"))
    requeue = await one.tick()
    assert requeue is not None
    assert requeue.tick
    assert one.api.what_was_written() == []
    assert one.weights() == before
    await one.look(tick=True)
    assert one.weights()["good"] > before["good"]


async def test_a_refused_write_is_said_with_the_servers_words_and_tried_again(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    one.api.fail("patch", "httproutes", APIError(403, "httproutes is forbidden"))
    requeue = await one.tick()
    assert requeue is not None
    assert requeue.after <= 1.0
    one.now += requeue.after
    await one.look()
    await one.look()
    assert one.weights() == {arm["name"]: arm["weight"] for arm in one.status["arms"]}


async def test_a_refusal_that_lasts_makes_ready_false(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    for _ in range(4):
        one.api.fail("patch", "httproutes", APIError(403, "httproutes is forbidden"))
    await one.tick()
    one.now += 1.0
    await one.look()
    ready = one.condition("Ready")
    assert (ready["status"], ready["reason"]) == ("False", reasons.WRITE_REFUSED)
    assert "httproutes is forbidden" in ready["message"]


async def test_a_paused_resource_lets_its_weights_go_and_goes_on_from_where_others_set_them(
    process: Start,
) -> None:
    one = await learned(process)
    one.update_spec(mode="Paused")
    await one.look(tick=True)
    one.set_weights(good=7000, bad=3000)
    one.gateway()
    await one.look()
    assert one.weights() == {"good": 7000, "bad": 3000}
    assert one.status["phase"] == "Paused"
    assert one.condition("Progressing")["reason"] == reasons.PAUSED
    assert one.condition("MetricsAvailable")["reason"] == reasons.PAUSED
    one.update_spec(mode="Active")
    await one.look(tick=True)
    assert one.weights() == {"good": 7000, "bad": 3000}


async def test_foreign_weights_are_re_asserted_and_counted(process: Start) -> None:
    one = await learned(process)
    intended = one.weights()
    await one.tick()
    one.set_weights(good=1, bad=9999)
    await one.look()
    assert one.weights() == intended
    assert one.status["foreignWeightChanges"] == 1


async def test_a_loser_keeps_its_pods_until_its_weight_is_zero_accepted_and_drained(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until(one, lambda: one.arm("bad")["state"] == "Draining")
    assert one.weights()["bad"] == 0
    assert one.replicas("bad") == 2
    one.now += 1000.0
    await one.look()  # the gateway has not looked at the new weights yet
    assert one.replicas("bad") == 2
    one.gateway()
    await one.look()
    assert one.replicas("bad") == 2
    one.now += 59.0
    await one.look()
    assert one.replicas("bad") == 2
    one.now += 1.0
    one.api.writes.clear()
    await one.look()
    assert one.replicas("bad") == 0
    assert one.api.what_was_written()[:2] == ["status", "scale"]
    await one.tick()
    assert (one.arm("bad")["state"], one.arm("bad")["previousReplicas"]) == ("RolledBack", 2)


async def test_a_loser_that_runs_something_else_is_scaled_up_before_it_gets_weight(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until(one, lambda: one.arm("bad")["state"] == "RolledBack")
    one.set_template("bad", "bad:2")
    await one.look()
    assert (one.replicas("bad"), one.weights()["bad"]) == (2, 0)
    assert one.arm("bad")["state"] == "Restoring"
    one.earning = {"good": (500.0, 400.0), "bad": (20.0, 18.0)}
    await one.tick()
    assert one.arm("bad")["state"] == "Joining"
    await one.tick()
    assert one.weights()["bad"] > 0


async def test_what_old_and_new_pods_earn_together_is_not_learned(process: Start) -> None:
    one = await learned(process)
    one.set_template("bad", "bad:2", old_pods=1)
    await one.look()
    assert (one.arm("bad")["state"], one.arm("bad")["reason"]) == ("Joining", reasons.ROLLING_UPDATE)
    await one.tick(3)
    assert one.arm("bad")["trials"] == "0"
    assert float(one.arm("good")["trials"]) > 0
    one.now += 1.0  # within a window
    one.end_rolling_update("bad")
    await one.look()
    assert one.arm("bad")["reason"] == reasons.NEW_POD_TEMPLATE
    await one.tick()
    assert one.arm("bad")["trials"] == "0"  # old Pods served at the beginning of this window
    await one.tick()
    assert float(one.arm("bad")["trials"]) > 0


async def test_a_process_that_ends_in_a_rolling_update_is_followed_by_one_that_knows_of_it(
    process: Start,
) -> None:
    one = await learned(process)
    one.set_template("bad", "bad:2", old_pods=1)
    await one.look()
    one.start()
    await one.tick(2)
    assert one.arm("bad")["trials"] == "0"
    one.end_rolling_update("bad")
    await one.look()
    await one.tick(3)
    assert float(one.arm("bad")["trials"]) > 0


async def test_scaling_an_arm_is_no_rolling_update(process: Start) -> None:
    one = await learned(process)
    before = float(one.arm("bad")["trials"])
    path = deployment_of("bad", NAMESPACE)
    body = copied(one.api.objects[path])
    body["spec"]["replicas"] = 5  # which its controller has not observed yet
    one.api.put(path, body)
    await one.tick(3)
    assert float(one.arm("bad")["trials"]) > before


async def test_an_unexpected_error_ends_in_a_condition_and_the_next_pass_goes_on(process: Start) -> None:
    one = await learned(process)
    secret = "http://user:password@host"
    one.earning = RuntimeError(secret)
    requeue = await one.tick()
    assert requeue is not None
    ready = one.condition("Ready")
    assert (ready["status"], ready["reason"]) == ("False", reasons.INTERNAL_ERROR)
    assert "RuntimeError" in ready["message"]
    assert secret not in str(one.status)
    one.earning = WORSE
    await one.look(tick=True)
    assert one.condition("Ready")["status"] == "True"


async def test_a_spec_that_cannot_be_read_is_rejected_once_and_keeps_its_status(process: Start) -> None:
    one = await learned(process)
    arms = one.status["arms"]
    one.update_spec(baseline="nobody")
    await one.look(tick=True)
    accepted = one.condition("Accepted")
    assert (accepted["status"], accepted["reason"]) == ("False", reasons.INVALID_SPEC)
    assert one.status["arms"] == arms
    one.api.writes.clear()
    await one.look(tick=True)
    assert one.api.writes == []


async def test_a_source_that_is_down_is_said_by_its_own_reason(process: Start) -> None:
    one = await learned(process)
    one.earning, held = DOWN, one.weights()
    await one.tick()
    metrics = one.condition("MetricsAvailable")
    assert (metrics["status"], metrics["reason"]) == ("False", reasons.UNREACHABLE)
    assert one.weights() == held


# ---- crashes --------------------------------------------------------------------------------

WRITES = ("/status", "httproutes", "/scale")


class Killed(BaseException):
    """The process ends here."""


async def run_to_the_end(one: Process, crash: tuple[str, int, bool] | None) -> dict[str, Any]:
    """A whole rollback; the process dies at one write and starts again."""
    if crash is not None:
        part, skip, after = crash
        one.api.fail("patch", part, Killed(), skip=skip, after=after)
    one.earning = WORSE
    for _ in range(45):
        one.now += 10.0
        one.gateway()
        one.kubelet()
        try:
            await one.look(tick=True)
        except Killed:
            one.start()
            await one.look(tick=True)
    await one.tick(3)
    return {
        "weights": one.weights(),
        "replicas": {arm: one.replicas(arm) for arm in one.arms},
        "trials": {arm["name"]: arm["trials"] for arm in one.status["arms"]},
        "states": {arm["name"]: arm["state"] for arm in one.status["arms"]},
        "memory": one.status["memory"],
    }


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("skip", [0, 1, 2])
@pytest.mark.parametrize("part", WRITES)
def test_a_crash_at_any_write_comes_to_the_same_end(
    process: Start, part: str, skip: int, after: bool
) -> None:
    undisturbed = asyncio.run(run_to_the_end(process(), None))
    crashed = asyncio.run(run_to_the_end(process(), (part, skip, after)))
    assert undisturbed["states"]["bad"] == "RolledBack"
    assert undisturbed["replicas"] == {"good": 2, "bad": 0}
    assert crashed == undisturbed


async def test_no_answer_to_the_status_write_repeats_the_windows_and_counts_each_once(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    one.api.fail("patch", "/status", APIUnreachable("no answer"), after=True)
    await one.tick()
    await one.look(tick=True)
    await one.tick(2)
    windows = one.status["history"]
    starts = [record["window"]["start"] for record in windows if "window" in record]
    assert len(starts) == len(set(starts))
    assert one.arm("good")["trials"] == str(500 * len(starts))


# ---- replay ---------------------------------------------------------------------------------


async def test_every_recorded_decision_can_be_made_again_from_the_status_alone(process: Start) -> None:
    one = await learned(process)
    for number in range(70):
        one.earning = WORSE if number % 3 else DOWN if number % 2 else {"good": (500.0, 300.0), "bad": None}
        if number == 33:
            one.start()
        await one.tick()
    result = replay(one.api.objects[one.path])
    assert [one.differences for one in result.replayed if one.differences] == []
    assert result.memory_agrees
    assert len(result.replayed) >= 10
    assert result.older == 0


async def test_windows_that_were_missed_are_replayed_too(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await one.tick(seconds=300.0)
    await one.tick(2)
    result = replay(one.api.objects[one.path])
    assert {one.record.reason for one in result.replayed} >= {reasons.CAUGHT_UP}
    assert result.agrees


async def test_a_record_that_was_changed_does_not_agree(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await one.tick(3)
    body = {**one.api.objects[one.path], "status": one.status}
    body["status"]["history"][0]["weights"] = {"good": 1, "bad": 9999}
    result = replay(body)
    assert not result.agrees
    assert any("weights" in difference for one in result.replayed for difference in one.differences)


# ---- acts -----------------------------------------------------------------------------------


async def test_acts_outlast_the_history_and_say_on_what_figures_an_arm_was_taken_out(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until(one, lambda: one.arm("bad")["state"] == "RolledBack")
    one.earning = {"good": (500.0, 400.0), "bad": None}
    await one.tick(60)
    kinds = [act["kind"] for act in one.status["acts"]]
    assert kinds[-3:] == ["Drained", "RolledBack", "Moved"] or kinds[::-1][:3] == [
        "Moved",
        "RolledBack",
        "Moved",
    ]
    assert "RolledBack" in kinds
    assert not any(record["reason"] == reasons.ROLLED_BACK for record in one.status["history"])
    verdict = one.arm("bad")["takenOut"]
    assert "bad is worse than good" in verdict["message"]
    assert float(verdict["mean"]) < float(verdict["baselineMean"])
    one.start()
    await one.tick()
    assert one.arm("bad")["takenOut"] == verdict


async def test_moves_that_follow_each_other_are_one_act(process: Start) -> None:
    one = await learned(process)
    one.earning = {"good": (500.0, 250.0), "bad": (500.0, 320.0)}
    await one.tick(4)
    newest = one.status["acts"][0]
    assert (newest["kind"], newest["before"]) == ("Moved", {"good": 5000, "bad": 5000})
    assert newest["count"] >= 2
    assert newest["after"] == one.weights()


async def test_who_paused_is_an_act(process: Start) -> None:
    one = await learned(process)
    fields: dict[str, Any] = {"f:spec": {"f:mode": {}}}
    manager = {"manager": "kubectl-edit", "time": "2026-01-01T00:00:00Z", "fieldsV1": fields}
    one.api.objects[one.path]["metadata"]["managedFields"] = [manager]
    one.update_spec(mode="Paused")
    await one.look()
    assert (one.status["acts"][0]["kind"], one.status["acts"][0]["by"]) == ("Paused", "kubectl-edit")
    assert "by kubectl-edit" in one.condition("Progressing")["message"]
    assert "Paused" in one.events()


async def test_a_winner_is_announced_once(process: Start) -> None:
    one = await learned(process, baseline="bad")
    one.earning = WORSE
    await one.tick(20)
    one.start()
    one.earning = EQUAL
    await one.tick(30)
    one.earning = WORSE
    await one.tick(30)
    assert one.events().count(reasons.PROMOTED) == 1
