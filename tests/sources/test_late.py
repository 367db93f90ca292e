"""Samples that come after their window was read."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.api.presets.base import ArmLabel
from bandit_operator.sources.base import Counter
from bandit_operator.sources.late import Level, add_late
from bandit_operator.sources.tally import Tally


def counted(increase: float, then: Level | None, now: Level, usual: float = 100.0) -> Tally:
    """What becomes of an increase, where the level at the window's start was and is such."""
    counter = Counter("trials", "c_total", ArmLabel("arm", (("a", "a"),)))
    tally = Tally((counter,), {"trials": {"a": increase}}, usual)
    before = {} if then is None else {"trials": {"a": then}}
    add_late(tally, before, {"trials": {"a": now}})
    return tally


@pytest.mark.parametrize(
    ("then", "now", "trials"),
    [
        (Level(500, 2), Level(500, 2), 30),
        (Level(500, 2), Level(520, 2), 50),
        (Level(500, 2), Level(90_520, 2), 90_050),
        (Level(500, 2), Level(512, 3), 42),
        (None, Level(12, 1), 42),
        (Level(500, 2), Level(90_500, 3), 30),
        (Level(500, 2), Level(490, 2), 20),
        (Level(500, 2), Level(400, 2), 0),
        (Level(500, 2), Level(20, 2), 30),
        (Level(500, 2), Level(450, 1), 30),
    ],
    ids=[
        "nothing came late",
        "some did",
        "much did",
        "a newcomer's did",
        "the arm's first did",
        "a life did",
        "a server that is a scrape behind",
        "far behind",
        "a reset came late",
        "series went",
    ],
)
def test_what_came_late_is_counted_and_no_life_is(then: Any, now: Level, trials: int) -> None:
    assert counted(30, then, now).values == {"trials": {"a": trials}}


def test_servers_that_answer_in_turn_add_up_to_the_whole() -> None:
    at = {0: (1000, 990), 30: (1030, 1020), 60: (1060, 1050), 90: (1090, 1080)}
    total, then = 0.0, at[0][0]
    for server, (start, end) in zip((1, 0, 1), ((0, 30), (30, 60), (60, 90)), strict=True):
        found = counted(at[end][server] - at[start][server], Level(then, 1), Level(at[start][server], 1))
        total, then = total + found.values["trials"]["a"], at[end][server]
    assert total == then - at[0][0]


def test_a_life_that_came_late_is_said() -> None:
    [note] = counted(30, Level(500, 2), Level(90_500, 3)).notes
    assert note.startswith("arm a: 90000 of c_total not counted: its series came late")


@pytest.mark.parametrize(
    ("now", "behind", "late"), [(490, True, False), (510, False, True), (500, False, False)]
)
def test_a_server_that_is_behind_another_is_told_from_samples_that_come_late(
    now: float, behind: bool, late: bool
) -> None:
    tally = counted(30, Level(500, 2), Level(now, 2))
    assert (tally.behind, tally.late) == (behind, late)
