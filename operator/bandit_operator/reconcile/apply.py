"""Apply what was committed: the route's weights, its mirror, then the replicas of arms.

In this order, so that an arm's Pods go only after requests do; and where the route could not be written, an
arm only gets more Pods.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from bandit_operator.api.references import scale_targets_of
from bandit_operator.core.decision import Decision
from bandit_operator.core.model import Mode
from bandit_operator.errors import APIError, APIUnreachable, Conflict, NotFound
from bandit_operator.reconcile.mirror_sync import MirrorPlan
from bandit_operator.reconcile.mirror_writes import MirrorWriter
from bandit_operator.reconcile.placement import Placement
from bandit_operator.reconcile.route_plan import RouteWrite
from bandit_operator.reconcile.route_writes import RouteWriter
from bandit_operator.reconcile.scale_writes import ScaleWriter, called_back
from bandit_operator.reconcile.tracked import Tracked
from bandit_operator.runtime.clock import Clock
from bandit_operator.runtime.telemetry import Metrics

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Command:
    """What is to be brought about of one resource."""

    placement: Placement
    """Its route as it was looked at."""
    decision: Decision
    """What was committed."""
    write: RouteWrite | None
    """Weights that the route is to carry and does not, or None."""
    gone: frozenset[int]
    """Indices of backends that were arms and are to have no weight."""
    mirror: MirrorPlan
    """What its rule is to mirror."""


@dataclass(frozen=True, slots=True)
class Applier:
    """Brings routes and replicas to what was committed."""

    routes: RouteWriter
    mirrors: MirrorWriter
    scales: ScaleWriter
    clock: Clock
    metrics: Metrics

    async def apply(self, tracked: Tracked, command: Command) -> None:
        """Bring route and replicas to what was committed, in mode Active.

        Raises:
            NotLeading: As ``KubernetesAPI.patch``.
        """
        if tracked.experiment.mode is not Mode.ACTIVE:
            return
        monotonic = self.clock.monotonic()
        written = await self._write_route(tracked, command, monotonic)
        scales = command.decision.scales if written else called_back(command.decision.scales)
        targets = scale_targets_of(tracked.resource)
        await self.scales.bring(tracked.scales, scales, targets, monotonic=monotonic)

    async def _write_route(self, tracked: Tracked, command: Command, monotonic: float) -> bool:
        """Bring the route to what was committed; whether nothing of that has failed."""
        now, placement = self.clock.now(), command.placement
        try:
            await self.routes.bring(
                tracked,
                placement,
                command.decision,
                command.write,
                command.gone,
                now=now,
                monotonic=monotonic,
            )
            await self.mirrors.bring(tracked, command.mirror, now=now, monotonic=monotonic)
        except (Conflict, NotFound, APIUnreachable) as error:
            self.metrics.wrote("route", error)
            tracked.route.note_failed(error, self.clock.monotonic())
            log.info("write failed", name=tracked.resource.metadata.name, error=str(error))
            return False
        except APIError as error:
            self.metrics.wrote("route", error)
            tracked.route.set_refusal(f"the API server refused to {placement.task}: {error}")
            return False
        tracked.route.set_refusal(None)
        return True
