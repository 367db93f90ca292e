"""An arm whose guard trips loses its traffic at once, and comes back by itself, later each time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bandit_operator.core import reasons
from bandit_operator.core.experiment import Experiment, Guard
from bandit_operator.core.lifecycle import advance
from bandit_operator.core.model import (
    Arm,
    ArmFacts,
    ArmStanding,
    ArmState,
    NothingDue,
    Observed,
    Snapshot,
    Window,
)
from bandit_operator.core.outcomes import Returned, Withheld
from bandit_operator.core.strategies.thompson import Thompson
from bandit_operator.core.unwell import is_beyond, withheld_seconds

ERRORS = Guard("errors", bound=0.05, above=True, windows=2)
EXPERIMENT = Experiment("uid", (Arm("good"), Arm("bad")), "good", Thompson(), interval=30.0, guards=(ERRORS,))
SERVING = {arm: ArmStanding(ArmState.ACTIVE, 0.0, reasons.SERVING) for arm in ("good", "bad")}
UP = ArmFacts(5000, ready_endpoints=1)


def played(
    standings: dict[str, ArmStanding],
    *windows: dict[str, float],
    start: float = 1000.0,
    experiment: Experiment = EXPERIMENT,
    facts: ArmFacts = UP,
) -> tuple[dict[str, ArmStanding], list[Any], float]:
    """Standings, outcomes and time after windows in which the guard has measured this, by arm."""
    now, outcomes = start, list[Any]()
    for measured in windows:
        reading = Window(
            now - 30, now, dict.fromkeys(("good", "bad"), Observed(9.0, 3.0)), {"errors": measured}
        )
        snapshot = Snapshot(now, reading, dict.fromkeys(("good", "bad"), facts), 1, route_accepted=True)
        cycle = advance(experiment, standings, snapshot)
        standings, outcomes, now = dict(cycle.standings), [*outcomes, *cycle.outcomes], now + 30
    return standings, outcomes, now


WELL, UNWELL = {"good": 0.01, "bad": 0.01}, {"good": 0.01, "bad": 0.2}


def test_it_trips_after_so_many_windows_running_and_says_what_was_measured() -> None:
    standings, outcomes, _ = played(SERVING, UNWELL)
    assert standings["bad"].state is ArmState.ACTIVE
    standings, outcomes, _ = played(standings, UNWELL, start=1030.0)
    assert standings["bad"].state is ArmState.UNAVAILABLE
    assert outcomes == [
        Withheld("bad", reasons.GUARD_TRIPPED, "guard errors: 0.2 is above 0.05, for 2 windows running")
    ]
    assert standings["good"].state is ArmState.ACTIVE


def test_a_window_in_between_that_is_well_starts_the_count_again_and_one_without_a_value_does_not() -> None:
    assert played(SERVING, UNWELL, WELL, UNWELL)[0]["bad"].state is ArmState.ACTIVE
    assert played(SERVING, UNWELL, {}, UNWELL)[0]["bad"].state is ArmState.UNAVAILABLE


def test_it_returns_by_itself_with_a_small_share_and_later_each_time() -> None:
    standings, _, now = played(SERVING, UNWELL, UNWELL)
    for trips, intervals in ((1, 10), (2, 20)):
        assert standings["bad"].outages == trips
        standings, outcomes, now = played(standings, *[{}] * (intervals - 1), start=now)
        assert standings["bad"].state is ArmState.UNAVAILABLE
        standings, outcomes, now = played(standings, {}, start=now)
        assert outcomes == [Returned("bad")]
        assert standings["bad"].state is ArmState.JOINING
        standings, _, now = played(standings, UNWELL, UNWELL, start=now)


def test_where_all_arms_are_unwell_none_loses_its_traffic() -> None:
    everywhere = {"good": 0.2, "bad": 0.2}
    standings, outcomes, _ = played(SERVING, *[everywhere] * 5)
    assert {one.state for one in standings.values()} == {ArmState.ACTIVE}
    assert outcomes == []


def test_an_arm_that_is_withheld_serves_again_at_once_where_the_last_other_one_goes() -> None:
    standings, _, now = played(SERVING, UNWELL, UNWELL)
    gone = {"good": replace(UP, ready_endpoints=0), "bad": UP}
    snapshot = Snapshot(now, NothingDue(reasons.BETWEEN_TICKS, ""), gone, 1, route_accepted=True)
    assert advance(EXPERIMENT, standings, snapshot).standings["bad"].state is ArmState.JOINING


def test_a_pinned_arm_keeps_its_traffic() -> None:
    pinned = replace(EXPERIMENT, pin="bad")
    assert played(SERVING, *[UNWELL] * 4, experiment=pinned)[0]["bad"].state is ArmState.ACTIVE


@pytest.mark.parametrize(
    ("guard", "value", "beyond"),
    [
        (ERRORS, 0.05, False),
        (ERRORS, 0.0501, True),
        (replace(ERRORS, above=False), 0.05, False),
        (replace(ERRORS, above=False), 0.049, True),
        (ERRORS, float("nan"), False),
    ],
)
def test_a_value_at_the_bound_is_not_beyond_it(guard: Guard, value: float, beyond: bool) -> None:
    assert is_beyond(guard, value) is beyond


def test_pods_that_come_and_go_meanwhile_do_not_bring_its_traffic_back_sooner() -> None:
    standings, _, now = played(SERVING, UNWELL, UNWELL)
    for endpoints in (0, 1):
        facts = replace(UP, weight=0, ready_endpoints=endpoints)
        standings, _, now = played(standings, UNWELL, start=now, facts=facts)
    assert (standings["bad"].state, standings["bad"].reason) == (ArmState.UNAVAILABLE, reasons.GUARD_TRIPPED)
    facts = replace(UP, weight=0, ready_endpoints=0)
    standings, _, _ = played(standings, UNWELL, start=now + 600.0, facts=facts)
    assert standings["bad"].reason == reasons.NO_READY_ENDPOINT


def test_the_time_without_traffic_is_bounded() -> None:
    assert [withheld_seconds(30.0, trips) for trips in (1, 2, 3, 50)] == [300.0, 600.0, 1200.0, 3600.0]
    assert withheld_seconds(7200.0, 1) == 7200.0
