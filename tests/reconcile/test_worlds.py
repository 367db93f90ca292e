"""Worlds that nobody thought of, made up by a machine, and what must hold in all of them.

``WORLDS`` says how many are played of those around a rollout: 300 unless the environment says otherwise
(``make fuzz``); a third as many are played around its counters, a sixth around a route from a template, and
as many around a shadow and around a mirror. ``make mutants`` shows which faults they find.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import seed as hypothesis_seed
from hypothesis.stateful import RuleBasedStateMachine

from tests.support.worlds.counters import CounterWorld
from tests.support.worlds.mirrored import MirrorWorld
from tests.support.worlds.rollouts import World
from tests.support.worlds.shadowed import ShadowWorld
from tests.support.worlds.templates import TemplateWorld

WORLDS = int(os.environ.get("WORLDS", "300"))
PARTS = 3
STEPS: dict[type[RuleBasedStateMachine], int] = {
    World: 12,
    ShadowWorld: 12,
    MirrorWorld: 12,
    TemplateWorld: 12,
    CounterWorld: 6,
}
"""Most that happens in a world, where few are played; around counters each step is several windows."""


def _case(machine: type[RuleBasedStateMachine], number: int) -> type[Any]:
    """The test of a share of the worlds, so that workers can divide them.

    The machine has the seed: that of a test case is read by nobody.
    """
    seeded: Any = hypothesis_seed(number)(type(f"{machine.__name__}{number}", (machine,), {}))
    case: type[Any] = seeded.TestCase
    case.settings = settings(
        max_examples=WORLDS // (2 * PARTS if machine in (ShadowWorld, MirrorWorld, TemplateWorld) else PARTS),
        stateful_step_count=STEPS[machine] if WORLDS <= 300 else 40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    return case


for number in range(PARTS):
    globals()[f"TestWorlds{number}"] = _case(World, number)
globals()["TestCounterWorlds"] = _case(CounterWorld, PARTS)
globals()["TestTemplateWorlds"] = _case(TemplateWorld, PARTS + 1)
globals()["TestShadowWorlds"] = _case(ShadowWorld, PARTS + 2)
globals()["TestMirrorWorlds"] = _case(MirrorWorld, PARTS + 3)
