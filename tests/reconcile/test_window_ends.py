"""What is kept of the ends of windows, and how much of it."""

from __future__ import annotations

from bandit_operator.api.presets.base import ArmLabel
from bandit_operator.reconcile.window_ends import MOST_ENDS, MOST_RESOURCES, WindowEnd, WindowEnds
from bandit_operator.sources.base import Counter

LABEL = ArmLabel("arm", (("a", "a"),))
SOURCE = ("http://prometheus", (Counter("trials", "c_total", LABEL),))
OTHER_COUNTERS = ("http://prometheus", (Counter("trials", "d_total", LABEL),))
OTHER_SERVER = ("http://thanos", SOURCE[1])


def test_a_moment_is_known_to_the_source_that_it_was_read_from_and_to_no_other() -> None:
    ends, end = WindowEnds(), WindowEnd()
    ends.keep("uid", SOURCE, 30.0, end)
    assert ends.at("uid", SOURCE, 30.0) is end
    assert ends.at("uid", OTHER_COUNTERS, 30.0) is None
    assert ends.at("uid", OTHER_SERVER, 30.0) is None
    assert ends.at("other", SOURCE, 30.0) is None
    assert ends.at("uid", SOURCE, 60.0) is None


def test_the_newest_moments_of_the_newest_resources_are_kept() -> None:
    ends = WindowEnds()
    for number in range(MOST_RESOURCES + 1):
        ends.keep(str(number), SOURCE, 0.0, WindowEnd())
    for time in range(1, MOST_ENDS + 1):
        ends.keep("5", SOURCE, float(time), WindowEnd())
    assert ends.at("0", SOURCE, 0.0) is None
    assert ends.at("1", SOURCE, 0.0) is not None
    assert ends.at("5", SOURCE, 0.0) is None
    assert ends.at("5", SOURCE, 1.0) is not None
