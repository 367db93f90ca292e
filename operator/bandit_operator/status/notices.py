"""Notices for people outside of the cluster: those of the Kubernetes events that they want to know of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bandit_operator.adapters.kubernetes import resource_path
from bandit_operator.adapters.notices import Notice, NoticeKind
from bandit_operator.api.kind import GROUP, PLURAL, VERSION
from bandit_operator.api.timestamps import to_timestamp
from bandit_operator.core import reasons
from bandit_operator.status.events import Event

_KINDS = {
    ("CheckDecided", reasons.MAX_DURATION_REACHED): NoticeKind.DECIDED,
    ("CheckTrafficInSync", reasons.NO_ARM_AVAILABLE): NoticeKind.NO_ARM_AVAILABLE,
    ("CheckTrafficInSync", reasons.WEIGHTS_CONTESTED): NoticeKind.WEIGHTS_CONTESTED,
    ("CompareArms", reasons.NO_MATERIAL_DIFFERENCE): NoticeKind.DECIDED,
    ("Pin", reasons.PINNED): NoticeKind.BY_HAND,
    ("Promote", reasons.BASELINE_CHANGED): NoticeKind.BY_HAND,
    ("Promote", reasons.PROMOTED): NoticeKind.DECIDED,
    ("Restore", reasons.RESTORE_REQUESTED): NoticeKind.BY_HAND,
    ("Restore", reasons.SET_IN): NoticeKind.BY_HAND,
    ("RollBack", reasons.SET_OUT): NoticeKind.BY_HAND,
    ("RollBack", reasons.WORSE_THAN_BASELINE): NoticeKind.ROLLED_BACK,
    ("SetMode", reasons.OBSERVE_ONLY): NoticeKind.BY_HAND,
    ("SetMode", reasons.PAUSED): NoticeKind.BY_HAND,
    ("SetMode", reasons.RESUMED): NoticeKind.BY_HAND,
    ("Unpin", reasons.UNPINNED): NoticeKind.BY_HAND,
    ("WithholdTraffic", reasons.GUARD_TRIPPED): NoticeKind.GUARD_TRIPPED,
}
"""By action and reason of an event."""


def of(events: Sequence[Event], written: Mapping[str, Any], now: float) -> list[Notice]:
    """The notices of one status write.

    Args:
        events: what happened.
        written: the resource as it is after the write.
        now: seconds since the Unix epoch.
    """
    metadata = written["metadata"]
    namespace, name = metadata["namespace"], metadata["name"]
    return [
        Notice(
            id=f"{metadata['uid']}.{metadata['resourceVersion']}.{number}",
            time=to_timestamp(now),
            source=resource_path(GROUP, VERSION, PLURAL, namespace, name),
            namespace=namespace,
            name=name,
            kind=kind,
            reason=event.reason,
            message=event.note,
            warning=event.warning,
        )
        for number, event in enumerate(events)
        if (kind := _kind_of(event)) is not None
    ]


def _kind_of(event: Event) -> NoticeKind | None:
    if event.action == "CheckMetricsAvailable" and event.warning:
        return NoticeKind.METRICS_UNAVAILABLE
    return _KINDS.get((event.action, event.reason))
