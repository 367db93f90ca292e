from __future__ import annotations

import numpy as np
import pytest

from bandit_operator.core import retries

HOUR = 3_600.0


@pytest.mark.parametrize(("rollbacks", "hours"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 24), (60, 24)])
def test_each_failed_trial_doubles_the_wait_up_to_what_the_user_gave(rollbacks: int, hours: int) -> None:
    waits = np.array([hours * HOUR - 1, hours * HOUR])
    due = retries.due(waits, np.array(rollbacks), 24 * HOUR, np.array(False))
    assert due.tolist() == [False, True]


def test_a_user_who_gives_less_than_the_first_wait_gets_that() -> None:
    assert retries.due(np.array(60.0), np.array(1.0), 60.0, np.array(False))


def test_without_retries_an_arm_is_never_tried_again() -> None:
    assert not retries.due(np.array(1e12), np.array(1.0), None, np.array(True))


def test_a_fall_of_the_arm_that_carries_the_traffic_shortens_the_wait() -> None:
    elapsed = np.array([0.2, 0.25]) * HOUR
    assert retries.due(elapsed, np.array(1.0), 24 * HOUR, np.array(True)).tolist() == [False, True]


def test_a_verdict_after_most_of_the_traffic_counts_as_the_first_again() -> None:
    counts = retries.after_verdict(np.array([0.0, 2.0, 2.0]), np.array([0.0, 0.1, 0.9]))
    assert counts.tolist() == [1.0, 3.0, 1.0]
