"""What an edit of the spec leaves as it was: a route with its last weights, Pods that stay at zero.

The operator writes to what the spec names, and to nothing else; so what it does not name any more stays as it
was, and whoever edited the spec is told, with what is to be done. A route that was this resource's is
remembered for as long as it sends requests to its arms, for these fail where an arm cannot serve.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bandit_operator.api.references import UNREADABLE, arms_in, backends_of, route_in, route_of
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core import reasons, servable
from bandit_operator.core.model import ArmFacts, Backend, Problem
from bandit_operator.reconcile import ownership
from bandit_operator.routers import ROUTERS, Located, Router, RouteReference, router_of_kind
from bandit_operator.watch.cache import Cache

MOST_ROUTES = 8
"""Most routes that are remembered."""
AT_ZERO = (reasons.SCALED_TO_ZERO, reasons.SCALING_TO_ZERO)
"""Reasons of arms whose Pods the operator has taken down, or is about to."""


def former_routes(
    resource: BanditDeployment, before: Mapping[str, Any] | None, rule: str | None, known: tuple[str, ...]
) -> tuple[str, ...]:
    """The routes and rules that the resource named before and names no more, newest first.

    Each is KIND/NAME/MARK; the mark tells the rule (``Located.mark``), and without one it is the whole route.

    Args:
        resource: by its spec of now.
        before: the spec that its weights went by, if they went by any.
        rule: the mark of the rule that had them.
        known: what this was before.
    """
    was, now = _route_before(resource, before), route_of(resource)
    left = [] if was is None or was == now else [f"{was.kind}/{was.name}/{rule or ''}".rstrip("/")]
    here = f"{now.kind}/{now.name}"
    return tuple(one for one in dict.fromkeys([*left, *known]) if one != here)[:MOST_ROUTES]


def is_surely_left(resource: BanditDeployment, before: Mapping[str, Any] | None) -> bool:
    """Whether it is another route or rule than before: where one spec alone names a rule, both may be one."""
    was, now = _route_before(resource, before), route_of(resource)
    if was is None or was == now:
        return False
    return not _is_here(f"{was.kind}/{was.name}", resource) or None not in (was.section, now.section)


def _route_before(resource: BanditDeployment, before: Mapping[str, Any] | None) -> RouteReference | None:
    metadata = {"namespace": resource.metadata.namespace, "name": resource.metadata.name}
    try:
        return None if before is None else route_in({"metadata": metadata, "spec": before})
    except UNREADABLE:
        return None


def sentences(
    resource: BanditDeployment,
    before: Mapping[str, Any] | None,
    at_zero: Mapping[str, int | None],
    new_routes: Collection[str],
    replicas: Callable[[str, str], int | None],
) -> tuple[str, ...]:
    """What is to be told of an edit, once.

    Args:
        resource: by its spec of now.
        before: the spec that it went by, if it went by any.
        at_zero: arms whose Pods the operator has taken down, and how many each had where that is known.
        new_routes: those of the former routes that this edit has made so.
        replicas: what a scale target of this kind and name asks for, None where that is not known. That an
            arm was to be scaled down is no sign that it was, as where the process ended in between.
    """
    namespace = resource.metadata.namespace
    said = [
        f"{_named(one, resource)} keeps the weights that it has, which nothing moves any more, not even off "
        f"an arm that cannot serve: delete it once its requests come by {_own(resource)}, or keep it yourself"
        for one in new_routes
    ]
    targets = {
        (one.scale_target_ref.kind, one.scale_target_ref.name)
        for one in resource.spec.arms
        if one.scale_target_ref is not None
    }
    for arm in arms_in(namespace, before or {}):
        if arm.name in at_zero and arm.target is not None and (arm.target_kind, arm.target) not in targets:
            target, has = f"{arm.target_kind} {namespace}/{arm.target}", replicas(arm.target_kind, arm.target)
            said.append(_running(target, has) if has else _at_zero(target, at_zero[arm.name]))
    return tuple(said)


def _at_zero(target: str, had: int | None) -> str:
    many = "" if had is None else f", from {had} replicas"
    return (
        f"{target} no longer belongs to an arm and stays at 0, where the operator scaled it{many}: scale it "
        f"up yourself if it is to run, or delete it"
    )


def _running(target: str, has: int) -> str:
    return (
        f"{target} no longer belongs to an arm; its arm was out, and it was last seen with {has} replicas, "
        f"which nobody takes down any more: scale it down yourself if it is not to run, or delete it"
    )


@dataclass(frozen=True, slots=True)
class Former:
    """What is seen of former routes and rules."""

    used: Mapping[str, Sequence[str]]
    """Those that send requests to arms and that nobody moves, with these arms."""
    kept: tuple[str, ...]
    """Those to be remembered: also the ones that are not seen now, or that another resource moves for now."""


def look_at(cache: Cache, resource: BanditDeployment, located: Located, former: tuple[str, ...]) -> Former:
    """Look whether former routes and rules still send requests to arms.

    Args:
        cache: what the watches have brought.
        resource: whose routes they were.
        located: its rule of now.
        former: as ``former_routes``.
    """
    served = {one: _served(cache, resource, located, one) for one in former}
    return Former(
        used={one: arms for one, arms in served.items() if arms},
        kept=tuple(one for one, arms in served.items() if arms != []),
    )


def _served(cache: Cache, resource: BanditDeployment, located: Located, former: str) -> list[str] | None:
    """The arms that a former rule gives weight which nobody moves; None where that is not known for now."""
    kind, name, mark = _parts(former)
    if kind not in {known for _, known in ROUTERS}:
        return []
    namespace, router, backends = resource.metadata.namespace, router_of_kind(kind), backends_of(resource)
    route = cache.routes.get((kind, namespace, name))
    if route is None:
        return None  # it may come back as it was, and before routes are listed none is known
    rule = router.find_again(route, mark, backends) if mark else None
    if _is_here(former, resource) and (rule is None or rule.rule == located.rule):
        return []
    arms = [
        arm
        for arm, backend in backends.items()
        if (router.uses(route, backend) if rule is None else rule.weights[arm] > 0)
    ]
    reference = RouteReference(router.group, kind, namespace, name, None)
    others = ownership.others(resource.metadata.uid, cache.sharing_route(reference))
    moved = _moved(router, route, rule, [one for one in others if _same_route(route_in(one), reference)])
    return [arm for arm in arms if backends[arm] not in moved] or (None if arms else [])


def _moved(
    router: Router, route: Mapping[str, Any], rule: Located | None, others: Iterable[Mapping[str, Any]]
) -> set[Backend]:
    """The backends whose weight in a rule, or anywhere in the route, one of these resources moves."""
    moved = set[Backend]()
    for other in others:
        arms = {one.name: one.backend for one in arms_in(other["metadata"]["namespace"], other["spec"])}
        theirs = router.locate(route, route_in(other).section, arms)
        if isinstance(theirs, Located) and (rule is None or theirs.rule == rule.rule):
            moved |= set(arms.values())
    return moved


def _same_route(one: RouteReference, other: RouteReference) -> bool:
    return replace(one, section=None) == replace(other, section=None)


def notes(resource: BanditDeployment, used: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """What is to be known of former routes that send requests to arms."""
    return tuple(
        f"{_named(one, resource)}, which was this resource's {_part(one, resource)}, still gives weight to "
        f"{', '.join(arms)}, and nothing moves that any more: delete it, or take these out of it"
        for one, arms in used.items()
    )


def trouble(
    resource: BanditDeployment, used: Mapping[str, Sequence[str]], arms: Mapping[str, ArmFacts]
) -> Problem | None:
    """What is wrong where a former route sends requests to arms that cannot serve."""
    failing = {
        one: [f"{arm} ({fault.reason})" for arm in served if (fault := servable.fault(arms[arm])) is not None]
        for one, served in used.items()
    }
    words = [
        f"{_named(one, resource)}, which was this resource's {_part(one, resource)}, still gives weight to "
        f"{', '.join(dead)}, so that requests there fail, and nothing moves it any more: delete it, or set "
        f"that weight to 0"
        for one, dead in failing.items()
        if dead
    ]
    return Problem(reasons.LEFT_BEHIND, "; ".join(words)) if words else None


def _parts(former: str) -> tuple[str, str, str]:
    """Kind, name and mark."""
    kind, name, mark = (*former.split("/"), "", "")[:3]
    return kind, name, mark


def _is_here(former: str, resource: BanditDeployment) -> bool:
    """Whether it is in the route that the resource names now."""
    now = route_of(resource)
    return _parts(former)[:2] == (now.kind, now.name)


def _part(former: str, resource: BanditDeployment) -> str:
    return "rule" if _is_here(former, resource) else "route"


def _named(former: str, resource: BanditDeployment) -> str:
    kind, name, _ = _parts(former)
    route = f"{kind} {resource.metadata.namespace}/{name}"
    return f"another rule of {route}" if _is_here(former, resource) else route


def _own(resource: BanditDeployment) -> str:
    route = route_of(resource)
    rule = "" if route.section is None else f"rule {route.section} of "
    return f"{rule}{route.kind} {route.namespace}/{route.name}"
