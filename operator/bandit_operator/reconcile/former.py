"""Backends that were arms: which they are, and which of them are to lose their weight.

An arm that is taken out of the spec leaves its backend in the rule. The status remembers which backends
were arms for as long as the rule has them, so that one that never was is not touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bandit_operator.api.references import backends_of
from bandit_operator.api.traffic import RemovedArms
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core import servable
from bandit_operator.core.decision import Decision
from bandit_operator.core.model import OUT_STATES, SERVING_STATES, ArmFacts, Backend, Mode
from bandit_operator.routers import Located

MOST_BACKENDS = 64
"""Most backends that are remembered."""


def named(backend: Backend) -> str:
    """A backend as the status remembers it."""
    return f"{backend.kind}.{backend.group}/{backend.namespace}/{backend.name}"


def remembered(
    resource: BanditDeployment, located: Located, before: tuple[str, ...], leaving: tuple[Backend, ...] = ()
) -> tuple[str, ...]:
    """The backends of the rule that are arms, and those that were; ``leaving`` are there until a patch."""
    arms = [named(backend) for backend in backends_of(resource).values()]
    left = [
        name for backend in (*located.other_backends.values(), *leaving) if (name := named(backend)) in before
    ]
    return tuple(sorted({*arms, *left})[:MOST_BACKENDS])


def draining(resource: BanditDeployment, located: Located, known: tuple[str, ...]) -> frozenset[int]:
    """Indices of the backendRefs that were arms and are to carry no weight."""
    if resource.spec.traffic.removed_arms is not RemovedArms.DRAIN:
        return frozenset()
    arms = backends_of(resource).values()
    return frozenset(
        index for index, one in located.other_backends.items() if named(one) in known and one not in arms
    )


def draining_now(
    resource: BanditDeployment,
    located: Located,
    known: tuple[str, ...],
    arms: Mapping[str, ArmFacts],
    decision: Decision,
) -> frozenset[int]:
    """As ``draining``, but none while no arm that can serve has weight: then whatever has some keeps it.

    And the backendRefs of an arm that is in the rule more than once, where requests to it would fail or it is
    out: which of them its weight would be is not told, and it is to have none.
    """
    if resource.spec.mode is not Mode.ACTIVE or not located.other_backends:
        return frozenset()
    carrying = any(
        decision.weights[arm] > 0 and decision.standings[arm].state in SERVING_STATES
        for arm in located.positions
    )
    if not carrying:
        return frozenset()
    idle = {
        backend
        for arm, backend in backends_of(resource).items()
        if decision.standings[arm].state in OUT_STATES
        or servable.fault(replace(arms[arm], in_rule=True)) is not None
    }
    return draining(resource, located, known) | {
        at for at, one in located.other_backends.items() if one in idle
    }


def sentence(resource: BanditDeployment, located: Located, gone: frozenset[int]) -> str | None:
    """Which backends lose their weight now, in words; None where none does."""
    losing = [located.other_backends[at] for at in sorted(gone) if located.other_weights[at] > 0]
    arms = backends_of(resource).values()
    twice = ", ".join(dict.fromkeys(str(one) for one in losing if one in arms))
    names = ", ".join(str(one) for one in losing if one not in arms)
    words = (
        names and f"spec.traffic.removedArms: {names} was taken out of spec.arms and gets weight 0",
        twice and f"{twice} is in the rule more than once and its arm cannot serve: it gets weight 0",
    )
    return "; ".join(one for one in words if one) or None
