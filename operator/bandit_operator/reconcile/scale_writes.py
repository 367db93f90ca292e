"""Act on the replicas of arms, and remember which of them do not become what was decided.

Each arm's write is tried on its own: one that is refused keeps no other from being made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bandit_operator.adapters.kubernetes import KubernetesAPI
from bandit_operator.api.references import ScaleTargetReference
from bandit_operator.core.model import OUT_STATES, ArmFacts, ArmStanding
from bandit_operator.core.outcomes import Scaled
from bandit_operator.errors import APIError, APIUnreachable, Conflict, NotFound
from bandit_operator.reconcile import writes
from bandit_operator.reconcile.placement import Locator
from bandit_operator.runtime.telemetry import Metrics

PATIENCE_SECONDS = 10.0
"""How long replicas may take to become what they were set to before users are told."""
RETRY_SECONDS = 5.0
"""Replicas that could not be set are tried again after this, if no tick comes before."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Replicas that have not been seen to be what they are to be."""

    replicas: int
    since: float
    """When they were set first, or tried to be, by the monotonic clock."""
    words: str | None
    """The API server's, where the newest write failed."""
    refused: bool
    """Whether it was refused, and not only made from an old view, or not answered."""


class ScaleSync:
    """How the replicas of one resource's arms stand to what was decided of them."""

    def __init__(self) -> None:
        self._open: dict[str, _Attempt] = {}

    @property
    def failing(self) -> bool:
        """Whether the newest write of some arm's replicas failed."""
        return any(one.words is not None for one in self._open.values())

    def observe(self, arms: Mapping[str, ArmFacts], standings: Mapping[str, ArmStanding]) -> None:
        """Take in what replicas there are, and which arms are still out."""
        self._open = {
            arm: one
            for arm, one in self._open.items()
            if arm in arms
            and not _is_done(one, arms[arm].replicas)
            and arm in standings
            and standings[arm].state in OUT_STATES
        }

    def note(self, scale: Scaled, monotonic: float, error: APIError | APIUnreachable | None) -> None:
        """A write was tried, and failed with this error, or with none."""
        before = self._open.get(scale.arm)
        same = before is not None and before.replicas == scale.replicas
        self._open[scale.arm] = _Attempt(
            scale.replicas,
            before.since if before is not None and same else monotonic,
            None if error is None else str(error),
            refused=isinstance(error, APIError) and not isinstance(error, Conflict | NotFound),
        )

    def said_in(self, monotonic: float) -> float | None:
        """Seconds until users are told that replicas are not kept; None where no such wait goes on."""
        left = [one.since + PATIENCE_SECONDS - monotonic for one in self._open.values() if one.words is None]
        return min((one for one in left if one > 0), default=None)

    def trouble(self, targets: Mapping[str, ScaleTargetReference], monotonic: float) -> str | None:
        """What is to be said of replicas that do not become what was decided, or None."""
        return (
            "; ".join(
                _sentence(arm, one, targets[arm])
                for arm, one in self._open.items()
                if arm in targets and (one.refused or monotonic - one.since >= PATIENCE_SECONDS)
            )
            or None
        )


def _is_done(attempt: _Attempt, replicas: int | None) -> bool:
    """Whether replicas are as decided. How many an arm that was called back has is anybody's affair."""
    return replicas == attempt.replicas or (attempt.replicas > 0 and bool(replicas))


def _sentence(arm: str, attempt: _Attempt, target: ScaleTargetReference) -> str:
    named = f"{target.kind} {target.namespace}/{target.name} of arm {arm}"
    if attempt.words is None:
        return (
            f"{named} was set to {attempt.replicas} replicas and does not keep them: let its autoscaler, or "
            f"whoever else sets them, leave it alone while the arm is out"
        )
    return (
        f"{named} cannot be set to {attempt.replicas} replicas: {attempt.words}; let the operator patch its "
        f"scale (the chart's value scalables), and the webhook, policy or other writer that objects let it"
    )


def called_back(scales: Sequence[Scaled]) -> tuple[Scaled, ...]:
    """Those that give an arm more replicas: all that is done where the route could not be written.

    Such an arm may be the only one that can serve. Weights that are not known any more take away nothing.
    """
    return tuple(one for one in scales if one.replicas > one.expected)


@dataclass(frozen=True, slots=True)
class ScaleWriter:
    """Writes of replicas, and what follows from their answers."""

    api: KubernetesAPI
    locator: Locator
    metrics: Metrics

    async def bring(
        self,
        sync: ScaleSync,
        scales: Sequence[Scaled],
        targets: Mapping[str, ScaleTargetReference],
        *,
        monotonic: float,
    ) -> None:
        """Set the replicas of each arm that was decided on.

        Args:
            sync: what is known of the resource's replicas.
            scales: what was decided.
            targets: scale targets by arm.
            monotonic: seconds by that clock.

        Raises:
            NotLeading: As ``KubernetesAPI.patch``.
        """
        for scale in scales:
            failed: APIError | APIUnreachable | None = None
            try:
                path = await self.locator.target_path(targets[scale.arm])
                await writes.set_replicas(self.api, path, scale)
            except (APIError, APIUnreachable) as error:
                failed = error
            self.metrics.wrote("scale", failed)
            sync.note(scale, monotonic, failed)
