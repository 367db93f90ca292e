"""Requests are split by how near they are to a write of the route."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from bench.overhead.environment import Environment
from bench.overhead.latency import QUICK, TRIES, near_writes, send
from bench.overhead.load import LoadGenerator, Results
from cluster.client import ClusterError


class Load:
    """Sends ten requests, ten seconds later each time."""

    def __init__(self) -> None:
        self.sent = np.arange(10.0)

    def at_rate(self, *_: object) -> Results:
        self.sent = self.sent + 10
        return self.at_most()

    def at_most(self, *_: object) -> Results:
        return Results(self.sent, np.ones(10), 0)


class Writes:
    """A route that was written at some times."""

    def __init__(self, *times: float) -> None:
        self.times = times

    def route_writes(self, start: float, end: float, name: str) -> list[float]:
        assert name == "moved"
        return [time for time in self.times if start <= time < end]


def sent_first(path: str, *writes: float) -> float:
    """When the first of the requests that are kept was sent."""
    steady, full = send(
        cast(Environment, Writes(*writes)), cast(LoadGenerator, Load()), QUICK, "http://m", path
    )
    assert steady.sent[0] == full.sent[0]
    return float(steady.sent[0])


def test_the_moved_path_is_measured_again_until_its_route_was_written_meanwhile() -> None:
    assert sent_first("moved", 15.0) == 10
    assert sent_first("moved", 35.0) == 30


def test_the_other_paths_are_measured_once() -> None:
    assert sent_first("static") == sent_first("direct") == 10


def test_a_path_that_is_never_moved_is_not_measured() -> None:
    with pytest.raises(ClusterError, match=f"in {TRIES} times 6 s the operator wrote no route"):
        sent_first("moved")


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
