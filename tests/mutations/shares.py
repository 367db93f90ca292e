"""Faults of the arms' shares, and of those of other backends: further ones than ``faults`` has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bandit_operator.core import allocation, weights
from bandit_operator.core.model import SERVING_STATES, ArmState
from bandit_operator.core.weights import Unit, unit_of
from bandit_operator.reconcile import former, reconciler, route_plan
from tests.mutations.faults import FAULTS
from tests.mutations.registry import fault

__all__ = ["FAULTS"]


@fault("coarse-integers", "beside another backend the arms' small weights are not scaled up")
def _coarse_integers(patch: pytest.MonkeyPatch) -> None:
    def never_scaled(arms: int, strangers: Any, _: Any) -> Unit:
        return Unit(arms) if strangers and arms else unit_of(arms, strangers)

    patch.setattr(route_plan, "unit_of", never_scaled)


@fault(
    "former-arm-keeps-weight",
    "an arm that was taken out of the spec keeps its weight, whatever the user says",
)
def _former_arm_keeps_weight(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(former, "draining", lambda *_: frozenset())


@fault("stranger-drained", "a backend that never was an arm is drained like one that was")
def _stranger_drained(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        former, "remembered", lambda _, located, __: tuple(map(former.named, located.other_backends.values()))
    )


@fault("stranger-inflated", "backends that are no arm keep their numbers beside arms that are put back")
def _stranger_inflated(patch: pytest.MonkeyPatch) -> None:
    def kept(_: Unit, given: Mapping[int, int], beside: int) -> dict[int, int]:
        del beside
        return dict(given)

    patch.setattr(Unit, "of_others", kept)


@fault("leader-left-to-strangers", "what an arm had that is taken out goes to backends that are no arm")
def _leader_left_to_strangers(patch: pytest.MonkeyPatch) -> None:
    def of_arms(_: Any, placement: Any) -> Unit:
        located = placement.located
        return unit_of(sum(located.weights.values()), tuple(located.other_weights.values()))

    patch.setattr(reconciler, "unit_in", of_arms)


@fault("gains-all-at-once", "an arm goes from little to nearly all without having carried more")
def _gains_all_at_once(patch: pytest.MonkeyPatch) -> None:
    real = weights.guarded_shares

    def unguarded(target: Any, _: Any, bounds: Any, guardrails: Any) -> Any:
        return real(target, target, bounds, guardrails)

    patch.setattr(allocation, "guarded_shares", unguarded)


@fault("weight-to-the-dead", "where no arm can serve, requests are taken from what somebody gave them to")
def _weight_to_the_dead(patch: pytest.MonkeyPatch) -> None:
    real = route_plan.route_write

    def as_if_all_could(tracked: Any, placement: Any, decision: Any, *args: Any, **kinds: Any) -> Any:
        if not any(one.state in SERVING_STATES for one in decision.standings.values()):
            able = {arm: replace(one, state=ArmState.ACTIVE) for arm, one in decision.standings.items()}
            decision = replace(decision, standings=able)
        return real(tracked, placement, decision, *args, **kinds)

    patch.setattr(reconciler, "route_write", as_if_all_could)
