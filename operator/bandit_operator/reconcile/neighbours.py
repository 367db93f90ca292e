"""Who else gives traffic to an arm's Pods: another route, another rule, another resource."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from bandit_operator.api.in_force import specs_of
from bandit_operator.api.references import KindKey, ScaleTargetReference, arms_in, backends_of, route_of
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core import servable
from bandit_operator.core.model import DOWN_STATES, ArmFacts, Backend, Problem
from bandit_operator.reconcile import problems
from bandit_operator.reconcile.backends import has_endpoints
from bandit_operator.routers import Located, router_of_kind
from bandit_operator.status.document import read_status
from bandit_operator.watch.cache import Cache
from bandit_operator.watch.endpoints import PodPort


def used_elsewhere(
    cache: Cache,
    resource: BanditDeployment,
    backend: Backend,
    reference: ScaleTargetReference | None,
    located: Located,
) -> str | None:
    """Who else gives traffic to these Pods: a route by whichever Service, a resource, or another arm.

    Another resource's arm uses them as well while that resource has not taken it out, be its weight 0: it may
    be what the resource goes back to.

    Args:
        cache: what the watches have brought.
        resource: whose arm it is.
        backend: the arm's backend.
        reference: the arm's scale target, if it has one.
        located: the rule whose weights the resource moves; the arm's own weight in it does not count.
    """
    user = _other_route(cache, resource, backend, located.rule)
    if user is not None or reference is None:
        return user
    target = (reference.kind, reference.namespace, reference.name)
    services = [Backend("", "Service", *one) for one in sorted(cache.endpoints.in_front_of(target))]
    for service in services:
        for arm, another in backends_of(resource).items():
            if another == service != backend and located.weights[arm] > 0:
                return f"arm {arm} by {service}"
        if any(
            one == service and located.other_weights[at] > 0 for at, one in located.other_backends.items()
        ):
            return f"rule {located.rule} itself by {service}"
        user = _other_route(cache, resource, service, located.rule)
        if user is not None:
            return f"{user} by {service}"
    return _other_resource(cache, resource, target, [backend, *services], located.rule)


def _other_resource(
    cache: Cache, resource: BanditDeployment, target: KindKey, backends: Collection[Backend], rule: int
) -> str | None:
    """Which other resource has an arm that it has not taken out, or gives weight to, over these Pods."""
    named = [target, *((one.kind, one.namespace, one.name) for one in backends)]
    for other in cache.sharing(resource.metadata.uid, named):
        metadata, states = other["metadata"], _states(other)
        arms = (arm for spec in specs_of(other) for arm in arms_in(metadata["namespace"], spec))
        using = (
            arm
            for arm in arms
            if (arm.target_kind, metadata["namespace"], arm.target) == target or arm.backend in backends
        )
        if any(
            states.get(arm.name) not in DOWN_STATES
            or _other_route(cache, resource, arm.backend, rule) is not None
            for arm in using
        ):
            return f"BanditDeployment {metadata['namespace']}/{metadata['name']}"
    return None


def _states(body: Mapping[str, Any]) -> dict[str, str]:
    """The states of a resource's arms by their names, as far as its status can be read."""
    status, _ = read_status(body)
    return {arm.name: arm.state for arm in status.arms or () if arm.state is not None}


def notes(
    cache: Cache,
    resource: BanditDeployment,
    backends: Mapping[str, Backend],
    located: Located,
    arms: Mapping[str, ArmFacts],
) -> tuple[str, ...]:
    """What is to be known of requests that reach arms otherwise than by their weights."""
    shared = same_pods(cache, backends, located)
    failing = {arm for arm, facts in arms.items() if servable.fault(facts) is not None}
    said = (
        _past_weights(cache, resource, backends, located, failing),
        None if shared is None else shared.message,
    )
    return tuple(one for one in said if one is not None)


def _past_weights(
    cache: Cache,
    resource: BanditDeployment,
    backends: Mapping[str, Backend],
    located: Located,
    failing: Collection[str],
) -> str | None:
    users = {arm: _other_route(cache, resource, backend, located.rule) for arm, backend in backends.items()}
    named = ", ".join(f"{arm} by {user}" for arm, user in users.items() if user is not None)
    if not named:
        return None
    dead = ", ".join(arm for arm, user in users.items() if user is not None and arm in failing)
    fail = f"; of these {dead} cannot serve, so that such requests fail" if dead else ""
    return (
        f"requests reach {named}, which no weight of this rule chooses: keep them out of spec.reward, for "
        f"arms are compared as if chance alone had chosen who meets which{fail}"
    )


def same_pods(cache: Cache, backends: Mapping[str, Backend], located: Located) -> Problem | None:
    """What is wrong where the Services of two arms select the same Pods; None where that is not known.

    Where one of the two backendRefs has filters of its own, the Pods may tell the arms apart by these.
    """
    seen: dict[PodPort, str] = {}
    for arm, backend in backends.items():
        if arm in located.rewritten or arm not in located.positions or backend.group:
            continue
        pods = cache.pods_at((backend.namespace, backend.name), located.ports.get(arm))
        others = {seen.setdefault(pod, arm) for pod in pods} - {arm}
        if others:
            other = next(one for one in backends if one in others)
            return problems.same_pods(other, backends[other], arm, backend)
    return None


def failing(cache: Cache, route: Mapping[str, Any], located: Located) -> dict[int, Backend]:
    """Backends of the rule that are no arm, have weight and are known to have no ready endpoint, by index."""
    refs = route["spec"]["rules"][located.rule].get("backendRefs") or []
    found = {}
    for at, backend in located.other_backends.items():
        service, port = (backend.namespace, backend.name), refs[at].get("port")
        known = has_endpoints(cache, backend) and cache.is_watched(backend.namespace)
        if not known or located.other_weights[at] == 0:
            continue
        if cache.ready_endpoints(service, port if isinstance(port, int) else None) == 0:
            found[at] = backend
    return found


def _other_route(cache: Cache, resource: BanditDeployment, backend: Backend, rule: int) -> str | None:
    own = route_of(resource)
    named = (backend.kind, backend.namespace, backend.name)
    for (kind, namespace, name), route in cache.routes_to(named):
        router = router_of_kind(kind)
        is_own = (kind, namespace, name) == (own.kind, own.namespace, own.name)
        if router.uses(route, backend, besides=rule if is_own else None):
            return f"another rule of {kind} {namespace}/{name}" if is_own else f"{kind} {namespace}/{name}"
    return None
