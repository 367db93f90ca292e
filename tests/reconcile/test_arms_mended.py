"""What takes the traffic of one arm ends by what its runbook says to do, also after a restart."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.core import reasons
from tests.support.fake_api import deployment_of
from tests.support.objects import NAMESPACE, deployment_body
from tests.support.playing import Start, learned, ready
from tests.support.process import Process
from tests.support.troubles import (
    Step,
    Trouble,
    available,
    begin,
    in_the_rule,
    nothing_more,
    once_in_the_rule,
    update_begins,
    update_ends,
)


def out_of_the_rule(rule: dict[str, Any]) -> None:
    rule["backendRefs"] = [ref for ref in rule["backendRefs"] if ref["name"] != "bad"]


def the_deployment_goes(one: Process) -> None:
    one.set_available("bad", 0)
    one.api.delete(deployment_of("bad", NAMESPACE))
    one.cache.drop("Deployment", (NAMESPACE, "bad"))


def target_back(one: Process) -> None:
    one.api.put(deployment_of("bad", NAMESPACE), deployment_body("bad"))
    one.set_available("bad", 2)


def in_state(arm: str, state: str) -> Step:
    return lambda one: one.set_state(arm, state)


def hand_scales(replicas: int) -> Step:
    return lambda one: one.scale("bad", replicas)


def unwell(value: float) -> Step:
    def step(one: Process) -> None:
        one.guards = {"errors": {"bad": value}}

    return step


GUARD = {"guards": [{"name": "errors", "query": "error_share", "above": "0.05", "windows": 1}]}
ARMS_TROUBLES = [
    Trouble(reasons.NO_READY_ENDPOINT, available(0, "bad"), available(2, "bad")),
    Trouble(reasons.NO_REPLICAS, hand_scales(0), hand_scales(2)),
    Trouble(reasons.BACKEND_NOT_FOUND, the_deployment_goes, target_back),
    Trouble(reasons.BACKEND_NOT_IN_RULE, in_the_rule(out_of_the_rule), in_the_rule(once_in_the_rule)),
    Trouble(
        reasons.BACKEND_UNRESOLVED,
        nothing_more,
        Process.gateway,
        gateway=lambda one: one.gateway(unresolved="Service models/bad not found"),
    ),
    Trouble(reasons.GUARD_TRIPPED, unwell(0.2), unwell(0.0), spec=GUARD, ticks=12),
    Trouble(reasons.SCALED_TO_ZERO, in_state("bad", "Out"), in_state("bad", "In"), ticks=5),
    Trouble(reasons.NEW_POD_TEMPLATE, lambda one: one.set_template("bad", "bad:2"), nothing_more),
    Trouble(reasons.ROLLING_UPDATE, update_begins("bad"), update_ends("bad")),
]


@pytest.mark.parametrize("restarted", [False, True], ids=["", "restarted"])
@pytest.mark.parametrize("trouble", ARMS_TROUBLES, ids=lambda one: one.reason)
async def test_an_arm_serves_again_once_that_is_done(
    process: Start, trouble: Trouble, restarted: bool
) -> None:
    one = await learned(process, **trouble.spec)
    await one.tick(5)
    await begin(one, trouble, lambda: one.arm("bad")["reason"])
    if restarted:
        one.start()
    trouble.mend(one)
    await one.tick(trouble.ticks)
    assert (one.arm("bad")["state"], one.arm("bad")["reason"]) == ("Active", reasons.SERVING)
    assert one.weights()["bad"] > 0
    assert ready(one) == ("True", reasons.IN_SYNC)
