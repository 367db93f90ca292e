"""What is said of a pass that came to nothing: conditions, and the rest of the status stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from bandit_operator.adapters.kubernetes import KubernetesAPI
from bandit_operator.api.status import Condition, Phase
from bandit_operator.core import reasons
from bandit_operator.core.model import Problem
from bandit_operator.errors import APIError, APIUnreachable, NotLeading
from bandit_operator.runtime.telemetry import Metrics
from bandit_operator.status import conditions, writer
from bandit_operator.status.overview import Overview
from bandit_operator.watch.cache import Cache

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reports:
    """Writes of conditions alone."""

    api: KubernetesAPI
    cache: Cache
    metrics: Metrics

    async def rejected(self, body: Mapping[str, Any], message: str, now: float) -> None:
        """A spec that cannot be read, where none could be before; ``now`` in seconds since the Unix epoch."""
        metadata = body["metadata"]
        log.warning("invalid spec", namespace=metadata["namespace"], name=metadata["name"], message=message)
        problem = Problem(reasons.INVALID_SPEC, message)
        overview = Overview(now, metadata["generation"], problem=problem)
        said = conditions.conditions_of(overview, writer.conditions_in(body))
        await self._write(body, said, Phase.REJECTED)

    async def failed(self, body: Mapping[str, Any], reason: str, message: str, now: float) -> None:
        """A pass that failed and is made again; other resources go on."""
        overview = Overview(now, body["metadata"]["generation"])
        await self._write(body, conditions.not_ready(overview, reason, message, writer.conditions_in(body)))

    async def deleting(self, body: Mapping[str, Any], now: float) -> None:
        """A resource that is being deleted: traffic stays as it is, and nothing is known of it any more."""
        held = ", ".join(map(str, (body["metadata"].get("finalizers") or ["its finalizers"])[:3]))
        words = (
            f"it is being deleted, which waits for {held}: its weights stay as they are, and nobody takes "
            f"them off an arm that cannot serve"
        )
        overview = Overview(now, body["metadata"]["generation"])
        before = writer.conditions_in(body)
        await self._write(body, conditions.not_ready(overview, reasons.DELETING, words, before))

    async def _write(
        self, body: Mapping[str, Any], said: Sequence[Condition], phase: Phase | None = None
    ) -> None:
        try:
            written = await writer.write_conditions(self.api, body, said, phase)
        except (APIError, APIUnreachable, NotLeading) as error:
            log.warning("status not written", name=body["metadata"]["name"], error=str(error))
            return
        if written is not None:
            self.metrics.wrote("status")
            self.cache.put_resource(written)
