"""Commit: one status write that claims the tick, before anything is acted on.

The write carries the resourceVersion that the decision was made from, so of two writers one
gets a conflict and does nothing. A tick that changes nothing but the memory is not written
at once: after a crash the same windows are read again and lead to the same memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bandit_operator.adapters.kubernetes import KubernetesAPI, resource_path
from bandit_operator.adapters.objects import MERGE_PATCH, Object
from bandit_operator.api.kind import GROUP, PLURAL, VERSION
from bandit_operator.api.record import RecordedStatus
from bandit_operator.api.status import Condition, ConditionType, Phase
from bandit_operator.core.model import ArmStanding
from bandit_operator.status.committed import Committed, has_acted
from bandit_operator.status.document import Document, time_of

QUIET_SECONDS = 60.0
"""Longest that a changed memory waits to be written."""
NOTE_SECONDS = 10.0
"""Longest that what is to be told of rewards waits for it, such as that some were lost."""

Fingerprint = tuple[Any, ...]
"""What of a status must not wait: a change of any of it is written at once."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What the status said when it was written last."""

    conditions: Mapping[str, Condition] = field(default_factory=dict)
    """By type."""
    fingerprint: Fingerprint | None = None
    """None where it is to be written whatever it said."""
    at: float = float("-inf")
    """When it was written, by the monotonic clock."""


def must_write(document: Document, announced: Announced, monotonic: float) -> bool:
    """Whether a status is written now, or may wait for a later tick."""
    return (
        (document.decision is not None and has_acted(document.decision))
        or fingerprint(document) != announced.fingerprint
        or monotonic - announced.at >= (NOTE_SECONDS if document.committed.notes else QUIET_SECONDS)
    )


def fingerprint(document: Document) -> Fingerprint:
    """What of the conditions and the rest must not wait; acts of a decision never do."""
    return _fingerprint(
        (document.generation, document.phase, document.operator, document.foreign_changes),
        document.committed,
        {} if document.decision is None else document.decision.standings,
        document.conditions,
    )


def _fingerprint(
    said: tuple[int | None, Phase | None, str | None, int],
    committed: Committed,
    standings: Mapping[str, ArmStanding],
    conditions: Iterable[Condition],
) -> Fingerprint:
    return (
        said,
        committed.cursor is None,
        committed.backends,
        committed.mirrors,
        committed.former_routes,
        committed.rule,
        committed.parents,
        committed.restored,
        # How long guards have been beyond their bounds: windows are not read again for them.
        tuple((arm, tuple(one.beyond.items())) for arm, one in standings.items() if one.beyond),
        tuple((one.type, one.status, one.reason, _news(one)) for one in conditions),
    )


def _news(condition: Condition) -> str:
    """What is said at once, though the reason stays: what a user must fix or know, and what keeps arms away.

    Other messages hold moving numbers.
    """
    at_once = condition.type in (ConditionType.ACCEPTED, ConditionType.PROGRESSING)
    of_sources = condition.type in (ConditionType.METRICS_AVAILABLE, ConditionType.SHADOW_AVAILABLE)
    return condition.message if at_once or (of_sources and condition.status == "False") else ""


async def write(api: KubernetesAPI, body: Mapping[str, Any], resource_version: str, status: Object) -> Object:
    """Write the status if nobody else has written since it was read.

    Args:
        api: the API server.
        body: the resource.
        resource_version: the version that the status was made from.
        status: as a merge patch.

    Returns:
        The resource as it is now.

    Raises:
        Conflict: Somebody has; nothing was written.
        NotLeading: This replica may not write.
        NotFound: The resource is gone.
        APIError: The API server refused.
        APIUnreachable: No answer; it may have been written.
    """
    metadata = body["metadata"]
    path = resource_path(GROUP, VERSION, PLURAL, metadata["namespace"], metadata["name"]) + "/status"
    patch = {"metadata": {"resourceVersion": resource_version}, "status": status}
    return await api.patch(path, patch, MERGE_PATCH)


def lost_in(sent: Any, stored: Any) -> tuple[str, ...]:
    """Names that lead to the first part of a merge patch that was not stored; none where all was.

    An API server leaves out what its definition of the kind does not know, and answers as if all were well
    (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#field-pruning).

    Args:
        sent: the patch, or a value in it. Null removes, and is not looked for.
        stored: what the API server holds in its place.
    """
    if sent == stored:
        return ()
    if isinstance(sent, Mapping):
        known = stored if isinstance(stored, Mapping) else {}
        for name, value in sent.items():
            if value is not None and name not in known:
                return (name,)
            if lost := lost_in(value, known.get(name)):
                return (name, *lost)
    if isinstance(sent, list) and isinstance(stored, list):
        return next(filter(None, map(lost_in, sent, stored)), ())
    return ()


def holds(sent: Any, names: Sequence[str]) -> bool:
    """Whether a merge patch has something where these names lead, in any element of a list on the way."""
    if isinstance(sent, list):
        return any(holds(one, names) for one in sent)
    if not names:
        return sent is not None
    return isinstance(sent, Mapping) and holds(sent.get(names[0]), names[1:])


async def write_conditions(
    api: KubernetesAPI, body: Mapping[str, Any], conditions: Sequence[Condition], phase: Phase | None = None
) -> Object | None:
    """Write nothing but conditions (and a phase), as for a resource that cannot be read.

    Returns:
        The resource as it is now, or None where it says so already.

    Raises:
        As :func:`write`.
    """
    metadata = body["metadata"]
    status: Object = {
        "conditions": [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in conditions]
    }
    if phase is not None:
        status |= {"observedGeneration": metadata["generation"], "phase": phase.value}
    before = body.get("status") or {}
    if all(before.get(name) == value for name, value in status.items()):
        return None
    return await write(api, body, metadata["resourceVersion"], status)


def conditions_in(body: Mapping[str, Any]) -> dict[str, Condition]:
    """The conditions that a resource carries, by type; those that cannot be read are left out."""
    conditions = {}
    listed = (body.get("status") or {}).get("conditions")
    for condition in listed if isinstance(listed, list) else ():
        try:
            conditions[condition["type"]] = Condition.model_validate(condition)
        except (KeyError, TypeError, ValueError):  # pydantic's ValidationError is a ValueError
            continue
    return conditions


def announced_before(
    status: RecordedStatus,
    committed: Committed,
    conditions: Mapping[str, Condition],
    *,
    now: float,
    monotonic: float,
) -> Announced:
    """What a status announces that this process has not written: where it still holds, it may stand.

    A process that begins with many resources would else write all of them at once, to say what they say.

    Args:
        status: as it is stored.
        committed: what it holds.
        conditions: that it carries, by type.
        now: seconds since the Unix epoch.
        monotonic: the same moment by the monotonic clock.
    """
    looked_at = time_of(status.looked_at)
    if looked_at is None or committed.notes:  # notes are told of with the next write
        return Announced(conditions)
    said = _fingerprint(
        (status.observed_generation, status.phase, status.operator, status.foreign_weight_changes or 0),
        committed,
        {} if committed.intention is None else committed.intention.standings,
        conditions.values(),
    )
    return Announced(conditions, said, monotonic - max(0.0, now - looked_at))


def announced_now(document: Document, monotonic: float) -> Announced:
    """What is announced once a document has been written."""
    conditions = {condition.type: condition for condition in document.conditions}
    return Announced(conditions, fingerprint(document), monotonic)
