"""A definition that is older than the operator: what the API server drops of the status, nothing rests on."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.core import reasons
from bandit_operator.status.replay import replay
from tests.support.playing import WORSE, Start, learned, ready, until, until_state
from tests.support.process import Process

FIELDS = [("record",), ("cursor",), ("arms", "state")]


def drop(one: Process, *names: str) -> None:
    """From now on the API server keeps nothing where these names lead in a status."""

    def prune(body: Any) -> None:
        found = [body.get("status") or {}]
        for name in names[:-1]:
            below = [each[name] for each in found if name in each]
            found = [each for one in below for each in (one if isinstance(one, list) else [one])]
        for each in found:
            each.pop(names[-1], None)

    one.api.prune = prune


def keep_all(one: Process) -> None:
    """Somebody installs the definition of this version."""
    one.api.prune = lambda _: None


async def hold(one: Process, name: str) -> None:
    """Let a field be dropped until it is said."""
    drop(one, name)
    await until(one, lambda: ready(one) == ("False", reasons.STATUS_NOT_KEPT), ticks=4)


@pytest.mark.parametrize("names", FIELDS, ids=".".join)
async def test_a_new_resource_moves_nothing_and_says_which_field_is_dropped(
    process: Start, names: tuple[str, ...]
) -> None:
    one = process()
    drop(one, *names)
    await one.look(tick=True)
    await one.look()
    assert ready(one) == ("False", reasons.STATUS_NOT_KEPT)
    assert f"does not keep status.{'.'.join(names)}, so" in one.condition("Accepted")["message"]
    one.earning = WORSE
    await one.tick(5)
    assert {"route", "scale"}.isdisjoint(one.api.what_was_written())


async def test_a_verdict_that_would_not_last_is_not_acted_on(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await one.tick()
    drop(one, "record")
    weights = one.weights()
    await one.tick(30)
    assert ready(one) == ("False", reasons.STATUS_NOT_KEPT)
    assert one.weights() == weights
    assert one.arm("bad")["state"] == "Active"
    assert one.status["phase"] == "Holding"


async def test_an_arm_that_dies_meanwhile_loses_its_weight_all_the_same(process: Start) -> None:
    one = await learned(process)
    await hold(one, "record")
    one.set_available("bad", 0)
    await one.look()
    assert one.weights() == {"good": 10000, "bad": 0}


async def test_it_stays_said_where_a_later_status_has_nothing_in_that_field(process: Start) -> None:
    one = await learned(process)
    one.update_spec(pin={"arm": "good"})
    drop(one, "pinned")
    await one.look()
    await one.look()
    assert ready(one) == ("False", reasons.STATUS_NOT_KEPT)
    one.update_spec(pin=None)
    await one.tick(4)
    assert ready(one) == ("False", reasons.STATUS_NOT_KEPT)


async def test_it_goes_on_with_what_it_knew_within_a_minute_of_the_right_definition(process: Start) -> None:
    one = await learned(process)
    await hold(one, "record")
    trials = one.arm("bad")["trials"]
    keep_all(one)
    one.earning = WORSE
    await until(one, lambda: ready(one)[0] == "True", ticks=4)
    assert float(one.arm("bad")["trials"]) >= float(trials) > 0
    await until_state(one, "bad", "Draining")
    assert replay(one.api.objects[one.path]).agrees


async def test_a_restarted_process_says_it_again(process: Start) -> None:
    one = await learned(process)
    await hold(one, "record")
    one.start()
    await one.look(tick=True)
    await one.look()
    assert ready(one) == ("False", reasons.STATUS_NOT_KEPT)
