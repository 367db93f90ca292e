"""Play the worlds under every fault, and print which of them they find."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as hypothesis_seed
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.mutations.others import FAULTS
from tests.mutations.registry import COUNTERS, MIRRORS, OBSERVED, ROLLOUTS, Fault
from tests.support import seeded
from tests.support.worlds.counters import CounterWorld
from tests.support.worlds.mirrored import MirrorWorld
from tests.support.worlds.observed import ObservedWorld
from tests.support.worlds.rollouts import World

MACHINES: dict[str, type[RuleBasedStateMachine]] = {
    ROLLOUTS: World,
    COUNTERS: CounterWorld,
    MIRRORS: MirrorWorld,
    OBSERVED: ObservedWorld,
}
PARTS: dict[str, Sequence[int]] = {
    ROLLOUTS: (0, 1, 2, *range(4, 24)),
    COUNTERS: (3,),
    MIRRORS: (6,),
    OBSERVED: (7,),
}
"""Seeds of worlds, a hundred each: the first three of rollouts and that of counters are what the tests play
(``tests/reconcile/test_worlds.py``), and half of those of mirrors and of what is observed; the others stand
for ``make fuzz``.
"""
STEPS = {ROLLOUTS: 12, COUNTERS: 6, MIRRORS: 12, OBSERVED: 12}
"""Most that happens in each of them."""
SETTINGS = settings(
    max_examples=100,
    phases=[Phase.generate],  # that a fault is found is all that is asked, not its smallest example
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def worlds_until_found(fault: Fault) -> tuple[int, str]:
    """How many worlds were played until one broke, and how it did; an empty word where none did."""
    played = 0
    machine: Any = MACHINES[fault.worlds]

    class Counted(machine):  # type: ignore[misc]  # a class that is a value
        def __init__(self) -> None:
            nonlocal played
            played += 1
            super().__init__()

    with pytest.MonkeyPatch.context() as patch:
        fault.apply(patch)
        for number in PARTS[fault.worlds]:
            try:
                few = settings(SETTINGS, stateful_step_count=STEPS[fault.worlds])
                run_state_machine_as_test(hypothesis_seed(number)(Counted), settings=few)
            except Exception as error:  # whatever a world ends by, the fault was found
                return played, " ".join(f"{type(error).__name__}: {error}".split())
    return played, ""


def main(names: list[str]) -> int:
    """Print a row for each fault; the exit code says whether all were found."""
    seeded.draw_alike()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    lost = []
    print("| fault | put back | worlds until found |\n|---|---|---|")
    for fault in FAULTS:
        if names and fault.name not in names:
            continue
        played, why = worlds_until_found(fault)
        print(f"| `{fault.name}` | {fault.what} | {played if why else f'none of {played}'} |", flush=True)
        print(f"{fault.name}: {why[:300] or 'not found'}", file=sys.stderr, flush=True)
        lost += [] if why else [fault.name]
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
