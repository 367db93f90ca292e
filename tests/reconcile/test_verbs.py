"""Pinned, set out, brought back, promoted, paused: what a user asks for by name, and what is said of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bandit_operator.api.timestamps import to_timestamp
from bandit_operator.status.replay import replay
from tests.support.fake_api import copied
from tests.support.playing import WORSE, Start, learned, ready, until_state
from tests.support.process import Process

ARMS = ("good", "bad", "fair")


def verb(one: Process, name: str, arm: str | None = None, reason: str | None = None) -> str:
    """What the command line writes beside a field."""
    said = {"verb": name, "arm": arm, "by": "alice", "at": to_timestamp(one.now), "reason": reason}
    return json.dumps({key: value for key, value in said.items() if value is not None})


def act(one: Process, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(act for act in one.status["acts"] if act["kind"] == kind)
    return found


def note(one: Process, reason: str) -> str:
    """The note of the newest event of a reason."""
    notes = [write.body["note"] for write in one.api.writes if write.what == "event"
             and write.body["reason"] == reason]  # fmt: skip
    return str(notes[-1])


async def pinned(process: Start, arm: str = "bad", **spec: Any) -> Process:
    one = await learned(process, **spec)
    one.update_spec(pin={"arm": arm, "reason": "latency"})
    await one.look()
    return one


async def test_a_pin_is_obeyed_at_once_and_said(process: Start) -> None:
    one = await learned(process)
    one.annotate(last_verb=verb(one, "pin", "bad", "latency of good"))
    await one.look()
    one.api.writes.clear()
    one.update_spec(pin={"arm": "bad"})
    await one.look()
    assert one.api.what_was_written()[0] == "status"
    assert one.weights() == {"good": 0, "bad": 10000}
    assert one.status["phase"] == "Pinned"
    assert (act(one, "Pinned")["by"], act(one, "Pinned")["message"]) == ("alice", "latency of good")
    assert "alice" in note(one, "Pinned")
    await one.tick()
    assert ready(one) == ("True", "Pinned")
    assert "by alice" in one.condition("Ready")["message"]
    assert "no verdict" in one.condition("Progressing")["message"]


async def test_who_pinned_is_still_said_after_a_start(process: Start) -> None:
    one = await pinned(process)
    one.start()
    await one.tick()
    assert one.condition("Ready")["message"].endswith("latency")
    assert [act["kind"] for act in one.status["acts"]].count("Pinned") == 1


async def test_a_pin_that_git_writes_is_said_with_its_own_reason_and_its_writer(process: Start) -> None:
    one = await learned(process)
    one.annotate(last_verb=verb(one, "pause"))
    manager = {"manager": "argocd", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {}}}
    one.api.objects[one.path]["metadata"]["managedFields"] = [manager]
    one.update_spec(pin={"arm": "bad", "reason": "freeze"})
    await one.look()
    assert (act(one, "Pinned")["by"], act(one, "Pinned")["message"]) == ("argocd", "freeze")


async def test_a_verb_is_told_of_one_act_only(process: Start) -> None:
    one = await learned(process)
    one.annotate(last_verb=verb(one, "pin", "bad"))
    one.update_spec(pin={"arm": "bad"})
    await one.look()
    for pin in (None, {"arm": "bad"}):
        one.update_spec(pin=pin)
        await one.look()
    assert "by" not in act(one, "Pinned")


@pytest.mark.parametrize("text", ["{", '{"verb": "pin"}', '{"verb": "pin", "at": "noon"}', "[]"])
async def test_a_bad_annotation_is_ignored_with_a_word(process: Start, text: str) -> None:
    one = await learned(process)
    one.annotate(last_verb=text, restore="nobody@2026-01-01T00:00:00Z")
    one.update_spec(pin={"arm": "bad"})
    await one.look()
    assert one.weights()["bad"] == 10000
    message = one.condition("Accepted")["message"]
    assert "last-verb is ignored" in message
    assert '"nobody" is not the name of an arm; name one of bad, good' in message


async def test_the_pinned_arm_loses_its_traffic_where_it_cannot_serve_and_has_it_again_after(
    process: Start,
) -> None:
    one = await pinned(process)
    one.broken.add("bad")
    one.set_available("bad", 0)
    await one.look()
    assert one.weights() == {"good": 10000, "bad": 0}
    assert ready(one) == ("False", "PinnedArmCannotServe")
    assert "the traffic goes to good" in one.condition("Ready")["message"]
    one.broken.clear()
    one.set_available("bad", 2)
    await one.look()
    assert one.weights() == {"good": 0, "bad": 10000}


async def test_without_the_pin_the_strategy_goes_on_in_steps(process: Start) -> None:
    one = await pinned(process)
    await one.tick(2)
    one.update_spec(pin=None)
    one.earning = {"good": (500.0, 400.0), "bad": (500.0, 250.0)}
    await one.look()
    assert one.weights() == {"good": 0, "bad": 10000}
    assert act(one, "Unpinned")["arm"] == "bad"
    await one.tick()
    assert 0 < one.weights()["good"] <= 7000
    assert one.status["phase"] == "Learning"


@pytest.mark.slow
async def test_an_arm_that_is_set_out_goes_down_in_order_and_comes_back_in_order(process: Start) -> None:
    one = await learned(process, ARMS, rollback={"drain": "20s"})
    one.annotate(last_verb=verb(one, "rollback", "bad", "leaks"))
    one.set_state("bad", "Out")
    await one.look()
    assert one.weights()["bad"] == 0
    assert one.arm("bad")["state"] == "Draining"
    assert one.replicas("bad") == 2
    assert "leaks" in one.arm("bad")["takenOut"]["message"]
    await until_state(one, "bad", "RolledBack")
    assert one.replicas("bad") == 0
    await one.tick(200, seconds=300.0)
    assert one.arm("bad")["state"] == "RolledBack"
    one.start()
    one.annotate(last_verb=verb(one, "restore", "bad"))
    one.set_state("bad", "In")
    await one.look()
    assert one.replicas("bad") == 2
    assert one.weights()["bad"] == 0
    assert act(one, "Restored")["by"] == "alice"
    await until_state(one, "bad", "Joining")
    await one.tick()
    assert 0 < one.weights()["bad"] <= 1000


async def test_the_last_arm_that_can_serve_is_not_set_out(process: Start) -> None:
    one = await learned(process)
    one.broken.add("good")
    one.set_available("good", 0)
    one.set_state("bad", "Out")
    await one.look()
    await one.tick(5)
    assert one.weights()["bad"] == 10000
    assert one.arm("bad")["reason"] == "NoOtherArm"
    one.broken.clear()
    one.set_available("good", 2)
    await one.look()
    assert one.weights() == {"good": 10000, "bad": 0}


async def rolled_back(process: Start) -> Process:
    one = await learned(process, rollback={"drain": "20s", "retryAfter": "0s"})
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    return one


async def test_a_request_to_restore_is_obeyed_once_also_over_a_start(process: Start) -> None:
    one = await rolled_back(process)
    request = f"bad@{to_timestamp(one.now)}"
    one.annotate(restore=request, last_verb=verb(one, "restore", "bad", "fixed"))
    await one.look()  # which finds that the resource is not what it was
    await one.look()
    assert one.replicas("bad") == 2
    assert one.status["restored"] == request
    assert (act(one, "Restored")["by"], act(one, "Restored")["message"]) == ("alice", "fixed")
    assert replay(one.api.objects[one.path]).agrees
    await until_state(one, "bad", "RolledBack")
    one.start()
    await one.tick(5)
    assert one.arm("bad")["state"] == "RolledBack"
    one.annotate(restore=f"bad@{to_timestamp(one.now - 7200)}")
    await one.tick()
    assert one.arm("bad")["state"] == "RolledBack"


async def test_a_pin_does_not_wait_for_the_end_of_a_contest(process: Start) -> None:
    one = await learned(process)
    for _ in range(12):
        one.set_weights(good=9000, bad=1000)
        one.now += 301.0 / 12
        await one.look()
    assert one.condition("Ready")["reason"] == "WeightsContested"
    one.set_weights(good=9000, bad=1000)
    await one.look()
    assert one.weights() == {"good": 9000, "bad": 1000}
    one.update_spec(pin={"arm": "bad", "reason": "good is down"})
    one.now += 1.0
    await one.look()
    assert one.weights() == {"good": 0, "bad": 10000}


async def test_an_arm_whose_pods_do_not_come_for_ten_minutes_is_said_to_be_late(process: Start) -> None:
    one = await rolled_back(process)
    one.broken = {"bad"}
    one.annotate(restore=f"bad@{to_timestamp(one.now)}")
    await one.tick(2)
    assert one.arm("bad")["state"] == "Restoring"
    assert one.condition("Progressing")["reason"] == "Exploring"
    await one.tick(22)  # the status is written each minute, so not with the next one
    progressing = one.condition("Progressing")
    assert (progressing["status"], progressing["reason"]) == ("False", "ProgressDeadlineExceeded")
    assert "and none of its Pods can serve" in progressing["message"]
    assert one.condition("Ready")["status"] == "True"  # the baseline serves all requests
    one.api.writes.clear()
    await one.tick()
    assert one.api.what_was_written() == []
    one.set_available("bad", 2)
    await one.tick()
    assert one.condition("Progressing")["reason"] == "Exploring"


async def test_a_request_from_a_clock_that_is_ahead_keeps_no_later_one_from_being_obeyed(
    process: Start,
) -> None:
    one = await rolled_back(process)
    one.annotate(restore=f"bad@{to_timestamp(one.now + 86_400)}")
    await one.look()  # which finds that the resource is not what it was
    await one.look()
    assert one.replicas("bad") == 2
    await until_state(one, "bad", "RolledBack")
    await one.tick()
    assert one.arm("bad")["state"] == "RolledBack"  # that one was obeyed
    one.annotate(restore=f"bad@{to_timestamp(one.now)}")
    await one.look()
    await one.look()
    assert one.replicas("bad") == 2
    await until_state(one, "bad", "RolledBack")


async def test_a_request_for_an_arm_that_serves_does_not_undo_a_later_verdict(process: Start) -> None:
    one = await learned(process, rollback={"drain": "20s", "retryAfter": "0s"})
    one.annotate(restore=f"bad@{to_timestamp(one.now)}")
    await one.look()
    await one.look()
    assert one.status["restored"]
    one.start()
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    await one.tick(3)
    assert one.arm("bad")["state"] == "RolledBack"


async def test_what_is_asked_while_paused_is_done_once_it_goes_on(process: Start) -> None:
    one = await rolled_back(process)
    one.update_spec(mode="Paused")
    await one.look()
    one.annotate(restore=f"bad@{to_timestamp(one.now)}")
    await one.tick(2)
    assert one.replicas("bad") == 0
    one.update_spec(mode="Active")
    await one.look()
    assert one.replicas("bad") == 2


async def test_the_old_baseline_keeps_its_traffic_when_another_arm_is_promoted_by_hand(
    process: Start,
) -> None:
    one = await learned(process, baseline="bad")
    one.earning = WORSE
    await one.tick(20)
    one.annotate(last_verb=verb(one, "promote", "good", "won"))
    one.update_spec(baseline="good")
    await one.tick(3)
    assert one.arm("bad")["state"] == "Active"
    assert float(one.arm("bad")["evidence"]) > float(one.arm("bad")["threshold"])
    assert act(one, "BaselineChanged")["by"] == "alice"
    assert "won" in note(one, "BaselineChanged")
    one.start()
    await one.tick()
    assert one.arm("bad")["state"] == "Active"
    await one.tick(3, seconds=1500.0)
    assert one.arm("bad")["state"] in ("Draining", "RolledBack")


@pytest.mark.parametrize("renamed", [False, True])
async def test_only_a_former_baseline_that_is_still_an_arm_is_said_to_be_spared(
    process: Start, renamed: bool
) -> None:
    one = await learned(process, arms=("good", "bad", "third"))
    arms = copied(one.api.objects[one.path]["spec"]["arms"])
    if renamed:
        arms[0]["name"] = "champion"
    one.update_spec(arms=arms, baseline="champion" if renamed else "bad")
    await one.look()
    assert "is the baseline now, instead of good" in note(one, "BaselineChanged")
    assert ("no verdict takes out" in note(one, "BaselineChanged")) is not renamed


async def test_who_paused_and_why_is_in_the_conditions_and_an_event(process: Start) -> None:
    one = await learned(process)
    one.annotate(last_verb=verb(one, "pause", reason="incident 7"))
    one.update_spec(mode="Paused")
    await one.look()
    assert "by alice" in one.condition("Progressing")["message"]
    assert "incident 7" in note(one, "Paused")
    assert one.status["phase"] == "Paused"
    one.update_spec(mode="Active")
    await one.look()
    assert "Resumed" in one.events()
