"""The parts of a route that are read, each of the type that its definition gives it.

An API server refuses routes of another shape, as long as the definition that is installed has one. Where it
has not, what cannot be read counts as not there: positions in a rule stay, so that patches meet the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bandit_operator.core.weights import LARGEST_WEIGHT

_NOBODY = {"name": ""}
"""Stands where a backendRef cannot be read."""


def readable(route: Mapping[str, Any]) -> dict[str, Any]:
    """The route with spec, status and managed fields as far as they can be read."""
    metadata = dict(route["metadata"])
    if "managedFields" in metadata:
        metadata["managedFields"] = [_entry(one) for one in as_objects(metadata["managedFields"])]
    spec, status = as_object(route.get("spec")), as_object(route.get("status"))
    parents = [_parent(one) for one in as_objects(status.get("parents"))]
    rules = [_rule(one) for one in _list(spec.get("rules"))]
    asked = {"parentRefs": as_objects(spec["parentRefs"])} if "parentRefs" in spec else {}
    return {
        **route,
        "metadata": metadata,
        "spec": {**spec, **asked, "rules": rules},
        "status": {**status, "parents": parents},
    }


def _parent(parent: Mapping[str, Any]) -> dict[str, Any]:
    known = {**parent, "conditions": as_objects(parent.get("conditions"))}
    return known | ({"parentRef": as_object(parent["parentRef"])} if "parentRef" in parent else {})


def _rule(rule: Any) -> dict[str, Any]:
    known = as_object(rule)
    return {**known, "backendRefs": [_ref(one) for one in _list(known.get("backendRefs"))]}


def _ref(ref: Any) -> Mapping[str, Any]:
    known = as_object(ref)
    texts = [known.get(name) for name in ("group", "kind", "namespace")]
    weight = known.get("weight", 1)
    is_weight = isinstance(weight, int) and not isinstance(weight, bool) and 0 <= weight <= LARGEST_WEIGHT
    named = isinstance(known.get("name"), str) and all(isinstance(text, str | None) for text in texts)
    return known if is_weight and named else _NOBODY


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """One writer's entry in ``metadata.managedFields``."""
    fields = as_object(entry.get("fieldsV1"))
    return {**entry, "fieldsV1": {**fields, "f:spec": as_object(fields.get("f:spec"))}}


def _list(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple) else ()


def as_object(value: Any) -> Mapping[str, Any]:
    """What is an object as it is; an empty one for all else."""
    return value if isinstance(value, Mapping) else {}


def as_objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects in a list, or none where it is no list."""
    return [one for one in _list(value) if isinstance(one, Mapping)]
