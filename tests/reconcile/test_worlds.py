"""Worlds that nobody thought of, made up by a machine, and what must hold in all of them.

``WORLDS`` says how many are played of those around a rollout: 300 unless the environment says otherwise
(``make fuzz``); a third as many are played around its counters, a sixth around a route from a template, as
many around a shadow, around a mirror and around a rollout that is observed, and a tenth as many around a
rollout in which more happens.
``make mutants`` shows which faults they find.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import seed as hypothesis_seed
from hypothesis.stateful import RuleBasedStateMachine

from tests.support.worlds.counters import CounterWorld
from tests.support.worlds.mirrored import MirrorWorld
from tests.support.worlds.observed import ObservedWorld
from tests.support.worlds.rollouts import World
from tests.support.worlds.shadowed import ShadowWorld
from tests.support.worlds.templates import TemplateWorld

WORLDS = int(os.environ.get("WORLDS", "300"))
HUNDRED = 100
"""Most worlds in one test, so that workers can divide them and its dots say how far they are."""


@dataclass(frozen=True)
class Played:
    """How worlds of one kind are played."""

    name: str
    """Of their tests, before the number."""
    machine: type[RuleBasedStateMachine]
    steps: int
    """Most that happens in one; around counters each step is several windows."""
    one_in: int
    """For so many worlds around a rollout one of these is played."""
    seed: int
    """Of the first hundred; the next has the next. The first ones are known to ``make mutants``."""


KINDS = (
    Played("Worlds", World, 12, 1, 0),
    Played("LongWorlds", World, 40, 10, 1000),
    Played("CounterWorlds", CounterWorld, 6, 3, 3),
    Played("TemplateWorlds", TemplateWorld, 12, 6, 4),
    Played("ShadowWorlds", ShadowWorld, 12, 6, 5),
    Played("MirrorWorlds", MirrorWorld, 12, 6, 6),
    Played("ObservedWorlds", ObservedWorld, 12, 6, 7),
)


def _case(kind: Played, number: int, worlds: int) -> type[Any]:
    """The test of some worlds of a kind.

    The machine has the seed: that of a test case is read by nobody.
    """
    machine = type(f"{kind.name}{number}", (kind.machine,), {})
    seeded: Any = hypothesis_seed(kind.seed + number)(machine)
    case: type[Any] = seeded.TestCase
    case.settings = settings(
        max_examples=worlds,
        stateful_step_count=kind.steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    return case


for kind in KINDS:
    played = WORLDS // kind.one_in
    for number in range(math.ceil(played / HUNDRED)):
        globals()[f"Test{kind.name}{number}"] = _case(kind, number, min(HUNDRED, played - number * HUNDRED))
