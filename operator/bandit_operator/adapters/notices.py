"""What people are told outside of the cluster, and in which formats.

A notice says one thing that happened to one resource. Its identity is that of the status write that
it follows from, so that a receiver can tell a repeated delivery from a second event.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

TYPE_PREFIX = "dev.bandit-operator"
"""Before the kind in the type of a CloudEvent: the project's domain, reversed."""


class NoticeKind(StrEnum):
    """What may be chosen to be told of."""

    BY_HAND = "ByHand"
    """Somebody paused, pinned, promoted, took out or brought back, or undid that."""
    DECIDED = "Decided"
    """A verdict stands: an arm is best, the best do not differ, or time is over."""
    GUARD_TRIPPED = "GuardTripped"
    """An arm is unwell by one of ``spec.guards``, and loses its traffic for a while."""
    METRICS_UNAVAILABLE = "MetricsUnavailable"
    """There are no rewards, or none that can be believed."""
    NO_ARM_AVAILABLE = "NoArmAvailable"
    """No arm can serve: requests fail."""
    ROLLED_BACK = "RolledBack"
    """A verdict took an arm out."""
    WEIGHTS_CONTESTED = "WeightsContested"
    """Another writer keeps setting the weights."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that happened."""

    id: str
    """Unique for the source."""
    time: str
    """When the operator knew, RFC 3339."""
    source: str
    """Path of the resource in the API."""
    namespace: str
    name: str
    kind: NoticeKind
    reason: str
    """A word of ``core.reasons``."""
    message: str
    warning: bool


def _cloudevent(notice: Notice) -> tuple[str, str]:
    """A CloudEvent 1.0 in structured mode (https://github.com/cloudevents/spec)."""
    event = {
        "specversion": "1.0",
        "id": notice.id,
        "source": notice.source,
        "type": f"{TYPE_PREFIX}.{notice.kind}",
        "subject": f"{notice.namespace}/{notice.name}",
        "time": notice.time,
        "datacontenttype": "application/json",
        "data": {
            "namespace": notice.namespace,
            "name": notice.name,
            "kind": notice.kind,
            "reason": notice.reason,
            "message": notice.message,
            "severity": "warning" if notice.warning else "info",
        },
    }
    return "application/cloudevents+json; charset=utf-8", json.dumps(event, ensure_ascii=False)


def _slack(notice: Notice) -> tuple[str, str]:
    """A message of Slack's incoming webhooks; others' words in it can mention nobody and link nowhere."""
    where, message = (_escaped(text) for text in (f"{notice.namespace}/{notice.name}", notice.message))
    text = f"*{where}* {notice.reason}: {message}"
    return "application/json; charset=utf-8", json.dumps({"text": text}, ensure_ascii=False)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Format(StrEnum):
    """How a notice is written."""

    CLOUDEVENTS = "cloudevents"
    SLACK = "slack"


FORMATS: dict[Format, Callable[[Notice], tuple[str, str]]] = {
    Format.CLOUDEVENTS: _cloudevent,
    Format.SLACK: _slack,
}
"""Content type and body of a notice, by format."""
