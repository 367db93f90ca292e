"""All faults, each a class, in the order in which they are played and shown."""

from __future__ import annotations

from bench.chaos.fault import Fault
from bench.chaos.faults import servable

FAULTS: tuple[type[Fault], ...] = (
    servable.LastArmDiesInDrain,
    servable.LastArmDiesAfterDrain,
    servable.AllArmsDie,
    servable.PodsGoneWithoutScaleTarget,
    servable.CrashLoop,
    servable.PodsKilled,
)
"""The registry: whoever adds a fault adds it here."""
