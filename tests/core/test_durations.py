"""How long something takes, for people."""

from __future__ import annotations

from bandit_operator.core.durations import duration


def test_durations_have_the_largest_unit_of_which_there_are_two() -> None:
    assert [duration(s) for s in (50, 130, 7_300, 400_000)] == ["50 s", "2.17 min", "2.03 h", "4.63 d"]
