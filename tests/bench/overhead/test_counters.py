"""Counters are read from what programs expose."""

from __future__ import annotations

import math

import pytest

from bench.overhead.counters import quantile_bound, samples, total

EXPOSED = """\
# HELP etcd_requests_total Etcd request counts
# TYPE etcd_requests_total counter
etcd_requests_total{operation="update",resource="httproutes"} 7
etcd_requests_total{operation="get",resource="httproutes"} 90
etcd_requests_total{operation="update",resource="leases"} 1e+03
etcd_requests_total_of_others{operation="update"} 5
process_cpu_seconds_total 4.89
"""


def test_a_metric_is_told_from_those_whose_names_begin_alike() -> None:
    assert len(samples(EXPOSED, "etcd_requests_total")) == 3
    assert total(EXPOSED, "etcd_requests_total", operation="update") == 1007


def test_a_metric_without_labels_is_read_too() -> None:
    assert total(EXPOSED, "process_cpu_seconds_total") == pytest.approx(4.89)


def test_what_was_not_counted_yet_is_nothing() -> None:
    assert total(EXPOSED, "etcd_requests") == 0


def test_a_quantile_is_the_smallest_bound_below_which_enough_values_lie() -> None:
    buckets = {0.1: 50.0, 1.0: 98.0, 5.0: 99.0, math.inf: 100.0}
    assert quantile_bound(buckets, 0.5) == 0.1
    assert quantile_bound(buckets, 0.99) == 5.0
    assert quantile_bound(buckets, 0.995) == math.inf


def test_an_empty_histogram_has_no_quantile() -> None:
    assert quantile_bound({0.1: 0.0, math.inf: 0.0}, 0.99) is None
