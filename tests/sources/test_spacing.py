"""How far apart samples are is told from the gaps between them, whatever else is odd about a series."""

from __future__ import annotations

import pytest

from bandit_operator.sources.resets import Series
from bandit_operator.sources.spacing import samples_apart


def series(*times: float) -> Series:
    return Series({}, [(time, 1.0) for time in times])


@pytest.mark.parametrize(
    ("found", "apart"),
    [
        ([], None),
        ([series(0.0, 30.0)], None),
        ([series(0.0, 30.0, 60.0)], 30.0),
        ([series(0.0, 30.0, 60.0, 120.0, 150.0)], 30.0),
        ([series(290.0), series(10.0, 25.0, 40.0, 55.0)], 15.0),
    ],
    ids=["no series", "one gap", "every 30 s", "a scrape failed", "one began just now"],
)
def test_the_median_gap_of_the_series_with_the_most_samples_counts(
    found: list[Series], apart: float | None
) -> None:
    assert samples_apart(found) == apart
