"""A clock that is set while the operator runs."""

from __future__ import annotations

import pytest

from bandit_operator.runtime.clock import TRUST_AFTER_SECONDS, Clock


class Machine:
    """A machine whose wall clock can be set."""

    def __init__(self) -> None:
        self.wall, self.monotonic = 1_000_000.0, 500.0

    def run(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def clock(machine: Machine) -> Clock:
    return Clock(lambda: machine.wall, lambda: machine.monotonic)


def test_a_clock_that_runs_is_trusted(machine: Machine, clock: Clock) -> None:
    for _ in range(100):
        machine.run(3600)
        clock.now()
        assert clock.trusted


@pytest.mark.parametrize("jump", [3600.0, -3600.0], ids=["forward", "back"])
def test_a_clock_that_was_set_is_not_trusted_until_it_has_kept_pace(
    machine: Machine, clock: Clock, jump: float
) -> None:
    machine.wall += jump
    clock.now()
    assert not clock.trusted
    machine.run(TRUST_AFTER_SECONDS - 1)
    clock.now()
    assert not clock.trusted
    machine.run(1)
    clock.now()
    assert clock.trusted


def test_small_corrections_are_no_jump(machine: Machine, clock: Clock) -> None:
    for _ in range(50):
        machine.wall += 0.5
        machine.run(10)
        clock.now()
        assert clock.trusted


def test_time_comes_in_whole_milliseconds(machine: Machine, clock: Clock) -> None:
    machine.wall = 1_000_000.123456
    assert clock.now() == 1_000_000.123
