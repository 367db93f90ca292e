"""Who else gives traffic to an arm's Pods: another route, another rule, another resource."""

from __future__ import annotations

from bandit_operator.api.in_force import specs_of
from bandit_operator.api.references import ScaleTargetReference, arms_in, route_of
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.model import Backend
from bandit_operator.routers import ROUTERS, Located
from bandit_operator.watch.cache import Cache


def used_elsewhere(
    cache: Cache,
    resource: BanditDeployment,
    backend: Backend,
    reference: ScaleTargetReference | None,
    located: Located,
) -> str | None:
    """Who else gives traffic to these Pods: a route, by whichever Service, or a resource by one of its own.

    Args:
        cache: what the watches have brought.
        resource: whose arm it is.
        backend: the arm's backend.
        reference: the arm's scale target, if it has one.
        located: the rule whose weights the resource moves, which does not count.
    """
    user = _other_route(cache, resource, backend, located.rule)
    if user is not None or reference is None:
        return user
    place = (reference.namespace, reference.name)
    for namespace, name in sorted(cache.endpoints.in_front_of((reference.kind, *place))):
        service = Backend("", "Service", namespace, name)
        user = _other_route(cache, resource, service, located.rule)
        if user is not None:
            return f"{user} by {service}"
    for other in cache.sharing_target(resource.metadata.uid, reference.kind, place):
        arms = (arm for spec in specs_of(other) for arm in arms_in(reference.namespace, spec))
        served = (arm.backend for arm in arms if arm.target == reference.name)
        if any(_other_route(cache, resource, one, located.rule) is not None for one in served):
            return f"BanditDeployment {other['metadata']['namespace']}/{other['metadata']['name']}"
    return None


def _other_route(cache: Cache, resource: BanditDeployment, backend: Backend, rule: int) -> str | None:
    own = route_of(resource)
    named = (backend.kind, backend.namespace, backend.name)
    for (kind, namespace, name), route in cache.routes_to(named):
        router = next(one for one in ROUTERS.values() if one.kind == kind)
        is_own = (kind, namespace, name) == (own.kind, own.namespace, own.name)
        if router.uses(route, backend, besides=rule if is_own else None):
            return f"another rule of {kind} {namespace}/{name}" if is_own else f"{kind} {namespace}/{name}"
    return None
