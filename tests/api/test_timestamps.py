"""Times as the API writes them."""

from __future__ import annotations

import time

import pytest

from bandit_operator.api.timestamps import from_timestamp, to_micro_time, to_timestamp


@pytest.mark.parametrize("seconds", [0.0, 0.25, 1_800_000_000.001, 4_102_444_799.999])
def test_a_time_that_is_read_back_is_the_one_that_was_written(seconds: float) -> None:
    assert from_timestamp(to_timestamp(seconds)) == seconds


def test_a_time_without_a_zone_is_in_utc_wherever_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert from_timestamp("1970-01-01T01:00:00") == from_timestamp("1970-01-01T01:00:00Z") == 3600.0
        assert from_timestamp("1970-01-01T01:00:00+01:00") == 0.0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_events_and_leases_have_microseconds() -> None:
    assert to_micro_time(0.250001) == "1970-01-01T00:00:00.250001Z"
    assert to_micro_time(1.0) == "1970-01-01T00:00:01.000000Z"
