"""Kubernetes Events: what happened to a resource, for ``kubectl describe`` and ``kubectl events``.

Only what a person would want to be told: not every step of the weights, of which the status
has the last twenty.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from bandit_operator.adapters.kubernetes import KubernetesAPI, resource_path
from bandit_operator.api.status import Condition
from bandit_operator.api.v1alpha1 import GROUP, KIND, VERSION
from bandit_operator.core import reasons
from bandit_operator.core.decision import Decision
from bandit_operator.core.model import ArmStanding, ArmState
from bandit_operator.errors import OperatorError

log = structlog.get_logger()

CONTROLLER = "bandit-operator.dev/controller"
LONGEST_NOTE = 1024
"""Most characters of a note (API reference, events.k8s.io/v1 Event)."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing to tell. ``action`` is what was done, ``reason`` why, ``note`` both for people."""

    reason: str
    action: str
    note: str
    warning: bool = False


def of_conditions(before: Mapping[str, Condition], after: list[Condition]) -> list[Happening]:
    """One happening for each condition that went to False, or came back from it."""
    told = []
    for condition in after:
        old = before.get(condition.type)
        failed = condition.status == "False"
        if condition.type in ("Ready", "Progressing") or (old is None and not failed):
            continue
        if old is not None and (old.status, old.reason) == (condition.status, condition.reason):
            continue
        if failed or (old is not None and old.status == "False"):
            told.append(
                Happening(condition.reason, f"Check{condition.type}", condition.message, warning=failed)
            )
    return told


_TOLD_STATES = {
    ArmState.DRAINING: ("RollBack", True),
    ArmState.RESTORING: ("Restore", False),
    ArmState.ROLLED_BACK: ("ScaleDown", False),
    ArmState.UNAVAILABLE: ("WithholdTraffic", True),
}


def of_arms(before: Mapping[str, ArmStanding], decision: Decision) -> list[Happening]:
    """One happening for each arm that was taken out, drained, or is coming back."""
    told = []
    for arm, standing in decision.standings.items():
        old = before.get(arm)
        if old is None or old.state is standing.state or standing.state not in _TOLD_STATES:
            continue
        action, warning = _TOLD_STATES[standing.state]
        note = f"arm {arm} is {standing.state}: {standing.reason}"
        if standing.state is ArmState.DRAINING:
            note = f"arm {arm} is rolled back: {decision.message}"
        told.append(Happening(standing.reason, action, note, warning))
    return told


def of_promotion(promoted_before: bool, decision: Decision) -> list[Happening]:
    """Tell of a winner once."""
    if decision.promoted is None or promoted_before:
        return []
    return [
        Happening(reasons.PROMOTED, "Promote", f"{decision.promoted} is proven better than all other arms")
    ]


def of_change(told: tuple[str, str | None] | None, decision: Decision) -> list[Happening]:
    """Tell of a change in the rewards once."""
    change = decision.change
    if change is None or told == (change.kind, change.arm):
        return []
    return [Happening(reasons.REWARDS_CHANGED, "CompareRewards", str(change), warning=True)]


async def post(
    api: KubernetesAPI, body: Mapping[str, Any], instance: str, happenings: list[Happening]
) -> None:
    """Post the events. One that cannot be posted is logged and given up: the status has the facts."""
    metadata = body["metadata"]
    for happening in happenings:
        event = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "name": f"{metadata['name']}.{uuid.uuid4().hex[:16]}",
                "namespace": metadata["namespace"],
            },
            "eventTime": datetime.datetime.now(datetime.UTC)
            .isoformat(timespec="microseconds")
            .replace("+00:00", "Z"),
            "reportingController": CONTROLLER,
            "reportingInstance": instance[:128],
            "action": happening.action,
            "reason": happening.reason,
            "note": happening.note[:LONGEST_NOTE],
            "type": "Warning" if happening.warning else "Normal",
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
            log.warning("event not posted", reason=happening.reason, error=str(error))
