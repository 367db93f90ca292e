"""Series that begin: newcomers, those that return, and those with a life behind them."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.api.presets.base import ArmLabel
from bandit_operator.sources.base import Counter, Sample
from bandit_operator.sources.beginnings import leave_out_counted, leave_out_lives, subtract_earlier
from bandit_operator.sources.late import Level
from bandit_operator.sources.tally import Tally, identity

LABEL = ArmLabel("arm", (("a", "a"), ("b", "b")))
SERIES = {"arm": "a", "pod": "1"}


def tally_of(usual: float = 100.0, **values: Any) -> Tally:
    counters = tuple(Counter(part, f"{part}_total", LABEL) for part in values)
    return Tally(counters, {part: {"a": value} for part, value in values.items()}, usual)


@pytest.mark.parametrize(
    ("last", "first", "earlier", "counted", "unsteady"),
    [
        (150, 120, None, 150, False),
        (150, 120, 110, 40, False),
        (150, 120, 121, 29, False),
        (150, 120, 140, 10, True),
        (150, 120, 240, 150, False),
        (121, 120, 121.1, 0, False),
    ],
    ids=["new", "returned", "with a small dip", "with a dip", "reset meanwhile", "still below"],
)
def test_a_series_that_returns_counts_from_where_it_was(
    last: int, first: int, earlier: float | None, counted: int, unsteady: bool
) -> None:
    tally = tally_of(trials=last)
    known = {} if earlier is None else {identity(SERIES): earlier}
    subtract_earlier(tally, tally.counters[0], [Sample(SERIES, first)], known)
    assert tally.values["trials"]["a"] == pytest.approx(counted)
    assert bool(tally.unsteady) == unsteady


@pytest.mark.parametrize(
    ("usual", "growth", "first", "counted"),
    [
        (100, 0, 500, True),
        (100, 0, 501, False),
        (1, 120, 600, True),
        (1, 120, 601, False),
        (1, 0, 50, True),
        (1, 0, 51, False),
        (0, 300, 1500, True),
        (0, 300, 1501, False),
        (0, 0, 1000, True),
        (0, 0, 1001, False),
    ],
)
def test_a_first_value_counts_up_to_five_times_what_is_usual_or_more_where_nothing_was_counted_yet(
    usual: int, growth: int, first: int, counted: bool
) -> None:
    tally = tally_of(usual, trials=first + growth)
    tally.add_first("trials", "a", first)
    leave_out_lives(tally)
    assert tally.values["trials"]["a"] == growth + first * counted
    assert bool(tally.notes) != counted


def test_trials_alone_say_whether_sums_of_other_units_are_a_life() -> None:
    tally = tally_of(100, trials=40, squares=90_000)
    tally.add_first("trials", "a", 20)
    tally.add_first("squares", "a", 60_000)
    leave_out_lives(tally)
    assert tally.values == {"trials": {"a": 40}, "squares": {"a": 90_000}}


def test_a_life_is_left_out_of_all_sums_of_the_same_trials_and_said_once() -> None:
    tally = tally_of(100, trials=9_040, squares=90_000, requests=50)
    for part, first in (("trials", 9_000), ("squares", 60_000), ("requests", 50)):
        tally.add_first(part, "a", first)
    leave_out_lives(tally)
    assert tally.values == {"trials": {"a": 40}, "squares": {"a": 30_000}, "requests": {"a": 50}}
    [note] = tally.notes
    assert "9000 of trials_total, 60000 of squares_total not counted" in note


def test_a_counter_of_requests_that_is_not_steady_says_nothing_about_rewards() -> None:
    tally = tally_of(100, requests=50)
    known = {identity(SERIES): 140.0}
    subtract_earlier(tally, tally.counters[0], [Sample(SERIES, 120)], known)
    assert tally.unsteady == {}


@pytest.mark.parametrize(
    ("known", "counted"),
    [(49.0, 272 - 49), (272.0, 0), (300.0, 272)],
    ids=["grown since", "as it was", "started again"],
)
def test_what_was_counted_before_prometheus_lost_its_data_is_not_counted_again(
    known: float, counted: int
) -> None:
    tally = tally_of(trials=272, successes=100)
    for part, value in (("trials", 272.0), ("successes", 100.0)):
        tally.add_first(part, "a", value)
    leave_out_lives(tally)  # it is too small for one
    before = {"trials": {"a": Level(known, 1)}, "successes": {"a": Level(known / 3, 1)}}
    leave_out_counted(tally, before)
    assert tally.values["trials"]["a"] == counted
    assert bool(tally.notes) == (known <= 272)
