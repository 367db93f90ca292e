"""Which traffic is moved: the rule of a route."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Annotated, ClassVar

from bandit_operator.api.fields import ApiModel, ObjectName, SectionName
from bandit_operator.api.route_template import RouteTemplate
from bandit_operator.api.rules import OneOf, Rule
from bandit_operator.routers import GATEWAY_API, ROUTERS, Router

_DEFAULT_GROUP, _DEFAULT_KIND = GATEWAY_API, "HTTPRoute"


def _names(values: Iterable[str], default: str) -> OneOf:
    """Return the values, each once, the default first."""
    return OneOf(tuple(sorted(set(values), key=lambda value: (value != default, value))))


def kind_rules(routers: Mapping[tuple[str, str], Router]) -> Iterator[Rule]:
    """Yield the rules of ``routeRef`` that a kind goes with its own group, where there are several."""
    groups = sorted({group for group, _ in routers})
    if len(groups) > 1:
        for group in groups:
            yield _kind_rule(group, sorted(kind for of, kind in routers if of == group))


def _kind_rule(group: str, kinds: list[str]) -> Rule:
    return Rule(
        f"self.group != '{group}' || self.kind in {kinds}",
        f"{{self.kind}} is not a kind of {group}; set kind to {' or '.join(kinds)}, or set its group",
        holds=lambda ref: ref.group != group or ref.kind in kinds,
        field=".kind",
    )


class RouteRef(ApiModel):
    """The rule of a route whose weights the operator moves; it cannot be changed later."""

    RULES: ClassVar = (
        Rule(
            "self == oldSelf",
            "routeRef cannot be changed (it is {oldSelf.kind} {oldSelf.name}):"
            " create another BanditDeployment for {self.kind} {self.name}",
            holds=None,
        ),
        *kind_rules(ROUTERS),
    )

    group: Annotated[str, _names((group for group, _ in ROUTERS), _DEFAULT_GROUP)] = _DEFAULT_GROUP
    """API group of the route."""
    kind: Annotated[str, _names((kind for _, kind in ROUTERS), _DEFAULT_KIND)] = _DEFAULT_KIND
    """Kind of the route."""
    name: ObjectName
    """Name of the route, in the namespace of this resource."""
    section_name: SectionName | None = None
    """Name of the rule in the route. Default: the only rule whose backends are the arms'."""


class RemovedArms(StrEnum):
    """What becomes of the traffic of an arm that is taken out of the spec."""

    KEEP = "Keep"
    """Its backend keeps its share of the rule."""
    DRAIN = "Drain"
    """Its backend's weight is set to 0."""


class Traffic(ApiModel):
    """Which traffic is moved."""

    RULES: ClassVar = (
        Rule(
            "has(self.routeRef) != has(self.routeTemplate)",
            "set exactly one of: routeRef, the name of a route that is there, or routeTemplate, from which"
            " the operator makes one",
            holds=lambda traffic: (traffic.route_ref is None) != (traffic.route_template is None),
        ),
        Rule(
            "!has(oldSelf.routeTemplate) || has(self.routeTemplate)"
            " || oldSelf.routeTemplate.deletionPolicy == 'Orphan'",
            "routeTemplate cannot be taken out while its deletionPolicy is Delete, because the route would"
            " still be deleted with this resource; set deletionPolicy to Orphan first",
            holds=None,
        ),
    )

    route_ref: RouteRef | None = None
    """The route, and the rule in it, whose backends are the arms."""
    route_template: RouteTemplate | None = None
    """The HTTPRoute that the operator makes, so that neither route nor weights are kept elsewhere; its
    backends are the arms. Routes of other kinds are named in routeRef.
    """
    removed_arms: RemovedArms = RemovedArms.KEEP
    """What becomes of the backend of an arm that is taken out of the spec while it is in the rule. Keep: it
    keeps its share of the traffic, and condition Accepted names it. Drain: its weight is set to 0 as
    soon as an arm that can serve has weight; its Pods stay. Backends that were never arms keep theirs.
    """
