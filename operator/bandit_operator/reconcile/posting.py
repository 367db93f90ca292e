"""Post Kubernetes Events, which tell what a status says already."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from bandit_operator.adapters.kubernetes import KubernetesAPI, resource_path
from bandit_operator.api.acts import Act
from bandit_operator.api.kind import GROUP, KIND, VERSION
from bandit_operator.api.status import Condition
from bandit_operator.api.timestamps import to_micro_time
from bandit_operator.errors import OperatorError
from bandit_operator.status import events
from bandit_operator.status.events import Event
from bandit_operator.status.overview import Overview

log = structlog.get_logger()

CONTROLLER = f"{GROUP}/controller"
LONGEST_NOTE = 1024
"""Most characters of a note (API reference, events.k8s.io/v1 Event)."""


def drafts(
    before: Mapping[str, Condition], after: Sequence[Condition], overview: Overview, mode_act: Act | None
) -> list[Event]:
    """What is to be told of a pass whose status has been written.

    Args:
        before: the conditions that were announced before, by type.
        after: those that are announced now.
        overview: what the pass found.
        mode_act: a change of the mode that is still to be announced.
    """
    drafted = events.of_conditions(before, after)
    drafted += events.of_mode(mode_act)
    if overview.decision is not None:
        drafted += events.of_decision(overview.decision, overview.acts)
    return drafted + events.of_drained(overview.drained)


async def post(api: KubernetesAPI, body: Mapping[str, Any], instance: str, drafted: Sequence[Event]) -> None:
    """Post the events. One that cannot be posted is logged and given up: the status has the facts."""
    metadata = body["metadata"]
    for draft in drafted:
        event = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "name": f"{metadata['name']}.{uuid.uuid4().hex[:16]}",
                "namespace": metadata["namespace"],
            },
            "eventTime": to_micro_time(time.time()),
            "reportingController": CONTROLLER,
            "reportingInstance": instance[:128],
            "action": draft.action,
            "reason": draft.reason,
            "note": draft.note[:LONGEST_NOTE],
            "type": "Warning" if draft.warning else "Normal",
            "regarding": {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": KIND,
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
        }
        try:
            await api.create(resource_path("events.k8s.io", "v1", "events", metadata["namespace"]), event)
        except OperatorError as error:
            log.warning("event not posted", reason=draft.reason, error=str(error))
