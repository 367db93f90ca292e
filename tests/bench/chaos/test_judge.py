"""What a run is judged by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bench.chaos.judge import (
    GRACE,
    Facts,
    Line,
    broken,
    compare,
    failures,
    false_rollbacks,
    merged,
    ready_said,
    ready_while_broken,
    same_shares,
    without,
)
from bench.chaos.load import Request

READY = ("True", "InSync")
EQUAL, ALL = {"good": 1, "bad": 1}, {"good": 1, "bad": 0}
GONE = ("False", "NoArmAvailable")


def facts(**others: Any) -> Facts:
    """Two arms that serve half of the traffic each, a fault at second 10 and an end at 60."""
    weights: Line[Mapping[str, int]] = Line([(0.0, {"good": 5000, "bad": 5000})])
    made: dict[str, Any] = {
        "servable": {"good": Line([(0.0, True)]), "bad": Line([(0.0, True)])},
        "carried": weights,
        "meant": weights,
        "said": Line([(0.0, READY)]),
        "states": {"good": Line([(0.0, "Active")]), "bad": Line([(0.0, "Active")])},
        "requests": [],
        "strokes": [10.0],
        "until": 60.0,
    }
    return Facts(**{**made, **others})


def failed(*sent: float) -> list[Request]:
    return [Request(at, "", "503") for at in sent]


def test_a_request_may_fail_just_after_a_stroke_and_not_later() -> None:
    must, may = failures(facts(requests=failed(10.0 + GRACE, 10.1 + GRACE)))
    assert (must, may) == ([10.1 + GRACE], [10.0 + GRACE])


def test_requests_before_the_fault_are_not_judged_and_answers_are_no_failures() -> None:
    requests = [*failed(3.0), Request(30.0, "good", "")]
    assert failures(facts(requests=requests)) == ([], [])


def test_requests_may_fail_while_no_arm_has_been_servable_for_the_grace() -> None:
    servable = {"good": Line([(0.0, True), (20.0, False), (40.0, True)]), "bad": Line([(0.0, False)])}
    must, may = failures(facts(servable=servable, requests=failed(19.0, 25.0, 41.0, 43.0)))
    assert (must, may) == ([19.0, 43.0], [25.0, 41.0])


def test_two_arms_that_take_turns_leave_none_servable_for_the_grace() -> None:
    servable = {
        "good": Line([(0.0, True), (29.5, False)]),
        "bad": Line([(0.0, False), (29.5, True)]),
    }
    assert failures(facts(servable=servable, requests=failed(30.0)))[0] == []


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"servable": {"good": Line([(0.0, True)]), "bad": Line([(0.0, True), (20.0, False)])}},
         "an arm that could not serve had weight"),
        ({"servable": {arm: Line([(0.0, True), (20.0, False)]) for arm in ("good", "bad")}},
         "no arm could serve"),
        ({"carried": Line([(0.0, {"good": 5000, "bad": 5000}), (20.0, {"good": 9000, "bad": 1000})])},
         "the route carried other weights than the status said"),
    ],
    ids=["weight on nothing", "nothing", "other weights"],
)  # fmt: skip
def test_ready_that_is_said_while_a_promise_is_broken_is_found(changed: dict[str, Any], what: str) -> None:
    assert broken(facts(**changed)) == [((20.0 + GRACE, 60.0), what)]
    assert ready_while_broken(facts(**changed)) == [(40.0 - GRACE, what)]
    honest = facts(said=Line([(0.0, READY), (20.0 + GRACE, GONE)]), **changed)
    assert ready_while_broken(honest) == []


def test_what_is_put_right_within_the_grace_is_no_broken_promise() -> None:
    carried = Line(
        [(0.0, {"good": 1, "bad": 1}), (20.0, {"good": 1, "bad": 0}), (21.9, {"good": 1, "bad": 1})]
    )
    assert broken(facts(carried=carried)) == []


def test_while_a_hand_strikes_again_and_again_ready_may_be_out_of_date() -> None:
    carried = Line(
        [(0.0, {"good": 1, "bad": 1}), (20.0, {"good": 1, "bad": 0}), (30.0, {"good": 1, "bad": 1})]
    )
    strokes = [20.0 + second for second in range(10)]
    assert ready_while_broken(facts(carried=carried, strokes=strokes)) == []
    assert ready_while_broken(facts(carried=carried, strokes=[20.0])) == [
        (8.0, "the route carried other weights than the status said")
    ]


def test_what_is_not_known_yet_is_no_other_weight() -> None:
    assert broken(facts(meant=Line([(0.0, {})]))) == []


def test_an_arm_that_the_status_does_not_have_is_not_held_to_it() -> None:
    carried = Line([(0.0, {"good": 10, "bad": 10, "gone": 70})])
    servable = {arm: Line([(0.0, True)]) for arm in ("good", "bad", "gone")}
    assert broken(facts(carried=carried, servable=servable)) == []


def test_shares_are_compared_in_whatever_unit() -> None:
    assert same_shares({"a": 1, "b": 1}, {"a": 5000, "b": 5000})
    assert not same_shares({"a": 1, "b": 1}, {"a": 5100, "b": 4900})
    assert not same_shares({"a": 0, "b": 0}, {"a": 1, "b": 1})
    assert same_shares({}, {})


def test_what_ready_said_is_told_with_seconds_after_the_fault() -> None:
    said = Line([(0.0, READY), (10.4, GONE), (25.0, READY)])
    assert ready_said(facts(said=said)) == "True → False/NoArmAvailable (+0.4 s) → True (+15.0 s)"


def test_an_arm_that_was_worse_may_be_taken_out_and_no_other() -> None:
    states = {
        "good": Line([(0.0, "Active"), (20.0, "Unavailable"), (25.0, "Joining")]),
        "bad": Line([(0.0, "Active"), (20.0, "Draining")]),
    }
    assert false_rollbacks(facts(states=states)) == ["bad"]
    assert false_rollbacks(facts(states=states, worse=frozenset({"bad"}))) == []


def test_what_one_arm_lost_is_not_made_up_for_by_what_another_has_twice() -> None:
    found = compare({"good": 90.0, "bad": 55.0}, {"good": 100.0, "bad": 50.0})
    assert (found.there, found.counted, found.lost, found.doubled) == (150.0, 145.0, 10.0, 5.0)
    assert found.beyond(10.0, 2.0) == (0.0, 3.0)


def test_a_line_holds_each_fact_until_the_next_and_notes_changes_only() -> None:
    line = Line([(1.0, "a"), (2.0, "a"), (3.0, "b")])
    assert line.times == [1.0, 3.0]
    assert [line.at(at) for at in (0.5, 1.0, 2.9, 3.0)] == [None, "a", "a", "b"]
    assert line.spans(9.0, lambda fact: fact == "b") == [(3.0, 9.0)]
    assert Line[str]().spans(9.0, bool) == []


def test_stretches_of_time_are_joined_and_taken_from_one_another() -> None:
    assert merged([(5.0, 6.0), (1.0, 3.0), (2.0, 5.0), (8.0, 8.0)]) == [(1.0, 6.0)]
    assert without((0.0, 10.0), [(2.0, 3.0), (9.0, 12.0)]) == [(0.0, 2.0), (3.0, 9.0)]
    assert without((0.0, 10.0), [(-1.0, 11.0)]) == []
