"""The queries, as Prometheus' own grammar reads them."""

from __future__ import annotations

import promql_parser
import pytest

from bandit_operator.sources.promql import (
    before_reset,
    began_count,
    counted_before,
    increase,
    raw,
    reset_count,
)


@pytest.mark.parametrize(
    "query",
    [
        increase('c_total{route="x"}', "arm", 1000.0, 1030.0),
        reset_count("c_total", "arm", 1000.0, 1030.0),
        began_count("c_total", "arm", 1000.0, 1030.0),
        counted_before('c_total{route="x"}', "arm", 1000.0, 1030.0),
        before_reset("c_total", 1000.0, 1030.0),
        raw("c_total", 1000.0, 1030.0),
    ],
    ids=["increase", "resets", "beginnings", "counted before", "before resets", "samples"],
)
def test_prometheus_can_read_the_query(query):
    promql_parser.parse(query)


def test_the_exact_increase_is_taken_at_the_windows_ends():
    assert increase("c_total", "arm", 1000.0, 1030.0).startswith(
        "sum by (arm) (((last_over_time(c_total[330s] @ 1030.000) - last_over_time(c_total[300s] @ 1000.000))"
        " or last_over_time(c_total[330s] @ 1030.000)) unless "
    )


def test_all_samples_that_matter_are_asked_for_at_the_windows_end():
    assert raw("c_total", 1000.0, 1030.0) == "c_total[330s] @ 1030.000"


def test_a_day_is_searched_before_a_series_counts_as_new():
    assert counted_before("c_total", "arm", 1000.0, 1030.0).startswith(
        "sum by (arm) (((last_over_time(c_total[86400s] @ 1000.000)"
        " unless last_over_time(c_total[300s] @ 1000.000))"
        " <= min_over_time(c_total[30s] @ 1030.000)) unless "
    )
