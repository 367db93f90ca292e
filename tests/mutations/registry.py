"""What a fault is, and the list of all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

Apply = Callable[[pytest.MonkeyPatch], None]
ROLLOUTS, COUNTERS, MIRRORS, OBSERVED = "rollouts", "counters", "mirrors", "observed"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of the product."""

    name: str
    what: str
    """In plain words."""
    apply: Apply
    worlds: str = ROLLOUTS
    """Which worlds must find it."""


FAULTS: list[Fault] = []


def fault(name: str, what: str, worlds: str = ROLLOUTS) -> Callable[[Apply], Apply]:
    """Add a fault to the list."""

    def add(apply: Apply) -> Apply:
        FAULTS.append(Fault(name, what, apply, worlds))
        return apply

    return add
