"""What is kept of the ends of windows, and how much of it."""

from __future__ import annotations

from bandit_operator.api.presets.base import ArmLabel
from bandit_operator.reconcile.window_ends import MOST_MOMENTS, MOST_RESOURCES, Moment, Moments
from bandit_operator.sources.base import Counter

LABEL = ArmLabel("arm", (("a", "a"),))
SOURCE = ("http://prometheus", (Counter("trials", "c_total", LABEL),))
OTHER_COUNTERS = ("http://prometheus", (Counter("trials", "d_total", LABEL),))
OTHER_SERVER = ("http://thanos", SOURCE[1])


def test_a_moment_is_known_to_the_source_that_it_was_read_from_and_to_no_other() -> None:
    moments, moment = Moments(), Moment()
    moments.keep("uid", SOURCE, 30.0, moment)
    assert moments.at("uid", SOURCE, 30.0) is moment
    assert moments.at("uid", OTHER_COUNTERS, 30.0) is None
    assert moments.at("uid", OTHER_SERVER, 30.0) is None
    assert moments.at("other", SOURCE, 30.0) is None
    assert moments.at("uid", SOURCE, 60.0) is None


def test_the_newest_moments_of_the_newest_resources_are_kept() -> None:
    moments = Moments()
    for number in range(MOST_RESOURCES + 1):
        moments.keep(str(number), SOURCE, 0.0, Moment())
    for time in range(1, MOST_MOMENTS + 1):
        moments.keep("5", SOURCE, float(time), Moment())
    assert moments.at("0", SOURCE, 0.0) is None
    assert moments.at("1", SOURCE, 0.0) is not None
    assert moments.at("5", SOURCE, 0.0) is None
    assert moments.at("5", SOURCE, 1.0) is not None
