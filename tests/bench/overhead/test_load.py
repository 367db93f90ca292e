"""What vegeta says is read as it is meant."""

from __future__ import annotations

import numpy as np
import pytest

from bench.overhead.load import parse

SECOND = 10**9


def lines(*requests: tuple[float, int, float]) -> str:
    """Requests as (second, status, milliseconds), in vegeta's CSV."""
    return "".join(f"{int(at * SECOND)},{code},{int(ms * 1e6)}\n" for at, code, ms in requests)


def test_requests_of_the_warm_up_do_not_count() -> None:
    results = parse(lines((100.0, 200, 50.0), (100.9, 200, 9.0), (101.0, 200, 1.0), (102.0, 200, 3.0)))
    assert results.latency == pytest.approx([1.0, 3.0])
    assert results.sent == pytest.approx([101.0, 102.0])


def test_results_are_put_in_the_order_in_which_they_were_sent() -> None:
    results = parse(lines((0, 200, 1), (3, 200, 30), (1, 200, 10), (2, 200, 20)))
    assert results.latency == pytest.approx([10, 20, 30])


def test_everything_but_200_has_failed_also_no_answer_at_all() -> None:
    results = parse(lines((0, 200, 1), (2, 200, 1), (3, 503, 1), (4, 0, 5000), (5, 200, 1)))
    assert results.failed == 2


def test_the_rate_is_that_of_the_time_between_first_and_last_request() -> None:
    results = parse(lines((0, 200, 1), *((1 + k / 50, 200, 1.0) for k in range(101))))
    assert results.rate == pytest.approx(50)


def test_further_columns_are_left_alone() -> None:
    text = "".join(f"{k * SECOND},200,{k}000000,10,20,,aGk=,,{k},POST,http://m,\n" for k in range(4))
    assert np.array_equal(parse(text).latency, [1, 2, 3])


@pytest.mark.parametrize("text", ["", lines((0, 200, 1), (0.5, 200, 1))])
def test_too_few_requests_are_an_error_that_says_what_to_do(text: str) -> None:
    with pytest.raises(ValueError, match="send for longer"):
        parse(text)
