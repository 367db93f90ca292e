"""The queries, as Prometheus' own grammar reads them."""

from __future__ import annotations

from typing import Any

import promql_parser
import pytest

from bandit_operator.sources.promql import (
    began_count,
    earlier_values,
    first_values,
    increase,
    level,
    raw,
    reset_count,
    series_count,
)


@pytest.mark.parametrize(
    "query",
    [
        increase('c_total{route="x"}', "arm", 1000.0, 1030.0),
        reset_count("c_total", "arm", 1000.0, 1030.0),
        began_count("c_total", "arm", 1000.0, 1030.0),
        first_values('c_total{route="x"}', 1000.0, 1030.0),
        earlier_values("c_total", 1000.0, 1030.0),
        level("c_total", "arm", 1000.0),
        series_count("c_total", "arm", 1000.0),
        raw("c_total", 1000.0, 1030.0),
    ],
    ids=["increase", "resets", "beginnings", "firsts", "earlier", "level", "series", "samples"],
)
def test_prometheus_can_read_the_query(query: Any) -> None:
    promql_parser.parse(query)


def test_the_exact_increase_is_taken_at_the_windows_ends() -> None:
    assert increase("c_total", "arm", 1000.0, 1030.0).startswith(
        "sum by (arm) (((last_over_time(c_total[330s] @ 1030.000) - last_over_time(c_total[300s] @ 1000.000))"
        " or last_over_time(c_total[330s] @ 1030.000)) unless "
    )


def test_all_samples_that_matter_are_asked_for_at_the_windows_end() -> None:
    assert raw("c_total", 1000.0, 1030.0) == "c_total[330s] @ 1030.000"


def test_a_day_is_searched_before_a_series_counts_as_new() -> None:
    assert earlier_values("c_total", 1000.0, 1030.0) == (
        "((last_over_time(c_total[86400s] @ 1000.000) unless last_over_time(c_total[300s] @ 1000.000))"
        " and last_over_time(c_total[30s] @ 1030.000))"
    )


def test_the_end_of_a_window_is_asked_for_as_the_start_of_the_next_one_will_be() -> None:
    assert level("c_total", "arm", 1030.0) == "sum by (arm) (last_over_time(c_total[300s] @ 1030.000))"
