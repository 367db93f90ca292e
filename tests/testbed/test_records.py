"""Decisions collected from versions of the status."""

from __future__ import annotations

import pytest

from testbed.records import Records
from tests.support.statuses import decision, stamp, version


def read(*versions: dict[str, object]) -> Records:
    records = Records()
    for one in versions:
        records.add(one["status"])  # type: ignore[arg-type] # a version is plain JSON
    return records


def test_a_window_in_many_versions_counts_once() -> None:
    first, second = decision(5, (3, 1)), decision(10, (4, 2))
    records = read(version(first), version(second, first), version(second, first))
    assert records.trials() == 10


def test_trials_before_a_reset_of_the_evidence_still_count() -> None:
    before, after = decision(5, (30, 10)), decision(10, (1, 2))
    records = read(version(before, evidence="50"), version(after, evidence="1"))
    assert records.trials() == 43


def test_a_window_read_again_after_a_crash_counts_once() -> None:
    records = read(
        version(decision(5, (3, 1))), version(decision(5, (3, 1), time=stamp(30), reason="CaughtUp"))
    )
    assert records.trials() == 4
    assert [tick["reason"] for tick in records.ticks] == ["CaughtUp"]


def test_decisions_without_a_window_are_no_ticks() -> None:
    between = decision(5, (0, 0), reason="AvailabilityChanged")
    del between["window"], between["observations"]
    records = read(version(between, decision(5, (3, 1))))
    assert len(records.ticks) == 1
    assert len(records.all) == 2


def test_ticks_come_in_the_order_of_their_windows() -> None:
    records = read(version(decision(15, (1, 1)), decision(10, (1, 1))), version(decision(5, (1, 1))))
    assert [tick["window"]["end"] for tick in records.ticks] == [stamp(5), stamp(10), stamp(15)]


def test_an_arm_without_data_adds_nothing() -> None:
    silent = decision(5, (3, 1))
    del silent["observations"]["logistic"]
    assert read(version(silent)).trials() == 3


def test_windows_that_were_never_seen_are_named() -> None:
    records = read(version(decision(5, (1, 1))), version(decision(15, (1, 1))))
    assert records.gaps() == [(stamp(5), stamp(10))]


def test_windows_side_by_side_leave_no_gap() -> None:
    assert read(version(decision(10, (1, 1)), decision(5, (1, 1)))).gaps() == []


def test_a_count_that_is_no_whole_number_is_refused() -> None:
    broken = decision(5, (3, 1))
    broken["observations"]["boosting"]["trials"] = "2.5"
    with pytest.raises(ValueError, match=r"3\.5 trials"):
        read(version(broken)).trials()


def test_evidence_is_that_of_the_version_written_with_the_tick() -> None:
    first, second = decision(5, (1, 1)), decision(10, (1, 1))
    records = read(version(first, evidence="7"), version(second, first, evidence="9"))
    assert [records.arms_at(end)[0]["evidence"] for end in (stamp(5), stamp(10))] == ["7", "9"]


def test_a_version_that_another_hand_has_overwritten_costs_nothing_of_the_others() -> None:
    overwritten: dict[str, object] = {"status": {"record": "nonsense", "cursor": "0000-01-01T00:00:00Z"}}
    records = read(overwritten, version(decision(5, (3, 1))), overwritten)
    assert records.trials() == 4
