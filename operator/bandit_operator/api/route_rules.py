"""The rules between a route and the arms that are its backends."""

from __future__ import annotations

from typing import Any

from bandit_operator.api.fields import MAX_ARMS
from bandit_operator.api.route_template import TEMPLATE_GROUP, TEMPLATE_KIND
from bandit_operator.api.rules import Rule, Term
from bandit_operator.routers import ROUTERS, Router


def backend_limit_rules() -> tuple[Rule, ...]:
    """No more arms than one rule of the route can have backends."""
    return tuple(_backend_limit_rule(one) for one in ROUTERS.values() if one.max_backends < MAX_ARMS)


def _backend_limit_rule(router: Router) -> Rule:
    limit, key = router.max_backends, (router.group, router.kind)
    ref, made = "self.traffic.routeRef", (TEMPLATE_GROUP, TEMPLATE_KIND)
    named = f"{ref}.group == '{router.group}' && {ref}.kind == '{router.kind}'"
    concerned = f"(has({ref}) ? {named} : {str(key == made).lower()})"

    def words(spec: Any) -> str:
        named = spec.traffic.route_ref
        return f"the {TEMPLATE_KIND} of routeTemplate" if named is None else f"{named.kind} {named.name}"

    def has_room(spec: Any) -> bool:
        named = spec.traffic.route_ref
        return (made if named is None else (named.group, named.kind)) != key or len(spec.arms) <= limit

    route = f"(has({ref}) ? {ref}.kind + ' ' + {ref}.name : 'the {TEMPLATE_KIND} of routeTemplate')"
    return Rule(
        f"!{concerned} || size(self.arms) <= {limit}",
        f"a rule of {{route}} can have {limit} backends at most; leave at most {limit} arms",
        holds=has_room,
        field=".arms",
        terms={"route": Term(route, words)},
    )


def port_rules() -> tuple[Rule, ...]:
    """Ports are said where the route is made, and nowhere else."""
    return (
        Rule(
            "!has(self.traffic.routeTemplate) || self.arms.all(a, has(a.backendRef.port)"
            " || a.backendRef.group != '' || a.backendRef.kind != 'Service')",
            "routeTemplate makes a route to the arms' Services, and some arm has no port;"
            " set backendRef.port on every arm",
            holds=lambda spec: (
                spec.traffic.route_template is None
                or all(arm.backend_ref.port is not None or not _is_service(arm) for arm in spec.arms)
            ),
            field=".arms",
        ),
        Rule(
            "has(self.traffic.routeTemplate) || !self.arms.exists(a, has(a.backendRef.port))",
            "backendRef.port belongs to routeTemplate, and the route that routeRef names has its own;"
            " take port out",
            holds=lambda spec: (
                spec.traffic.route_template is not None
                or all(arm.backend_ref.port is None for arm in spec.arms)
            ),
            field=".arms",
        ),
    )


def _is_service(arm: Any) -> bool:
    return (arm.backend_ref.group, arm.backend_ref.kind) == ("", "Service")
