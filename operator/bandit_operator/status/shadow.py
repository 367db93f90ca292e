"""Condition ShadowAvailable: whether copies are made, and their rewards come and can be believed. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bandit_operator.core import reasons
from bandit_operator.core.decision import Decision
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import (
    OUT_STATES,
    ArmReading,
    ArmState,
    Implausible,
    NoData,
    Paired,
    PairReading,
    Problem,
    Shadowed,
)


@dataclass(frozen=True, slots=True)
class ShadowState:
    """What is known of a shadow."""

    window: Shadowed | None = None
    """What the newest window had; None before the first."""
    idle: bool = False
    """Whether no request has been scored for longer than rewards may be old."""
    trouble: Problem | None = None
    """Why requests are not mirrored, or None."""
    mirrored: str = ""
    """What is mirrored where, in words; empty where the operator has no hand in it."""


def trouble_of(state: ShadowState, experiment: Experiment, decision: Decision) -> Problem | None:
    """Why nothing can be learned from the shadow, or not all; None where it can."""
    if state.trouble is not None:
        return state.trouble
    arm = decision.shadow_contradicted
    if arm is not None:
        return Problem(
            reasons.SHADOW_CONTRADICTED,
            f"arm {arm} earns otherwise where it serves than in the shadow, beyond chance; verdicts rest on "
            f"served answers alone. Do both serve the same model, and do labels depend on who was answered?",
        )
    if state.window is None:
        return None
    named = list(_named(state.window, experiment, decision))
    for name, reading in named:
        if isinstance(reading, Implausible):
            return Problem(reasons.SHADOW_IMPLAUSIBLE, f"{name}: {reading.message}")
    for name, reading in named:
        if isinstance(reading, NoData):
            return Problem(reasons.NO_SHADOW_DATA, f"{name}: {reading.reason}")
    if state.idle:
        return Problem(
            reasons.NO_SHADOW_DATA,
            f"no copy of a request has been scored for longer than {experiment.stale_after:g} s; see whether "
            f"requests are mirrored, whether the shadow server answers, and whether labels come",
        )
    return None


def figures(state: ShadowState) -> str:
    """What the newest window had, in words."""
    pairs = () if state.window is None else state.window.pairs.values()
    scored = max((one.trials for one in pairs if isinstance(one, Paired)), default=0.0)
    return "; ".join(filter(None, (state.mirrored, f"{scored:,.0f} requests scored in the newest window")))


def rests_on_it(experiment: Experiment, decision: Decision | None) -> bool:
    """Whether what is served depends on the shadow: arms without traffic, or one that is to prove itself."""
    if experiment.shadow is None:
        return False
    standings = {} if decision is None else decision.standings
    return experiment.guardrails.min_share == 0 or any(
        standing.state is ArmState.SHADOWING for standing in standings.values()
    )


def _named(
    window: Shadowed, experiment: Experiment, decision: Decision
) -> Iterator[tuple[str, ArmReading | PairReading]]:
    """Outcomes of the arms that are in, and of their pairs, each with its name."""
    standings = decision.standings
    present = {arm for arm in experiment.names if standings[arm].state not in OUT_STATES}
    for arm, reading in window.arms.items():
        if arm in present:
            yield f"arm {arm}", reading
    for (first, second), paired in window.pairs.items():
        if first in present and second in present:
            yield f"arms {first} and {second}", paired
