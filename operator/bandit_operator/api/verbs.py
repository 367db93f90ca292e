"""What people ask for beside the spec: two annotations, and their way into values.

``last-verb`` says who changed the spec last, when and why; the command line writes it beside the field
in one patch. ``restore`` asks to bring back one arm that a verdict took out, once, as
``kubectl rollout restart`` does. One that cannot be read is ignored, with a word.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from bandit_operator.api.fields import ApiModel
from bandit_operator.api.kind import GROUP
from bandit_operator.api.printable import printable
from bandit_operator.api.timestamps import from_timestamp

LAST_VERB = f"{GROUP}/last-verb"
RESTORE = f"{GROUP}/restore"
ANNOTATIONS = (LAST_VERB, RESTORE)
_Printable = AfterValidator(printable)


class LastVerb(ApiModel):
    """Who asked for the newest change of the spec."""

    verb: Annotated[str, Field(min_length=1, max_length=32), _Printable]
    """What was asked for: pause, resume, pin, unpin, promote, rollback or restore."""
    arm: Annotated[str, Field(max_length=63), _Printable] | None = None
    """Of which arm, where it is about one."""
    by: Annotated[str, Field(max_length=256), _Printable] | None = None
    """Who, as they say of themselves."""
    at: Annotated[str, Field(min_length=1, max_length=40), _Printable]
    """When, as RFC 3339 writes it."""
    reason: Annotated[str, Field(max_length=256), _Printable] | None = None
    """Why, for people."""
    mode_before: Annotated[str, Field(max_length=32), _Printable] | None = None
    """Of a pause, the mode that it ended, to which ``resume`` goes back."""


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """A request to bring back one arm."""

    arm: str
    at: float
    """When it was made, seconds since the Unix epoch."""
    text: str
    """As it was written: ARM@TIME, without control characters."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the annotations and the writers of a resource say."""

    verb: LastVerb | None = None
    restore: RestoreRequest | None = None
    writers: tuple[str, ...] = ()
    """Field managers that have written the spec, the newest first."""
    pin_reason: str | None = None
    """Why an arm is pinned, as the spec has it."""
    ignored: tuple[str, ...] = ()
    """Which annotations cannot be read, and why, in words."""


def asked_of(body: Mapping[str, Any], arms: Collection[str]) -> Asked:
    """Read the annotations of a resource with these arms; what cannot be read is in ``ignored``."""
    found = body["metadata"].get("annotations")
    annotations = found if isinstance(found, Mapping) else {}
    ignored: list[str] = []
    verb = restore = None
    if LAST_VERB in annotations:
        try:
            verb = _last_verb(annotations[LAST_VERB])
        except ValueError as error:
            ignored.append(f"annotation {LAST_VERB} is ignored: {error}")
    if RESTORE in annotations:
        try:
            restore = restore_request(annotations[RESTORE], arms)
        except ValueError as error:
            ignored.append(f"annotation {RESTORE} is ignored: {error}")
    reason = (body.get("spec", {}).get("pin") or {}).get("reason")
    why = None if reason is None else printable(str(reason))
    return Asked(verb, restore, tuple(spec_writers(body)), why, tuple(ignored))


def _last_verb(text: object) -> LastVerb:
    try:
        verb = LastVerb.model_validate_json(str(text))
        from_timestamp(verb.at)
    except (ValueError, OverflowError) as error:  # pydantic's ValidationError is a ValueError
        raise ValueError('write it as {"verb": "pin", "arm": NAME, "at": TIME}') from error
    return verb


def restore_request(text: object, arms: Collection[str]) -> RestoreRequest:
    """Read ARM@TIME.

    Raises:
        ValueError: it is not that, or there is no such arm; the message says what to write.
    """
    written = printable(str(text))
    arm, _, time = written.partition("@")
    if arm not in arms:
        raise ValueError(f'"{arm[:63]}" is not the name of an arm; name one of {", ".join(sorted(arms))}')
    try:
        return RestoreRequest(arm, from_timestamp(time), written[:128])
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f'"{time[:40]}" is no time; write it as {arm}@2026-01-31T03:00:00Z, for example'
        ) from error


def spec_writers(body: Mapping[str, Any]) -> list[str]:
    """Field managers that have written the spec, the newest first."""
    entries = [
        entry
        for entry in body["metadata"].get("managedFields") or []
        if "f:spec" in (entry.get("fieldsV1") or {})
    ]
    entries.sort(key=lambda entry: str(entry.get("time", "")), reverse=True)
    return [printable(str(entry.get("manager", ""))) for entry in entries]
