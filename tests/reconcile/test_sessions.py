"""A rule that keeps each client with the arm that it met first: nothing is compared, and it is said."""

from __future__ import annotations

from typing import Any

from bandit_operator.core import reasons
from bandit_operator.reconcile.observe import OF_ITS_CLIENTS
from bandit_operator.status.replay import replay
from tests.support.playing import WORSE, Start, learned, ready, until_state
from tests.support.process import Process


def keep_clients(one: Process) -> None:
    """The user adds sessionPersistence to the rule."""
    one.update_route(lambda spec: spec["rules"][0].update(sessionPersistence={"type": "Cookie"}))
    one.earning = dict.fromkeys(one.arms, OF_ITS_CLIENTS)


def let_clients_go(one: Process, earning: Any) -> None:
    """The user takes it out again."""
    one.update_route(lambda spec: spec["rules"][0].pop("sessionPersistence"))
    one.earning = earning


async def test_it_is_said_at_the_next_look_and_nothing_moves_or_is_learned(process: Start) -> None:
    one = await learned(process)
    keep_clients(one)
    one.gateway()
    await one.look()
    assert ready(one) == ("False", reasons.SESSION_PERSISTENCE)
    weights, trials = one.weights(), one.arm("bad")["trials"]
    await one.tick(20)  # longer than reward.staleAfter, of which nobody is told meanwhile
    assert ready(one) == ("False", reasons.SESSION_PERSISTENCE)
    assert one.condition("TrafficInSync")["message"].endswith("until it is taken out of the rule")
    assert one.condition("MetricsAvailable")["status"] == "Unknown"
    assert (one.weights(), one.arm("bad")["trials"]) == (weights, trials)
    assert one.status["phase"] == "Holding"


async def test_an_arm_that_dies_meanwhile_loses_its_weight_all_the_same(process: Start) -> None:
    one = await learned(process)
    keep_clients(one)
    await one.tick()
    one.set_available("bad", 0)
    await one.look()
    assert one.weights() == {"good": 10000, "bad": 0}
    assert ready(one) == ("False", reasons.SESSION_PERSISTENCE)


async def test_verdicts_fall_again_once_clients_are_let_go(process: Start) -> None:
    one = await learned(process)
    keep_clients(one)
    await one.tick(3)
    let_clients_go(one, WORSE)
    one.gateway()
    await one.look()
    assert ready(one)[0] == "True"
    await until_state(one, "bad", "Draining")
    assert replay(one.api.objects[one.path]).agrees


async def test_another_rule_of_the_route_may_keep_its_clients(process: Start) -> None:
    one = await learned(process)
    one.update_route(lambda spec: spec["rules"].append({"name": "other", "sessionPersistence": {}}))
    await one.tick()
    assert ready(one) == ("True", reasons.IN_SYNC)
