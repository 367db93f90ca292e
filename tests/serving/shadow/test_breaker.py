"""When an arm is left alone, and when it is tried again."""

from __future__ import annotations

from bandit_serving.shadow.breaker import Breaker, State


def failed(breaker: Breaker, times: int, now: float = 0.0) -> None:
    for _ in range(times):
        assert breaker.allows(now)
        breaker.record(True, now)


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker(failures=3, pause=10)
    failed(breaker, 2)
    breaker.record(False, 0)
    failed(breaker, 2)
    assert breaker.allows(0)
    failed(breaker, 1)
    assert breaker.state is State.OPEN
    assert not breaker.allows(9.9)


def test_after_the_pause_one_call_is_made_and_its_success_closes_it() -> None:
    breaker = Breaker(failures=1, pause=10)
    failed(breaker, 1)
    assert breaker.allows(10)
    assert not breaker.allows(10)
    breaker.record(False, 11)
    assert breaker.state is State.CLOSED
    assert breaker.allows(11)


def test_after_the_pause_one_failure_opens_it_for_another_pause() -> None:
    breaker = Breaker(failures=3, pause=10)
    failed(breaker, 3)
    failed(breaker, 1, now=12)
    assert breaker.state is State.OPEN
    assert not breaker.allows(21.9)
    assert breaker.allows(22)


def test_calls_that_were_under_way_when_it_opened_neither_close_it_nor_prolong_the_pause() -> None:
    breaker = Breaker(failures=2, pause=10)
    assert all(breaker.allows(0) for _ in range(4))
    for outcome in (True, True, False, True):
        breaker.record(outcome, 5)
    assert breaker.state is State.OPEN
    assert breaker.allows(15)
