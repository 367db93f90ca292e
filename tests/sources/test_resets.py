"""Counters that were reset."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit_operator.sources.base import ArmLabel, Counter
from bandit_operator.sources.promql import PART
from bandit_operator.sources.resets import Series, identity, increase_of, increases, was_reset


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
def test_every_step_counts_once(samples, grown, reset):
    assert increase_of(samples, start=0) == grown
    assert was_reset(samples, start=0) == reset


@given(
    steps=st.lists(st.integers(-1, 40), min_size=2, max_size=60),
    cuts=st.lists(st.integers(1, 60), max_size=5),
)
def test_windows_that_follow_each_other_add_up_to_the_whole(steps, cuts):
    samples, value, truth = [], 0, 0
    for time, step in enumerate(steps, start=1):
        value = 0 if step < 0 else value + step
        truth += max(step, 0)
        samples.append((float(time), float(value)))
    edges = [0.0, *sorted({float(cut) for cut in cuts if cut < len(steps)}), float(len(steps))]
    total = sum(
        increase_of([sample for sample in samples if sample[0] <= end], start)
        for start, end in itertools.pairwise(edges)
    )
    assert total == truth


def test_series_that_were_not_reset_are_left_to_the_other_query():
    counter = Counter("trials", "c_total", ArmLabel("arm", (("a", "a"), ("b", "b"))))
    series = [
        Series({"arm": "a", "pod": "1"}, [(0, 10), (5, 2)]),
        Series({"arm": "a", "pod": "2"}, [(0, 10), (5, 20)]),
        Series({"arm": "b"}, [(0, 10), (5, 20)]),
        Series({"arm": "stranger"}, [(0, 10), (5, 2)]),
    ]
    assert increases(counter, series, start=0, earlier={}) == {"a": 2}


def test_what_a_series_had_long_before_its_reset_is_not_counted_again():
    counter = Counter("trials", "c_total", ArmLabel("arm", (("a", "a"),)))
    samples = [(5.0, 12.0), (6.0, 20.0), (7.0, 2.0)]
    series = [Series({"__name__": "c_total", "arm": "a", "pod": pod}, samples) for pod in ("1", "2", "3")]
    earlier = {
        identity({"arm": "a", "pod": "1", PART: "resets of trials"}): 10.0,
        identity({"arm": "a", "pod": "2"}): 15.0,  # it was reset before it came back, too
    }
    assert increases(counter, series, start=0, earlier=earlier) == {"a": (10 + 2) + (20 + 2) + (20 + 2)}
