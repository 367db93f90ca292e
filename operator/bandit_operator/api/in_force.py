"""Which spec a resource goes by: its own, or where that cannot be read the last one that could."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bandit_operator.api.record import unpacked
from bandit_operator.api.status import Phase
from bandit_operator.api.v1alpha1 import InvalidResource, parse, parse_without_rules
from bandit_operator.core.quantities import parse_duration

NARROWER = ("Paused", "Observe")
"""Modes in which less is done; such a one is obeyed also where the rest of a spec cannot be read."""


def last_read(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The spec that could be read last, as the status has it; None where it has none.

    A status that has no spec in it was written by an older version; it is about the present one if it has
    its generation, which that version could read, then.
    """
    status = body.get("status")
    if not isinstance(status, Mapping):
        return None
    try:
        spec = unpacked(status).get("spec")
    except ValueError:
        return None
    if isinstance(spec, Mapping):
        return spec
    same = status.get("observedGeneration") == body["metadata"].get("generation")
    present = body.get("spec")
    ran = same and status.get("phase") != Phase.REJECTED and status.get("arms")
    return present if ran and isinstance(present, Mapping) else None


def instead(body: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """The resource with a spec that could be read before, in the narrower of both modes."""
    present = body.get("spec")
    asked = present.get("mode") if isinstance(present, Mapping) else None
    mode = spec.get("mode")
    narrowed = asked in NARROWER and mode != NARROWER[0]
    return {**body, "spec": {**spec, "mode": asked} if narrowed else spec}


def interval_of(body: Mapping[str, Any]) -> float | None:
    """Seconds between two looks at the most, as the spec says; None where that cannot be read."""
    try:
        return parse_duration(body["spec"]["interval"])
    except (KeyError, TypeError, ValueError):
        return None


def in_force(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The resource with the spec that it goes by; None where none of its specs could be read."""
    try:
        parse(body)
    except InvalidResource:
        spec = last_read(body)
        if spec is None:
            return None
        before = instead(body, spec)
        try:
            parse_without_rules(before)
        except InvalidResource:
            return None
        return before
    return body


def specs_of(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The specs that a resource may go by: its own, and the last one that could be read, if it may differ."""
    present, status = body.get("spec"), body.get("status")
    if isinstance(present, Mapping):
        yield present
    if not isinstance(status, Mapping):
        return
    looked_at = status.get("observedGeneration") == body["metadata"].get("generation")
    if looked_at and status.get("phase") != Phase.REJECTED:
        return
    before = last_read(body)
    if before is not None and before != present:
        yield before
