"""The route that ``spec.traffic.routeTemplate`` asks for: as it is made, and what it lacks where it is there.

What a template could say is the template's, whether it says it or not: parents, host names, and of the
rule its matches, filters, timeouts and the arms' backends. Everything else of the route, labels and
annotations of others included, is left alone. Weights are no part of it: an arm's backend that is
put in carries what was committed for it, and the others keep theirs. Pure.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bandit_operator.adapters.kubernetes import FIELD_MANAGER
from bandit_operator.api.kind import GROUP, KIND, VERSION
from bandit_operator.api.references import backends_of, route_of
from bandit_operator.api.route_template import (
    MANAGED_BY,
    OWNER,
    TEMPLATE_GROUP,
    TEMPLATE_KIND,
    TEMPLATE_VERSION,
    DeletionPolicy,
    ParentRef,
    RouteFilter,
    RouteMatch,
    RouteTemplate,
    RouteTimeouts,
    plain,
)
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.model import Backend, Mode
from bandit_operator.reconcile.former import named
from bandit_operator.routers import Located, Router, mirror
from bandit_operator.routers.mirrored_for import MIRRORS

Route = Mapping[str, Any]
Change = tuple[tuple[str | int, ...], Any]
"""A place in the route and what is to be there; None where nothing is."""


@dataclass(frozen=True, slots=True)
class Unkept:
    """What the API server, or a webhook that it asks, has not kept of what was written last."""

    changes: tuple[Change, ...] = ()
    again: bool = False
    """Whether they are to be written once more, as where another Gateway API may be installed by now."""


_PARENTS = TypeAdapter(list[ParentRef])
_HOSTNAMES = TypeAdapter(list[str] | None)
_RULE_FIELDS: Mapping[str, TypeAdapter[Any]] = {
    "matches": TypeAdapter(list[RouteMatch]),
    "filters": TypeAdapter(list[RouteFilter] | None),
    "timeouts": TypeAdapter(RouteTimeouts | None),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The route as it will be once it is what its template says."""

    route: Route
    operations: tuple[dict[str, Any], ...] = ()
    """The JSON Patch that makes it so; empty where it is so already, or is not there."""
    missing: bool = False
    """Whether the route is not there, and must be made."""
    edited: bool = False
    """Whether something of the template's, or the route itself, is gone or other than it says."""
    leaving: tuple[Backend, ...] = ()
    """Backends that were arms, and that the patch takes out."""
    changes: tuple[Change, ...] = ()
    """Where the route is other than its template says, with what it is to say."""
    unkept: tuple[str, ...] = ()
    """Of these the places, as JSON pointers, at which the API server does not keep what is written."""


def is_ours(resource: BanditDeployment, route: Route, *, located: bool) -> bool:
    """Whether the route was made for this resource: its annotation says so.

    Where somebody has taken that off, as where annotations are written whole, the route is still told by the
    reference to its owner, or by a label that only the operator writes to what it makes. One that names
    another resource was handed over.

    Args:
        resource: the resource.
        route: the route of its template's name.
        located: whether the resource has had a route already; the label does not say whose it was.
    """
    metadata = route["metadata"]
    owner = (metadata.get("annotations") or {}).get(OWNER)
    if owner is not None:
        return bool(owner == resource.metadata.name)
    if any(one.get("uid") == resource.metadata.uid for one in metadata.get("ownerReferences") or []):
        return True
    said = (metadata.get("labels") or {}).get(MANAGED_BY) == FIELD_MANAGER
    return located and said and MANAGED_BY in _written_by_us(route, "labels")


def wanted(
    resource: BanditDeployment,
    template: RouteTemplate,
    router: Router,
    route: Route | None,
    weights: Mapping[str, int],
    known: Sequence[str],
    mirrors: Collection[str] = (),
    unkept: Unkept = Unkept(),
) -> Wanted:
    """What the route is to be.

    Args:
        resource: the resource.
        template: its template.
        router: of the route's kind.
        route: the route as it is; None where it is not there.
        weights: what was committed for each arm; arms that are not in it are new.
        known: backends that are arms or were, as ``former`` names them.
        mirrors: where filters mirror to that are the operator's, which no template says.
        unkept: what was written and not kept, which is nobody's edit.
    """
    if route is None:
        return Wanted(_made(resource, template, weights), missing=True, edited=True)
    changes = [*_metadata(resource, template, route), *_parents_and_hosts(template, route)]
    rule, over = _rule(resource, template, router, route, weights, known, mirrors)
    changes += rule
    lost = [change for change in changes if change in unkept.changes]
    places = tuple(_pointer(place) for place, _ in lost)
    if len(changes) == len(lost) and not over and not (lost and unkept.again):
        return Wanted(route, changes=tuple(changes), unkept=places)
    after = copy.deepcopy(dict(route))
    operations: list[dict[str, Any]] = [
        {"op": "test", "path": "/metadata/generation", "value": route["metadata"]["generation"]},
    ]
    is_marked = OWNER in (route["metadata"].get("annotations") or {})
    if is_marked:
        owner = _pointer(("metadata", "annotations", OWNER))
        operations.append({"op": "test", "path": owner, "value": resource.metadata.name})
    if not is_marked or any(len(place) == 2 and place[0] == "metadata" for place, _ in changes):
        # Written whole, or nobody's by its annotation, and what others write there meanwhile does not change
        # the generation.
        version = route["metadata"]["resourceVersion"]
        operations.append({"op": "test", "path": "/metadata/resourceVersion", "value": version})
    for place, value in (*changes, *over):
        operation = {"op": "remove"} if value is None else {"op": "add", "value": value}
        operations.append({**operation, "path": _pointer(place)})
        _set(after, place, value)
    leaving = tuple(router.backends(route, int(place[2]))[int(place[-1])] for place, _ in over)
    edited = len(changes) > len(lost)
    return Wanted(
        after,
        operations=tuple(operations),
        edited=edited,
        leaving=leaving,
        changes=tuple(changes),
        unkept=places,
    )


def with_weights(route: Route, located: Located, weights: Mapping[str, int]) -> dict[str, Any]:
    """The route to be made, with these weights of the arms."""
    made = copy.deepcopy(dict(route))
    del made["metadata"]["generation"]
    refs = made["spec"]["rules"][located.rule]["backendRefs"]
    for arm, position in located.positions.items():
        refs[position]["weight"] = weights[arm]
    return made


# ---- a route that is not there ----------------------------------------------------------------


def _made(resource: BanditDeployment, template: RouteTemplate, weights: Mapping[str, int]) -> dict[str, Any]:
    """All of the route; its generation, which it has none of yet, is 0."""
    reference = route_of(resource)
    labels, annotations = _own_metadata(resource, template)
    metadata: dict[str, Any] = {
        "name": reference.name,
        "namespace": reference.namespace,
        "generation": 0,
        "labels": labels,
        "annotations": annotations,
    }
    if template.deletion_policy is DeletionPolicy.DELETE:
        metadata["ownerReferences"] = [_owner_reference(resource)]
    spec: dict[str, Any] = {"parentRefs": plain(template.spec.parent_refs)}
    if template.spec.hostnames:
        spec["hostnames"] = list(template.spec.hostnames)
    rule = {name: value for name in _RULE_FIELDS if (value := plain(_said(template, name))) is not None}
    # Of a new resource nothing is committed; arms are then alike.
    rule["backendRefs"] = _refs(resource, weights, otherwise=0 if any(weights.values()) else 1)
    return {
        "apiVersion": f"{TEMPLATE_GROUP}/{TEMPLATE_VERSION}",
        "kind": TEMPLATE_KIND,
        "metadata": metadata,
        "spec": {**spec, "rules": [rule]},
    }


def _refs(resource: BanditDeployment, weights: Mapping[str, int], otherwise: int) -> list[dict[str, Any]]:
    """The backendRefs of the arms, in the order of the spec."""
    return [
        {**plain(arm.backend_ref), "weight": weights.get(arm.name, otherwise)} for arm in resource.spec.arms
    ]


def _said(template: RouteTemplate, field: str) -> Any:
    """What the template says of its rule, with the default of the Gateway API for matches."""
    if field == "matches":
        return template.spec.matches or [RouteMatch()]
    said = getattr(template.spec, field)
    return said if plain(said) else None


def _own_metadata(
    resource: BanditDeployment, template: RouteTemplate
) -> tuple[dict[str, str], dict[str, str]]:
    said = template.metadata
    labels = {**((said and said.labels) or {}), MANAGED_BY: FIELD_MANAGER}
    return labels, {**((said and said.annotations) or {}), OWNER: resource.metadata.name}


def _owner_reference(resource: BanditDeployment) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "name": resource.metadata.name,
        "uid": resource.metadata.uid,
    }


# ---- a route that is there --------------------------------------------------------------------


def _metadata(resource: BanditDeployment, template: RouteTemplate, route: Route) -> list[Change]:
    changes: list[Change] = []
    for field, own in zip(("labels", "annotations"), _own_metadata(resource, template), strict=True):
        there = route["metadata"].get(field) or {}
        if not there:
            changes.append((("metadata", field), own))
            continue
        changes += [(("metadata", field, key), text) for key, text in own.items() if there.get(key) != text]
        left = sorted((_written_by_us(route, field) & there.keys()) - own.keys() - {MIRRORS})
        changes += [(("metadata", field, key), None) for key in left]
    owners = list(route["metadata"].get("ownerReferences") or [])
    others = [one for one in owners if not _is_owner(one, resource)]
    after = others
    if template.deletion_policy is DeletionPolicy.DELETE:
        mine = [one for one in owners if one.get("uid") == resource.metadata.uid]
        after = [*others, mine[0] if mine else _owner_reference(resource)]
    if {one["uid"] for one in after} != {one["uid"] for one in owners}:
        changes.append((("metadata", "ownerReferences"), after or None))
    return changes


def deleted_with(resource: BanditDeployment, route: Route | None) -> tuple[str, ...]:
    """What is to be known of a route that goes with its resource though the spec says nothing of that.

    So it is where a template became Orphan, or was taken out, while nothing was written, as in mode Paused.
    """
    template = resource.spec.traffic.route_template
    meant = template is not None and template.deletion_policy is DeletionPolicy.DELETE
    mended = template is not None and resource.spec.mode is Mode.ACTIVE
    owners = [] if route is None else route["metadata"].get("ownerReferences") or []
    if meant or mended or all(one.get("uid") != resource.metadata.uid for one in owners):
        return ()
    named = f"{route_of(resource).kind} {resource.metadata.namespace}/{route_of(resource).name}"
    return (
        f"{named} still names this resource in metadata.ownerReferences and would be deleted with it: take "
        "that out before you delete this resource",
    )


def _is_owner(reference: Mapping[str, Any], resource: BanditDeployment) -> bool:
    """Whether it is this resource, or one of its name that is gone."""
    group = str(reference.get("apiVersion", "")).partition("/")[0]
    return (group, reference.get("kind"), reference.get("name")) == (GROUP, KIND, resource.metadata.name)


def _written_by_us(route: Route, field: str) -> set[str]:
    """Keys of labels or annotations whose value is the operator's writing (metadata.managedFields)."""
    keys: set[str] = set()
    for entry in route["metadata"].get("managedFields") or ():
        if entry.get("manager") == FIELD_MANAGER:
            metadata = (entry.get("fieldsV1") or {}).get("f:metadata") or {}
            keys |= {key.removeprefix("f:") for key in metadata.get(f"f:{field}") or {}}
    return keys - {"."}


def _parents_and_hosts(template: RouteTemplate, route: Route) -> list[Change]:
    spec, changes = route["spec"], list[Change]()
    if _read(_PARENTS, spec.get("parentRefs")) != template.spec.parent_refs:
        changes.append((("spec", "parentRefs"), plain(template.spec.parent_refs)))
    if _read(_HOSTNAMES, spec.get("hostnames") or None) != template.spec.hostnames:
        changes.append((("spec", "hostnames"), plain(template.spec.hostnames)))
    return changes


def _rule(
    resource: BanditDeployment,
    template: RouteTemplate,
    router: Router,
    route: Route,
    weights: Mapping[str, int],
    known: Sequence[str],
    mirrors: Collection[str],
) -> tuple[list[Change], list[Change]]:
    """What is to change in the rule, and which backends that were arms and have no weight go."""
    rules = route["spec"].get("rules") or []
    located = router.locate(route, None, backends_of(resource)) if rules else None
    index = located.rule if isinstance(located, Located) else 0
    if not rules:
        return [(("spec", "rules"), _made(resource, template, weights)["spec"]["rules"])], []
    place, rule = ("spec", "rules", index), rules[index]
    changes: list[Change] = []
    own, others = mirror.filters_apart(route, index, mirrors)
    for field, reader in _RULE_FIELDS.items():
        said = _said(template, field)
        there = others if field == "filters" else rule.get(field)
        if _read(reader, there or ([{}] if field == "matches" else None)) != said:
            kept = own if field == "filters" else []
            changes.append(((*place, field), [*(plain(said) or []), *kept] if kept else plain(said)))
    there, arms = router.backends(route, index), backends_of(resource)
    wanted_refs = dict(zip(arms, _refs(resource, weights, otherwise=0), strict=True))
    absent = [wanted_refs[arm] for arm, backend in arms.items() if backend not in there]
    if not there:
        changes.append(((*place, "backendRefs"), absent))
        return changes, []
    for arm, backend in arms.items():
        for at in [at for at, one in enumerate(there) if one == backend][:1]:
            port = wanted_refs[arm].get("port")
            if rule["backendRefs"][at].get("port") != port:
                changes.append(((*place, "backendRefs", at, "port"), port))
    changes += [((*place, "backendRefs", "-"), ref) for ref in absent]
    again = [at for at, one in enumerate(there) if one in arms.values() and one in there[:at]]
    changes += [((*place, "backendRefs", at), None) for at in reversed(again)]
    if again:
        return changes, []  # their places are others then
    return changes, _over(router, route, index, known, set(arms.values()), place)


def _over(
    router: Router,
    route: Route,
    rule: int,
    known: Sequence[str],
    arms: set[Backend],
    place: tuple[str | int, ...],
) -> list[Change]:
    """Backends that were arms, once no gateway sends them anything; from the end: the rest stay put."""
    gateways = router.accepting(route)
    if not gateways or router.pending(route, gateways):
        return []
    refs = route["spec"]["rules"][rule]["backendRefs"]
    gone = [
        at
        for at, backend in enumerate(router.backends(route, rule))
        if backend not in arms and named(backend) in known and refs[at].get("weight", 1) == 0
    ]
    return [((*place, "backendRefs", at), None) for at in reversed(gone)]


def _read(reader: TypeAdapter[Any], value: Any) -> Any:
    """A part of a route as the template would say it; what it could not say is equal to nothing it says."""
    try:
        return reader.validate_python(value)
    except ValidationError:
        return ValidationError


# ---- JSON Patch (RFC 6902, RFC 6901) ----------------------------------------------------------


def _pointer(place: Sequence[str | int]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in place)


def _at(value: Any, place: Sequence[Any]) -> Any:
    for part in place:
        value = value[part]
    return value


def _set(route: dict[str, Any], place: tuple[str | int, ...], value: Any) -> None:
    holder, key = _at(route, place[:-1]), place[-1]
    if value is None:
        del holder[key]
    elif isinstance(holder, list):
        holder.append(value)
    else:
        holder[key] = value
