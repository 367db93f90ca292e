"""Commit: one status write that claims the tick, before anything is acted on.

The write carries the resourceVersion that the decision was made from, so of two writers one
gets a conflict and does nothing. A tick that changes nothing but the memory is not written
at once: after a crash the same windows are read again and lead to the same memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bandit_operator.adapters.kubernetes import MERGE_PATCH, KubernetesAPI, Object, resource_path
from bandit_operator.api.status import Condition, ConditionType, Phase
from bandit_operator.api.v1alpha1 import GROUP, PLURAL, VERSION
from bandit_operator.core.decision import Decision
from bandit_operator.status.conditions import Situation, conditions_of, phase_of
from bandit_operator.status.session import Session

QUIET_SECONDS = 60.0
"""Longest that a changed memory waits to be written."""


def urgent(
    session: Session, decision: Decision | None, conditions: list[Condition], phase: Phase
) -> tuple[Any, ...]:
    """What of the status must not wait: a change of any of it is written at once."""
    told: list[Any] = [
        session.resource.metadata.generation,
        phase,
        session.foreign_changes,
        session.cursor is None,
    ]
    told += [(one.type, one.status, one.reason, _fault(one)) for one in conditions]
    if decision is not None:
        told += [
            (
                arm,
                standing.state,
                standing.reason,
                standing.template,
                standing.quiet_since,
                decision.weights[arm],
            )
            for arm, standing in decision.standings.items()
        ]
        told += [decision.scales, decision.promoted, decision.no_material_difference]
        told += [None if decision.change is None else (decision.change.kind, decision.change.arm)]
    return tuple(told)


def _fault(condition: Condition) -> str:
    """What a user must mend; it may change while the reason stays. Other messages hold moving numbers."""
    mended_by_users = condition.type in (ConditionType.ACCEPTED, ConditionType.METRICS_AVAILABLE)
    return condition.message if mended_by_users and condition.status == "False" else ""


def must_write(session: Session, told: tuple[Any, ...], monotonic: float) -> bool:
    """Whether this tick's status is written now."""
    return told != session.told or monotonic - session.written_at >= QUIET_SECONDS


async def write_problem(api: KubernetesAPI, body: Mapping[str, Any], situation: Situation) -> None:
    """Say why a resource cannot be read, and leave the rest of its status as it is.

    Raises as ``write`` does.
    """
    before = {
        condition["type"]: Condition.model_validate(condition)
        for condition in (body.get("status") or {}).get("conditions") or []
    }
    conditions = [
        condition.model_dump(mode="json", by_alias=True, exclude_none=True)
        for condition in conditions_of(situation, before)
    ]
    status = {
        "observedGeneration": situation.generation,
        "phase": phase_of(situation),
        "conditions": conditions,
    }
    metadata = body["metadata"]
    path = resource_path(GROUP, VERSION, PLURAL, metadata["namespace"], metadata["name"]) + "/status"
    patch = {"metadata": {"resourceVersion": metadata["resourceVersion"]}, "status": status}
    await api.patch(path, patch, MERGE_PATCH)


async def write(api: KubernetesAPI, session: Session, status: Object) -> Object:
    """Write the status if nobody else has written since it was read.

    Returns:
        The resource as it is now.

    Raises:
        Conflict: Somebody has; nothing was written.
        NotLeading: This replica may not write.
        NotFound: The resource is gone.
        APIError: The API server refused.
        APIUnreachable: No answer; it may have been written.
    """
    metadata = session.resource.metadata
    path = resource_path(GROUP, VERSION, PLURAL, metadata.namespace, metadata.name) + "/status"
    body = {"metadata": {"resourceVersion": session.resource_version}, "status": status}
    return await api.patch(path, body, MERGE_PATCH)
