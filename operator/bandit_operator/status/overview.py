"""What conditions and phase are made from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bandit_operator.core.decision import Decision
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import Problem
from bandit_operator.core.outcomes import Held
from bandit_operator.status.acts import Acts
from bandit_operator.status.shadow import ShadowState


@dataclass(frozen=True, slots=True)
class RouteState:
    """How the route stands to the intention."""

    trouble: Problem | None = None
    """A reason and a message where the weights cannot be relied on, or None."""
    known: bool = True
    """Whether the route has been looked at."""
    write_at: float | None = None
    """When weights that it does not carry yet are written, seconds since the Unix epoch."""
    unseen: str | None = None
    """What is not known of whether its gateways carry it, in words."""


@dataclass(frozen=True, slots=True)
class Overview:
    """All that conditions and phase are made from."""

    now: float
    generation: int
    experiment: Experiment | None = None
    problem: Problem | None = None
    decision: Decision | None = None
    held: Held | None = None
    """What the newest tick held the weights for, if it did."""
    rewards_until: float | None = None
    """End of the newest window that held rewards; None before the first."""
    route: RouteState = RouteState(known=False)
    amiss: Problem | None = None
    """What is to be corrected in the spec while the rest of it runs, or None."""
    besides: tuple[str, ...] = ()
    """What is to be known of a spec that runs: of traffic that goes past the arms, or comes to them past
    their weights, and of annotations that cannot be read.
    """
    unserved: Mapping[str, str] = field(default_factory=dict)
    """Arms that have weight in the route and cannot serve, with the reason of each."""
    hindered: Mapping[str, str] = field(default_factory=dict)
    """What the Deployments of arms say of Pods that do not come, by arm."""
    unscaled: str | None = None
    """What is to be said of arms whose replicas do not become what was decided."""
    drained: str | None = None
    """Which backends that were arms lose their weight now, if any do."""
    acts: Acts = ()
    """What was done lately, newest first: who paused or pinned."""
    shadow: ShadowState = field(default_factory=ShadowState)
    """What is known of the shadow, where spec.shadow is."""
    rival: str | None = None
    """Lease of another operator that works on this resource, too."""
