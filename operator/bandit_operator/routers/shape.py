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
        metadata["managedFields"] = [_entry(one) for one in _objects(metadata["managedFields"])]
    spec, status = _object(route.get("spec")), _object(route.get("status"))
    parents = [_parent(one) for one in _objects(status.get("parents"))]
    rules = [_rule(one) for one in _list(spec.get("rules"))]
    asked = {"parentRefs": _objects(spec["parentRefs"])} if "parentRefs" in spec else {}
    return {
        **route,
        "metadata": metadata,
        "spec": {**spec, **asked, "rules": rules},
        "status": {**status, "parents": parents},
    }


def _parent(parent: Mapping[str, Any]) -> dict[str, Any]:
    known = {**parent, "conditions": _objects(parent.get("conditions"))}
    return known | ({"parentRef": _object(parent["parentRef"])} if "parentRef" in parent else {})


def _rule(rule: Any) -> dict[str, Any]:
    known = _object(rule)
    return {**known, "backendRefs": [_ref(one) for one in _list(known.get("backendRefs"))]}


def _ref(ref: Any) -> Mapping[str, Any]:
    known = _object(ref)
    texts = [known.get(name) for name in ("group", "kind", "namespace")]
    weight = known.get("weight", 1)
    is_weight = isinstance(weight, int) and not isinstance(weight, bool) and 0 <= weight <= LARGEST_WEIGHT
    named = isinstance(known.get("name"), str) and all(isinstance(text, str | None) for text in texts)
    return known if is_weight and named else _NOBODY


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """One writer's entry in ``metadata.managedFields``."""
    fields = _object(entry.get("fieldsV1"))
    return {**entry, "fieldsV1": {**fields, "f:spec": _object(fields.get("f:spec"))}}


def _list(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple) else ()


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in _list(value) if isinstance(one, Mapping)]
