"""What an edit of the spec leaves as it was: a route with its last weights, Pods that stay at zero.

The operator writes to what the spec names, and to nothing else; so what it does not name any more stays as it
was, and whoever edited the spec is told, with what is to be done. A route that was this resource's is
remembered for as long as it sends requests to its arms, for these fail where an arm cannot serve.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from bandit_operator.api.references import UNREADABLE, arms_in, backends_of, route_in, route_of
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core import reasons, servable
from bandit_operator.core.model import ArmFacts, Problem
from bandit_operator.routers import ROUTERS, router_of_kind
from bandit_operator.watch.cache import Cache

MOST_ROUTES = 8
"""Most routes that are remembered."""
AT_ZERO = (reasons.SCALED_TO_ZERO, reasons.SCALING_TO_ZERO)
"""Reasons of arms whose Pods the operator has taken down, or is about to."""


def former_routes(
    resource: BanditDeployment, before: Mapping[str, Any] | None, known: tuple[str, ...]
) -> tuple[str, ...]:
    """The routes that the resource named before and names no more, as KIND/NAME; newest first.

    Args:
        resource: by its spec of now.
        before: the spec that its weights went by, if they went by any.
        known: what this was before.
    """
    metadata = {"namespace": resource.metadata.namespace, "name": resource.metadata.name}
    try:
        was = None if before is None else route_in({"metadata": metadata, "spec": before})
    except UNREADABLE:
        was = None
    now = route_of(resource)
    named = [*([] if was is None else [f"{was.kind}/{was.name}"]), *known]
    return tuple(one for one in dict.fromkeys(named) if one != f"{now.kind}/{now.name}")[:MOST_ROUTES]


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
        f"{_named(one, namespace)} keeps the weights that it has, which nothing moves any more, not even off "
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
        f"{target} is no arm's any more and stays at 0, where the operator scaled it{many}: scale it up "
        f"yourself if it is to run, or delete it"
    )


def _running(target: str, has: int) -> str:
    return (
        f"{target} is no arm's any more; its arm was out, and it was last seen with {has} replicas, which "
        f"nobody takes down any more: scale it down yourself if it is not to run, or delete it"
    )


def still_used(cache: Cache, resource: BanditDeployment, former: tuple[str, ...]) -> dict[str, list[str]]:
    """Those of the former routes that send requests to arms, with these arms; none that others move by now.

    Args:
        cache: what the watches have brought.
        resource: whose routes they were.
        former: as ``former_routes``.
    """
    return {one: arms for one in former if (arms := _served(cache, resource, one))}


def _served(cache: Cache, resource: BanditDeployment, former: str) -> list[str]:
    kind, _, name = former.partition("/")
    namespace, uid = resource.metadata.namespace, resource.metadata.uid
    route = cache.routes.get((kind, namespace, name))
    moved_by = cache.sharing(uid, [(kind, namespace, name)])
    if route is None or moved_by or kind not in {known for _, known in ROUTERS}:
        return []
    router = router_of_kind(kind)
    return [arm for arm, backend in backends_of(resource).items() if router.uses(route, backend)]


def notes(resource: BanditDeployment, used: Mapping[str, list[str]]) -> tuple[str, ...]:
    """What is to be known of former routes that send requests to arms."""
    return tuple(
        f"{_named(one, resource.metadata.namespace)}, which was this resource's route, still gives weight to "
        f"{', '.join(arms)}, and nothing moves that any more: delete it, or take these out of it"
        for one, arms in used.items()
    )


def trouble(
    resource: BanditDeployment, used: Mapping[str, list[str]], arms: Mapping[str, ArmFacts]
) -> Problem | None:
    """What is wrong where a former route sends requests to arms that cannot serve."""
    failing = {
        one: [f"{arm} ({fault.reason})" for arm in served if (fault := servable.fault(arms[arm])) is not None]
        for one, served in used.items()
    }
    words = [
        f"{_named(one, resource.metadata.namespace)}, which was this resource's route, still gives weight to "
        f"{', '.join(dead)}, so that requests there fail, and nothing moves it any more: delete it, or set "
        f"that weight to 0"
        for one, dead in failing.items()
        if dead
    ]
    return Problem(reasons.LEFT_BEHIND, "; ".join(words)) if words else None


def _named(former: str, namespace: str) -> str:
    kind, _, name = former.partition("/")
    return f"{kind} {namespace}/{name}"


def _own(resource: BanditDeployment) -> str:
    route = route_of(resource)
    return f"{route.kind} {route.namespace}/{route.name}"
