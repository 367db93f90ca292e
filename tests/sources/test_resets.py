"""Counters that were reset."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit_operator.api.presets.base import ArmLabel
from bandit_operator.sources.base import Counter
from bandit_operator.sources.promql import PART
from bandit_operator.sources.resets import Series, add_reset, growth_of, went_down
from bandit_operator.sources.tally import Tally, identity


@pytest.mark.parametrize(
    ("samples", "grown", "reset"),
    [
        ([(0, 10), (5, 12), (10, 15)], 5, False),
        ([(5, 3), (10, 8)], 8, False),
        ([(0, 10), (5, 12), (6, 1), (10, 50)], 52, True),
        ([(0, 1000), (5, 20), (10, 30)], 30, True),
        ([(0, 10), (4, 15), (5, 2), (8, 4), (9, 1)], 10, True),
        ([(-9, 50), (0, 10), (10, 12)], 2, False),
        ([(0, 10)], 0, False),
        ([], 0, False),
    ],
    ids=[
        "grown",
        "began inside",
        "reset and grown beyond",
        "reset right at the start",
        "reset twice",
        "reset before",
        "stands still",
        "nothing",
    ],
)
def test_every_step_counts_once(samples: Any, grown: int, reset: bool) -> None:
    assert growth_of(samples, start=0).amount == grown
    assert went_down(samples, start=0) == reset


@given(
    steps=st.lists(st.integers(-1, 40), min_size=2, max_size=60),
    cuts=st.lists(st.integers(1, 60), max_size=5),
)
def test_windows_that_follow_each_other_add_up_to_the_whole(steps: Any, cuts: Any) -> None:
    samples, value, truth = [], 0, 0
    for time, step in enumerate(steps, start=1):
        value = 0 if step < 0 else value + step
        truth += max(step, 0)
        samples.append((float(time), float(value)))
    edges = [0.0, *sorted({float(cut) for cut in cuts if cut < len(steps)}), float(len(steps))]
    total = sum(
        growth_of([sample for sample in samples if sample[0] <= end], start).amount
        for start, end in itertools.pairwise(edges)
    )
    assert total == truth


def counting(series: Any, earlier: Any = None, running: Any = None) -> Tally:
    """What is counted of arms a and b from such series in a window after 0."""
    counter = Counter("trials", "c_total", ArmLabel("arm", (("a", "a"), ("b", "b"))))
    tally = Tally((counter,), {"trials": {}})
    add_reset(tally, counter, series, 0, earlier or {}, running or {})
    return tally


def test_series_that_were_not_reset_are_left_to_the_other_query() -> None:
    series = [
        Series({"arm": "a", "pod": "1"}, [(0, 10), (5, 2)]),
        Series({"arm": "a", "pod": "2"}, [(0, 10), (5, 20)]),
        Series({"arm": "b"}, [(0, 10), (5, 20)]),
        Series({"arm": "stranger"}, [(0, 10), (5, 2)]),
    ]
    assert counting(series).values == {"trials": {"a": 2}}


def test_what_a_series_had_long_before_its_reset_is_not_counted_again() -> None:
    samples = [(5.0, 12.0), (6.0, 20.0), (7.0, 2.0)]
    series = [Series({"__name__": "c_total", "arm": "a", "pod": pod}, samples) for pod in ("1", "2", "3")]
    earlier = {
        identity({"arm": "a", "pod": "1", PART: "earlier values of trials"}): 10.0,
        identity({"arm": "a", "pod": "2"}): 30.0,  # it was reset before it came back, too
    }
    tally = counting(series, earlier)
    assert tally.values == {"trials": {"a": (10 + 2) + (12 + 8 + 2) + (20 + 2)}}
    assert tally.firsts == {"trials": {"a": 12}}


@pytest.mark.parametrize(
    ("samples", "amount", "dip"),
    [
        ([(0, 1000145), (1, 1000147), (2, 1000142), (3, 1000155)], 10, None),
        ([(0, 1000), (1, 995), (2, 990), (3, 1005)], 5, None),
        ([(0, 100), (1, 50)], 50, None),
        ([(0, 130), (1, 70)], 0, (130, 70)),
        ([(0, 1000), (1, 989)], 0, (1000, 989)),
    ],
    ids=["a dip", "two dips", "half", "more than half", "just too much"],
)
def test_a_step_down_is_a_reset_a_dip_or_neither(samples: Any, amount: int, dip: Any) -> None:
    growth = growth_of(samples, start=0)
    assert (growth.amount, growth.dip) == (amount, dip)


def test_a_counter_that_does_what_none_does_is_not_believed() -> None:
    tally = counting([Series({"arm": "a"}, [(0, 130), (1, 70)])])
    assert tally.unsteady == {
        "a": "c_total went down from 130 to 70 without starting again; are there several processes behind "
        "one metrics address?"
    }


@pytest.mark.parametrize(
    ("samples", "back"),
    [
        ([(0, 900), (1, 10), (2, 903)], (10, 903)),
        ([(-1, 880), (0, 10), (1, 12), (2, 903), (3, 14)], (12, 903)),
        ([(0, 900), (1, 10), (2, 400), (3, 903)], (400, 903)),
        ([(0, 900), (1, 10), (2, 470), (3, 903)], None),
        ([(0, 12), (1, 1), (2, 50)], None),
        ([(0, 900), (1, 10), (2, 30), (3, 50)], None),
        ([(0, 900), (1, 10), (2, 903), (3, 14), (4, 905)], (10, 903)),
    ],
    ids=[
        "at once",
        "after a reset before the window",
        "in few steps",
        "in many steps",
        "far beyond",
        "never",
        "again and again",
    ],
)
def test_a_process_that_started_again_is_not_at_once_where_it_was(samples: Any, back: Any) -> None:
    assert growth_of(samples, start=0).back == back
    tally = counting([Series({"arm": "a"}, samples)])
    assert ("a" in tally.unsteady) == (back is not None)


def test_what_went_down_in_window_after_window_must_stand_for_a_while_before_it_is_believed() -> None:
    down, steady = ([Series({"arm": "a"}, [(0, 130), (1, value)])] for value in (7, 140))
    running: Any = None
    believed = []
    for series in (down, down, down, down, steady, steady, steady):
        tally = counting(series, running=running)
        running = tally.restarted
        believed.append("a" not in tally.unsteady)
    assert believed == [True, True, False, False, False, True, True]


@pytest.mark.parametrize(
    "proof",
    [[(0, 130), (1, 80)], [(0, 900), (1, 10), (2, 903)], [(-1, 900), (0, 10), (1, 905)]],
    ids=["goes down without starting again", "is back at once", "is back after a reset before the window"],
)
@pytest.mark.parametrize("after", [[(0, 130), (1, 7)], [(0, 130), (1, 140)]], ids=["a reset", "growth"])
def test_what_no_single_process_does_is_not_forgotten_for_a_window_that_one_could_have_made(
    proof: Any, after: Any
) -> None:
    running: Any = None
    believed = []
    for samples in (proof, after, [(0, 140), (1, 150)], [(0, 150), (1, 160)], [(0, 160), (1, 170)]):
        tally = counting([Series({"arm": "a"}, samples)], running=running)
        running = tally.restarted
        believed.append("a" not in tally.unsteady)
    assert believed[:2] == [False, False]
    assert believed[-1]


def test_a_counter_that_is_back_a_window_later_is_not_believed() -> None:
    first = counting([Series({"arm": "a"}, [(-1, 890), (0, 900), (1, 10)])])
    back = [(-1, 900), (0, 10), (1, 905), (2, 910)]
    second = counting([Series({"arm": "a"}, back)], running=first.restarted)
    assert second.values == {"trials": {}}  # growth is counted by the other query
    assert "from 10 back to 905" in second.unsteady["a"]


def test_windows_with_a_dip_between_those_with_a_reset_do_not_end_the_distrust() -> None:
    reset, dip = ([Series({"arm": "a"}, [(0, 130), (1, value)])] for value in (7, 80))
    running: Any = None
    for series in (reset, reset, reset, dip, reset):
        tally = counting(series, running=running)
        running = tally.restarted
    assert "a" in tally.unsteady


def test_a_series_that_is_reset_in_a_third_window_running_is_not_believed() -> None:
    series = [Series({"arm": "a"}, [(0, 130), (1, 7)])]
    first = counting(series)
    second = counting(series, running=first.restarted)
    third = counting(series, running=second.restarted)
    assert [bool(one.unsteady) for one in (first, second, third)] == [False, False, True]


def test_steps_between_two_processes_that_are_nearly_alike_are_no_growth() -> None:
    seen = [(15.0 * at, 100_000.0 + at + (at % 2) * 900) for at in range(60)]
    for window in range(20, 28):
        start, end = 30.0 * window, 30.0 * (window + 1)
        inside = [(time, value) for time, value in seen if start - 300 < time <= end]
        assert growth_of(inside, start).amount <= 4


def test_a_series_that_goes_down_a_little_is_read_sample_by_sample_in_the_next_window_too() -> None:
    series = [Series({"arm": "a"}, [(-1, 100_900), (0, 100_000), (1, 100_901), (2, 100_002)])]
    tally = counting(series)
    assert tally.values == {"trials": {"a": 1}}
    assert set(tally.restarted.values()) == {1}
    assert not tally.unsteady
