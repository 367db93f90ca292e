"""Backends that were arms: which they are, and which of them are to lose their weight.

An arm that is taken out of the spec leaves its backend in the rule. The status remembers which backends
were arms for as long as the rule has them, so that one that never was is not touched.
"""

from __future__ import annotations

from bandit_operator.api.references import backends_of
from bandit_operator.api.traffic import RemovedArms
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.decision import Decision
from bandit_operator.core.model import SERVING_STATES, Backend, Mode
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
    left = [name for backend in (*located.others.values(), *leaving) if (name := named(backend)) in before]
    return tuple(sorted({*arms, *left})[:MOST_BACKENDS])


def draining(resource: BanditDeployment, located: Located, known: tuple[str, ...]) -> frozenset[int]:
    """Indices of the backendRefs that were arms and are to carry no weight."""
    if resource.spec.traffic.removed_arms is not RemovedArms.DRAIN:
        return frozenset()
    arms = backends_of(resource).values()
    return frozenset(
        index for index, one in located.others.items() if named(one) in known and one not in arms
    )


def draining_now(
    resource: BanditDeployment, located: Located, known: tuple[str, ...], decision: Decision
) -> frozenset[int]:
    """As ``draining``, but none while no arm that can serve has weight: then whatever has some keeps it."""
    if resource.spec.mode is not Mode.ACTIVE:
        return frozenset()
    carrying = any(
        decision.weights[arm] > 0 and decision.standings[arm].state in SERVING_STATES
        for arm in located.positions
    )
    return draining(resource, located, known) if carrying else frozenset()


def told(located: Located, gone: frozenset[int]) -> str | None:
    """Which backends lose their weight now, in words; None where none does."""
    names = [str(located.others[at]) for at in sorted(gone) if located.strangers[at] > 0]
    if not names:
        return None
    return f"spec.traffic.removedArms: {', '.join(names)} was taken out of spec.arms and gets weight 0"
