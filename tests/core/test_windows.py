"""Which windows are due."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit_operator.core.windows import (
    IN_A_GROUP,
    LONGEST_ABSENCE,
    MOST_WINDOWS,
    ONE_BY_ONE,
    due,
    newest_end,
    next_tick,
    write_moment,
)


@pytest.mark.parametrize(
    ("now", "end"), [(94.9, 60.0), (95.0, 90.0), (124.9, 90.0)], ids=["too early", "settled", "still"]
)
def test_a_window_is_due_once_its_end_has_settled(now: float, end: float) -> None:
    assert newest_end(now, interval=30.0, settle=5.0) == end


def test_nothing_is_due_before_the_next_grid_point() -> None:
    assert due(60.0, 60.0, 30.0).windows == ()


def test_nothing_is_due_while_the_cursor_is_ahead_of_the_clock() -> None:
    assert due(90.0, 60.0, 30.0).windows == ()


def test_missed_windows_are_read_one_by_one() -> None:
    assert due(30.0, 120.0, 30.0).windows == ((30.0, 60.0), (60.0, 90.0), (90.0, 120.0))


def test_a_cursor_off_the_grid_gets_a_window_to_the_next_point() -> None:
    assert due(45.0, 120.0, 60.0).windows == ((45.0, 60.0), (60.0, 120.0))


def test_windows_older_than_the_last_hundred_are_merged_into_one() -> None:
    result = due(0.0, 30.0 * 150, 30.0)
    assert len(result.windows) == MOST_WINDOWS
    assert result.windows[0] == (0.0, 30.0 * 51)
    assert result.lost == 0.0


def test_rewards_older_than_a_day_are_given_up_and_said_to_be() -> None:
    result = due(0.0, LONGEST_ABSENCE + 600.0, 30.0)
    assert result.lost == 600.0
    assert result.windows[0][0] == 600.0


@given(
    cursor=st.floats(0, 1e6), steps=st.integers(0, 400), interval=st.sampled_from([5.0, 30.0, 60.0, 3600.0])
)
def test_windows_follow_each_other_without_gap_or_overlap(cursor: Any, steps: Any, interval: Any) -> None:
    end = newest_end(cursor, interval, 0.0) + steps * interval
    result = due(cursor, end, interval)
    points = [result.windows[0][0], *(stop for _, stop in result.windows)] if result.windows else []
    assert all(one < other for one, other in itertools.pairwise(points))
    if result.windows:
        assert points[0] == cursor + result.lost
        assert points[-1] == end


@given(
    now=st.floats(1e9, 2e9),
    uid=st.uuids().map(str),
    interval=st.sampled_from([5.0, 30.0, 3600.0]),
    resources=st.integers(1, 5000),
)
def test_the_next_tick_lies_within_one_interval(now: float, uid: Any, interval: Any, resources: int) -> None:
    assert now < next_tick(now, interval, 5.0, uid, resources) <= now + interval + 1e-3


def test_twenty_resources_tick_in_one_moment_soon_after_their_window_is_complete() -> None:
    ticks = [next_tick(1e9, 30.0, 5.0, f"uid-{number}", 20) for number in range(20)]
    complete = newest_end(1e9 + 30.0, 30.0, 5.0) + 5.0
    assert all(complete <= tick <= complete + 0.4 for tick in ticks)


def test_intervals_that_are_multiples_of_each_other_share_their_moments() -> None:
    of_ten, of_thirty = (next_tick(1e9, interval, 5.0, "uid", 1) for interval in (10.0, 30.0))
    assert (of_thirty - of_ten) % 10.0 == pytest.approx(0.0, abs=1e-3) or (of_thirty - of_ten) % 10.0 > 9.999


def test_a_thousand_resources_are_looked_at_in_groups_spread_evenly_over_most_of_the_interval() -> None:
    moments = Counter(round(next_tick(1e9, 10.0, 0.0, f"uid-{n}", 1000) - 1e9, 3) for n in range(1000))
    gaps = {round(after - before, 2) for before, after in itertools.pairwise(sorted(moments))}
    assert gaps == {0.19}
    assert 0.0 < min(moments) < max(moments) < 8.0
    assert max(moments.values()) < 2 * IN_A_GROUP


def test_few_resources_are_looked_at_one_by_one() -> None:
    assert len({next_tick(1e9, 10.0, 0.0, f"uid-{n}", ONE_BY_ONE) for n in range(ONE_BY_ONE)}) == ONE_BY_ONE


def test_few_resources_write_at_once() -> None:
    assert write_moment(1e9 + 5.1, 30.0, 5.0, 20) == 1e9 + 5.1


def test_many_resources_write_together_once_all_have_ticked() -> None:
    complete = newest_end(1e9, 10.0, 3.0) + 3.0
    ticks = [next_tick(complete - 1e-3, 10.0, 3.0, f"uid-{number}", 200) for number in range(200)]
    moments = {write_moment(tick, 10.0, 3.0, 200) for tick in ticks}
    assert len(moments) == 1
    assert max(ticks) <= moments.pop() <= complete + 5.0


def test_who_decides_after_the_moment_writes_at_once() -> None:
    late = newest_end(1e9, 10.0, 3.0) + 3.0 + 4.5
    assert write_moment(late, 10.0, 3.0, 200) == late
