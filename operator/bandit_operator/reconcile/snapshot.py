"""What one decision starts from: what was read, what the cluster shows, and what users ask for."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from bandit_operator.api.verbs import Asked
from bandit_operator.core.decision import Intention
from bandit_operator.core.model import Snapshot
from bandit_operator.core.weights import Unit
from bandit_operator.reconcile.mirror_sync import MirrorPlan
from bandit_operator.reconcile.placement import Placement
from bandit_operator.reconcile.tracked import Tracked
from bandit_operator.reconcile.windows import CaughtUp
from bandit_operator.status.committed import Committed


@dataclass(frozen=True, slots=True)
class Look:
    """What one pass has seen of a resource, and what it decides from."""

    now: float
    """Seconds since the Unix epoch."""
    monotonic: float
    """Seconds by the monotonic clock."""
    placement: Placement
    mirror: MirrorPlan
    unit: Unit
    """In what its weights are written."""
    before: Intention
    """What was decided last."""
    stood: Committed
    """What was committed before anything was read."""
    snapshot: Snapshot


def snapshot_of(
    tracked: Tracked, placement: Placement, read: CaughtUp, asked: Asked, now: float, monotonic: float
) -> Snapshot:
    """Put together what is seen now, in seconds since the Unix epoch and by the monotonic clock."""
    arms = placement.arms
    if read.requests or any(facts.requests is not None for facts in arms.values()):
        arms = {
            arm: dataclasses.replace(facts, requests=read.requests.get(arm)) for arm, facts in arms.items()
        }
    return Snapshot(
        now=now,
        reading=read.reading,
        arms=arms,
        route_generation=placement.generation,
        route_accepted=placement.accepted,
        route_programmed=placement.unprogrammed is None,
        unresolved=placement.unresolved,
        contested=tracked.route.is_contested(monotonic),
        sessions_persist=placement.located.sessions_persist,
        restore=tracked.committed.to_restore(asked, tracked.experiment.mode, now),
    )
