"""Requests are told apart by how near they are to a write of the route."""

from __future__ import annotations

import numpy as np
import pytest

from bench.overhead.latency import near_writes
from bench.overhead.load import Results


def test_requests_of_the_second_after_a_write_are_looked_at_by_themselves() -> None:
    sent = np.arange(0, 10, 0.1) + 0.05
    near = (sent >= 3) & (sent < 4)
    results = Results(sent, np.where(near, 9.0, 1.0), 0)
    found = near_writes([results], [3.0])
    assert found["near"]["count"] == 10
    assert found["near"]["p50"] == pytest.approx(9.0)
    assert found["far"]["p99.9"] == pytest.approx(1.0)


def test_a_request_after_two_writes_counts_once() -> None:
    results = Results(np.arange(0, 10, 0.1), np.ones(100), 0)
    found = near_writes([results], [3.0, 3.0])
    assert (found["near"]["count"], found["far"]["count"], found["writes"]) == (10, 90, 2)


def test_without_a_write_there_is_nothing_to_compare() -> None:
    found = near_writes([Results(np.arange(3.0), np.ones(3), 0)], [])
    assert (found["near"]["count"], found["near"]["p99"]) == (0, None)
