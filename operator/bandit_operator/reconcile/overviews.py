"""What is said of a pass: what conditions, phase and figures of the status are made from."""

from __future__ import annotations

from bandit_operator.api.references import scale_targets_of
from bandit_operator.api.verbs import Asked
from bandit_operator.core.decision import Decision
from bandit_operator.reconcile import former
from bandit_operator.reconcile.placement import Placement
from bandit_operator.reconcile.problems import together
from bandit_operator.reconcile.route_plan import RouteWrite
from bandit_operator.reconcile.snapshot import Look
from bandit_operator.reconcile.tracked import Tracked
from bandit_operator.status.overview import Overview, RouteState


def of_pause(tracked: Tracked, placement: Placement, asked: Asked, now: float) -> Overview:
    """Of a resource that is paused: where its arms are, and nothing of what they earn."""
    return Overview(
        now,
        tracked.generation,
        tracked.experiment,
        amiss=placement.amiss,
        route=RouteState(),
        besides=(*placement.besides(), *asked.ignored),
        acts=tracked.committed.acts,
    )


def of_decision(
    tracked: Tracked,
    seen: Look,
    decision: Decision,
    write: RouteWrite | None,
    gone: frozenset[int],
    asked: Asked,
    rival: str | None,
) -> Overview:
    """Of a decision.

    Args:
        tracked: the resource, which has taken the decision in.
        seen: what it was made from.
        decision: what it came to.
        write: what is to be written to the route, or None.
        gone: indices of backends that are no arm and lose their weight.
        asked: what people ask for by annotations.
        rival: the lease of another installation that writes the status as well, or None.
    """
    placement = seen.placement
    return Overview(
        seen.now,
        tracked.generation,
        tracked.experiment,
        amiss=together((tracked.unasked, placement.amiss)),
        decision=decision,
        held=tracked.held,
        rewards_until=tracked.committed.rewards_until,
        route=tracked.route.state(placement, seen.monotonic, None if write is None else write.at, gone),
        besides=(*placement.besides(gone), *asked.ignored),
        unserved=placement.unserved,
        hindered=placement.hindered,
        unscaled=tracked.scales.trouble(scale_targets_of(tracked.resource), seen.monotonic),
        drained=former.sentence(tracked.resource, placement.located, gone),
        acts=tracked.committed.acts,
        shadow=tracked.shadow.state(tracked.resource, seen.mirror, tracked.experiment.stale_after, seen.now),
        rival=rival,
    )
