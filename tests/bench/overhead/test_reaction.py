"""What a broken model has cost is read from its route and its requests alone."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bench.chaos.judge import Line
from bench.chaos.load import Request
from bench.overhead import goals, reaction
from bench.overhead.reaction import CANARY, STABLE, gain, harm

BROKE = 1000.0


def carried(*shares: tuple[float, float]) -> Line[Mapping[str, int]]:
    """The route's weights from shares of the canary, at seconds after it broke."""
    return Line([(BROKE + at, {STABLE: round(100 - 100 * of), CANARY: round(100 * of)}) for at, of in shares])


def answered(arm: str, *seconds: float) -> list[Request]:
    return [Request(BROKE + at, arm, "" if arm else "503") for at in seconds]


def test_requests_count_as_harmed_that_the_broken_model_answered_after_it_broke() -> None:
    requests = [*answered(CANARY, -1, 0, 3, 59, 61), *answered(STABLE, 1, 2), *answered("", 4)]
    found = harm(carried((-60, 0.2)), requests, BROKE, 60)
    assert (found["harmed"], found["failed"]) == (3, 1)


def test_half_and_nothing_are_of_the_share_that_it_had_when_it_broke() -> None:
    route = carried((-60, 0.5), (-1, 0.2), (7, 0.15), (8, 0.1), (20, 0))
    found = harm(route, [], BROKE, 60)
    assert (found["start"], found["half"], found["out"]) == (0.2, pytest.approx(8), pytest.approx(20))
    assert [share for _, share in found["shares"]] == [0.2, 0.15, 0.1, 0.0]


def test_a_model_that_keeps_its_share_is_never_said_to_have_lost_it() -> None:
    found = harm(carried((-60, 0.2), (10, 0.6), (70, 0)), [], BROKE, 60)
    assert (found["half"], found["out"]) == (None, None)


def test_a_better_model_loses_what_the_other_ones_requests_did_not_earn() -> None:
    route = carried((-5, 0), (4, 0.1), (30, 0.9), (50, 0.99))
    found = gain(route, answered(STABLE, *range(-5, 40)), BROKE, 200)
    assert (found["first"], found["nearly"]) == (pytest.approx(4), pytest.approx(50))
    assert found["lost"] == pytest.approx(40 * 0.1)


def test_a_goal_is_missed_where_most_runs_do_not_get_there(parts: dict[str, dict[str, object]]) -> None:
    part = parts["reaction"]
    case = next(iter(reaction.BREAKS))
    kept = [{**one, "out": None} if one["case"] == case else one for one in part["breaks"]]  # type: ignore[attr-defined]  # made up
    rows = {one["row"]: one for one in goals.rows({"reaction": {**part, "breaks": kept}})}
    assert [name for name, one in rows.items() if not one["met"]] == [f"{case}: seconds to weight 0 (median)"]
