"""When a resource is looked at next, by what is under way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bandit_operator.core.model import ArmStanding, ArmState, Mode
from bandit_operator.reconcile.requeue import JUST_AFTER_SECONDS, REASSERT_SECONDS, next_requeue
from bandit_operator.reconcile.scale_writes import RETRY_SECONDS
from bandit_operator.runtime.scheduler import Requeue

BEGUN, TICK = 1000.0, 1010.0
DRAIN = 5.0


def requeue(
    now: float,
    *standings: ArmStanding,
    in_sync: bool = True,
    write_at: float = 0.0,
    failing: bool = False,
    said_in: float | None = None,
) -> Requeue:
    """After a pass that took from ``BEGUN`` until then."""
    tracked: Any = SimpleNamespace(
        tick_at=TICK,
        write_at=write_at,
        scales=SimpleNamespace(failing=failing, said_in=lambda _: None),
        route=SimpleNamespace(in_sync=in_sync, back_off=lambda _: 0.5, said_in=lambda _: said_in),
        experiment=SimpleNamespace(rollback=SimpleNamespace(drain=DRAIN), mode=Mode.ACTIVE),
    )
    decision: Any = SimpleNamespace(standings=dict(enumerate(standings)))
    return next_requeue(tracked, decision, begun=BEGUN, now=now, monotonic=0.0, unwatched=False)


def draining(until: float) -> ArmStanding:
    quiet_since = until - DRAIN - JUST_AFTER_SECONDS
    return ArmStanding(
        ArmState.DRAINING, since=quiet_since, reason="WorseThanBaseline", quiet_since=quiet_since
    )


def test_where_nothing_is_under_way_the_next_pass_is_the_tick() -> None:
    assert requeue(BEGUN + 0.5) == Requeue(TICK - BEGUN - 0.5, tick=True)


def test_a_tick_that_came_while_the_pass_was_made_is_due_at_once() -> None:
    assert requeue(TICK + 0.5) == Requeue(0.0, tick=True)


def test_the_end_of_a_drain_is_looked_at() -> None:
    found = requeue(BEGUN + 0.5, draining(1003.0))
    assert found.after == pytest.approx(2.5)
    assert not found.tick


def test_a_drain_that_ended_while_the_pass_was_made_is_looked_at_at_once_and_not_at_the_tick() -> None:
    assert requeue(1003.5, draining(1003.0)) == Requeue(0.0, tick=False)


def test_a_drain_that_had_ended_before_the_pass_has_been_looked_at() -> None:
    assert requeue(BEGUN + 0.5, draining(999.0)).tick


def test_weights_that_are_not_there_yet_are_asserted_again_or_at_the_moment_of_writing() -> None:
    again = requeue(BEGUN + 0.5, in_sync=False)
    assert again.after == pytest.approx(REASSERT_SECONDS + 0.5)
    assert not again.tick
    moment = requeue(BEGUN + 0.5, in_sync=False, write_at=1002.0)
    assert moment.after == pytest.approx(1.5 + JUST_AFTER_SECONDS)
    assert not moment.tick


def test_replicas_that_could_not_be_set_are_tried_again_before_the_tick() -> None:
    assert requeue(BEGUN + 0.5, failing=True) == Requeue(RETRY_SECONDS, tick=False)


def test_a_gateway_that_does_not_accept_the_route_is_told_of_when_its_time_is_over() -> None:
    again = requeue(BEGUN + 0.5, said_in=3.0)
    assert again.after == pytest.approx(3.0 + JUST_AFTER_SECONDS)
    assert not again.tick
