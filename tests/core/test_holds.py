"""When the weights are held, and what is said then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bandit_operator.core import reasons
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.holds import Checked, Hold, first_hold
from bandit_operator.core.model import ArmFacts, NoData, NothingDue, Observed, Snapshot, SourceDown, Window

HALF = {"a": 0.5, "b": 0.5}


@pytest.fixture
def held(make_experiment: Callable[..., Experiment]) -> Callable[..., Hold | None]:
    """What the checks say of a reading."""

    def check(
        reading: Any, shares: dict[str, float] = HALF, gained: Any = (), mixed: str = "", **changes: Any
    ) -> Hold | None:
        facts = {arm: ArmFacts(weight=1) for arm in "ab"}
        snapshot = replace(Snapshot(100.0, reading, facts, 7, True), **changes)
        return first_hold(Checked(make_experiment(arms=2), snapshot, shares, dict(gained), frozenset(mixed)))

    return check


def window(a: Any, b: Any) -> Window:
    return Window(0.0, 30.0, {"a": a, "b": b})


def test_fresh_rewards_of_all_arms_hold_nothing(held: Callable[..., Hold | None]) -> None:
    assert held(window(Observed(50, 10), Observed(50, 12))) is None


def test_a_source_that_is_down_holds_and_says_what_it_said(held: Callable[..., Hold | None]) -> None:
    hold = held(SourceDown(reasons.UNREACHABLE, "Prometheus at http://p cannot be reached: refused"))
    assert (hold.reason, hold.message) == (
        reasons.UNREACHABLE,
        "Prometheus at http://p cannot be reached: refused",
    )


def test_a_route_that_no_gateway_has_accepted_holds(held: Callable[..., Hold | None]) -> None:
    hold = held(window(Observed(50, 10), Observed(50, 12)), route_accepted=False)
    assert hold.reason == reasons.ROUTE_NOT_ACCEPTED
    assert "generation 7" in hold.message


def test_a_rule_that_keeps_clients_with_their_arms_holds_also_between_ticks(
    held: Callable[..., Hold | None],
) -> None:
    for reading in (window(Observed(50, 10), Observed(50, 12)), NothingDue(reasons.BETWEEN_TICKS, "")):
        hold = held(reading, sessions_persist=True)
        assert hold.reason == reasons.SESSION_PERSISTENCE
        assert "sessionPersistence" in hold.message


def test_no_window_holds(held: Callable[..., Hold | None]) -> None:
    assert held(NothingDue(reasons.BETWEEN_TICKS, "")).reason == reasons.BETWEEN_TICKS


def test_an_answer_without_any_arm_holds(held: Callable[..., Hold | None]) -> None:
    hold = held(window(NoData("no series of trials"), NoData("no series of trials")))
    assert hold.reason == reasons.NO_DATA
    assert "no series of trials" in hold.message


def test_counters_that_stand_still_hold(held: Callable[..., Hold | None]) -> None:
    assert held(window(Observed(0, 0), Observed(0, 0))).reason == reasons.NO_REWARDS


@pytest.mark.parametrize("silent", [NoData(), Observed(0, 0)], ids=["no series", "no trials"])
def test_an_arm_with_traffic_and_no_rewards_holds_all(held: Callable[..., Hold | None], silent: Any) -> None:
    hold = held(window(Observed(100, 10), silent))
    assert hold.reason == reasons.NO_DATA
    assert "arm b" in hold.message


def test_an_arm_with_next_to_no_traffic_may_be_silent(held: Callable[..., Hold | None]) -> None:
    assert held(window(Observed(100, 10), NoData()), {"a": 0.96, "b": 0.04}) is None


def test_an_arm_that_has_just_joined_may_be_silent(held: Callable[..., Hold | None]) -> None:
    assert held(window(Observed(100, 10), NoData()), gained={"b": -29.0}) is None
    assert held(window(Observed(100, 10), NoData()), gained={"b": -30.0}) is not None


def test_an_arm_of_which_nothing_is_learned_until_its_update_is_over_is_not_silent(
    held: Callable[..., Hold | None],
) -> None:
    reading = window(Observed(50, 10), NoData("its rolling update is not over"))
    assert held(reading).reason == reasons.NO_DATA
    assert held(reading, mixed="b") is None


def test_updates_of_all_arms_hold_and_no_label_is_blamed(held: Callable[..., Hold | None]) -> None:
    nothing = NoData("its rolling update is not over")
    assert held(window(nothing, nothing), mixed="ab").reason == reasons.ROLLING_UPDATE
