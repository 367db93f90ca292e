"""What is kept of the ends of windows, and how much of it."""

from __future__ import annotations

from bandit_operator.reconcile.moments import MOST_MOMENTS, MOST_RESOURCES, Moment, Moments
from bandit_operator.sources.base import ArmLabel, Counter

COUNTERS = (Counter("trials", "c_total", ArmLabel("arm", (("a", "a"),))),)
OTHERS = (Counter("trials", "d_total", ArmLabel("arm", (("a", "a"),))),)


def test_a_moment_is_known_to_the_counters_that_were_read_and_to_no_others():
    moments, moment = Moments(), Moment()
    moments.keep("uid", COUNTERS, 30.0, moment)
    assert moments.at("uid", COUNTERS, 30.0) is moment
    assert moments.at("uid", OTHERS, 30.0) is None
    assert moments.at("other", COUNTERS, 30.0) is None
    assert moments.at("uid", COUNTERS, 60.0) is None


def test_the_newest_moments_of_the_newest_resources_are_kept():
    moments = Moments()
    for number in range(MOST_RESOURCES + 1):
        moments.keep(str(number), COUNTERS, 0.0, Moment())
    for time in range(1, MOST_MOMENTS + 1):
        moments.keep("5", COUNTERS, float(time), Moment())
    assert moments.at("0", COUNTERS, 0.0) is None
    assert moments.at("1", COUNTERS, 0.0) is not None
    assert moments.at("5", COUNTERS, 0.0) is None
    assert moments.at("5", COUNTERS, 1.0) is not None
