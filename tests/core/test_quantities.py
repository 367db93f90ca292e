from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit_operator.core.quantities import (
    format_decimal,
    format_duration,
    parse_decimal,
    parse_duration,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("500ms", 0.5), ("1h30m", 5400), ("0s", 0), ("2m1s250ms", 121.25), ("90m", 5400)],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "5d", "-1s", "1.5h", "1 s", "s", "1s1s1s1s1s", "30s\n"])
def test_what_is_no_duration_is_refused_with_advice(text: str) -> None:
    with pytest.raises(ValueError, match="in whole numbers with the units h, m, s or ms, for example 1h30m"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**12))
def test_a_duration_survives_being_written_and_read(milliseconds: Any) -> None:
    assert round(parse_duration_of_any_size(format_duration(milliseconds / 1000)) * 1000) == milliseconds


def parse_duration_of_any_size(text: str) -> float:
    """Read hours of more than six digits as well, which the API itself does not admit."""
    hours, found, rest = text.partition("h")
    return (int(hours) * 3600 if found else 0) + (
        parse_duration(rest if found else text) if rest or not found else 0
    )


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.2, "0.2"),
        (20.0, "20"),
        (0, "0"),
        (1e-7, "0.0000001"),
        (-0.0, "0"),
        (1e12, "1000000000000"),
        (1 / 3, "0.333333333"),
    ],
)
def test_a_decimal_is_written_plainly(number: Any, text: str) -> None:
    assert format_decimal(number) == text


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_is_missing_is_never_written(number: Any) -> None:
    with pytest.raises(ValueError, match="leave the field out"):
        format_decimal(number)


@pytest.mark.parametrize(("text", "number"), [("0.05", 0.05), ("5%", 0.05), ("-3", -3.0), ("100%", 1.0)])
def test_a_decimal_may_be_a_percentage(text: str, number: float) -> None:
    assert parse_decimal(text) == pytest.approx(number)
