"""A machine's clock that is set holds the weights, and costs no reward: each is counted once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from cluster.client import Cluster
from testbed.altered import SETTABLE_CLOCK_PATCH, set_clock
from testbed.rollout import Rollout
from tests.e2e.conftest import patched_operator
from tests.e2e.versions import Versions, assert_counted_once

pytestmark = pytest.mark.cluster

HOUR = 3600
SAID = "the machine's clock was set"


@pytest.fixture
def settable(operator: Cluster) -> Iterator[Cluster]:
    """The operator as it is shipped, on a machine whose clock can be set."""
    with patched_operator(operator, SETTABLE_CLOCK_PATCH) as operators:
        yield operators


def test_a_clock_that_is_set_moves_nothing_and_no_reward_is_lost_or_doubled(
    rollout: Callable[..., Rollout], steer: Callable[..., None], settable: Cluster
) -> None:
    one = rollout()
    steer(one.name, good=(40, 0.6), bad=(40, 0.5))
    # Nobody moves the weights but for a clock that would be believed.
    one.create(guardrails={"minTrials": 20, "minChange": "0"})
    with Versions(one) as watched:
        one.wait_for("MetricsAvailable", "True", "RewardsObserved", seconds=60)
        set_clock(settable, HOUR)
        condition = one.wait_for("MetricsAvailable", "False", "ClockSet")
        assert SAID in condition["message"]
        held, cursor = one.weights(), one.status()["cursor"]
        set_clock(settable, 0)
        one.wait_for("MetricsAvailable", "True", "RewardsObserved", seconds=120)
        one.wait_for_later_window(cursor)

    assert_counted_once(one, watched.bodies, {"model_reward_trials_total": "trials"})
    while_held = [
        body["status"]
        for body in watched.bodies
        if any(SAID in condition["message"] for condition in body.get("status", {}).get("conditions", []))
    ]
    assert {status["cursor"] for status in while_held} == {cursor}
    assert all({arm["name"]: arm["weight"] for arm in status["arms"]} == held for status in while_held)
