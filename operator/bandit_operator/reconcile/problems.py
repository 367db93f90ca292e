"""What is said of a spec that names what is not there, or may not be read, with the fix."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from bandit_operator.api.references import KindKey, ScaleTargetReference, route_of
from bandit_operator.api.route_template import OWNER
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core import reasons, servable
from bandit_operator.core.model import ArmFacts, ArmStanding, ArmState, Backend, Problem
from bandit_operator.errors import APIError, APIUnreachable
from bandit_operator.routers import Located

MOST_NAMED = 10
"""Most backends of a rule, or gateways of a route, that a message names."""


def together(problems: Iterable[Problem | None]) -> Problem | None:
    """Several problems as one of the first's reason; None where there is none."""
    found = [one for one in problems if one is not None]
    return Problem(found[0].reason, "; ".join(one.message for one in found)) if found else None


def status_not_kept(names: Sequence[str]) -> Problem:
    """What is said where the API server drops the part of a status to which these names lead."""
    return Problem(
        reasons.STATUS_NOT_KEPT,
        f"the API server does not keep status.{'.'.join(names)}, so that nothing new is decided: the "
        "definition of BanditDeployment that is installed is older than the operator; "
        "apply the one that comes with its chart (files/crd.yaml, kubectl apply --server-side)",
    )


def template_not_kept(places: Sequence[str]) -> Problem:
    """What is said where the API server does not keep a generated route as its template says."""
    return Problem(
        reasons.TEMPLATE_NOT_KEPT,
        f"spec.traffic.routeTemplate: the API server does not keep {', '.join(places)} of the route as they "
        "are written: the Gateway API that is installed does not know them, or an admission webhook changes "
        "them; install a newer one, or leave them out of the template",
    )


def route_missing(resource: BanditDeployment) -> Problem:
    """The route that is named is not there."""
    words = f"there is no {_route(resource)}; create it, or name another"
    return Problem(reasons.ROUTE_NOT_FOUND, f"spec.traffic.routeRef.name: {words}")


def route_not_made(resource: BanditDeployment) -> Problem:
    """The route of a template is not there, and nothing is written in this mode."""
    mode = resource.spec.mode
    words = f"there is no {_route(resource)}, and in mode {mode} none is made; set spec.mode to Active"
    return Problem(reasons.ROUTE_NOT_FOUND, f"spec.traffic.routeTemplate: {words}")


def route_not_ours(resource: BanditDeployment) -> Problem:
    """A route of the template's name is there, and somebody else's."""
    return Problem(
        reasons.ROUTE_NOT_OURS,
        f"spec.traffic.routeTemplate: {_route(resource)} is there and was not made for this "
        f"BanditDeployment; delete it, choose another name in another resource, or hand it over by the "
        f"annotation {OWNER}: {resource.metadata.name}",
    )


def _route(resource: BanditDeployment) -> str:
    route = route_of(resource)
    return f"{route.kind} {route.namespace}/{route.name}"


def backend_unseen(arm: str, backend: Backend, error: APIError | APIUnreachable) -> Problem:
    """Whether an arm's backend can serve the API server does not say."""
    words = f"the API server does not show it: {error}"
    if isinstance(error, APIError) and error.status == 403:
        words = (
            "the operator may not read Services and EndpointSlices of the namespace "
            f"{backend.namespace}; ask whoever installed it to add that to the chart's value watchNamespaces"
        )
    message = f"spec.arms: whether {backend} of arm {arm} can serve is not known: {words}"
    return Problem(reasons.BACKEND_REFUSED, message)


def scale_target_missing(arm: str, reference: ScaleTargetReference) -> Problem:
    """An arm's scale target is not there."""
    return Problem(
        reasons.SCALE_TARGET_NOT_FOUND,
        f"spec.arms: scaleTargetRef of arm {arm} names {_target(reference)}, which does not exist; "
        f"create it, or leave scaleTargetRef out",
    )


def scale_target_refused(
    arm: str, reference: ScaleTargetReference, error: APIError | APIUnreachable
) -> Problem:
    """The API server does not show an arm's scale target."""
    words = f"the API server does not show the scale of {_target(reference)} of arm {arm}: {error}"
    if isinstance(error, APIError) and error.status == 403:
        words = (
            f"the operator may not read the scale of {_target(reference)} of arm {arm}; ask whoever "
            f"installed it to add the kind to the chart's value scalables"
        )
    return Problem(reasons.SCALE_TARGET_REFUSED, f"spec.arms: {words}")


def _target(reference: ScaleTargetReference) -> str:
    return f"{reference.kind} {reference.namespace}/{reference.name}"


def never_there(
    resource: BanditDeployment, arm: str, backend: Backend, located: Located, *, in_rule: bool, exists: bool
) -> Problem | None:
    """What is wrong with the backendRef of an arm that has never served."""
    if not in_rule:
        return Problem(
            reasons.BACKEND_NOT_FOUND,
            f"spec.arms: backendRef of arm {arm} ({backend}) is not in rule {located.rule} of "
            f"{_route(resource)}; "
            f"add it to its backendRefs once{_or_name(located)}",
        )
    if not exists:
        return Problem(
            reasons.BACKEND_NOT_FOUND,
            f"spec.arms: backendRef of arm {arm} names {backend}, which does not exist; create it",
        )
    return None


def not_behind(arm: str, backend: Backend, reference: ScaleTargetReference, other: KindKey) -> Problem:
    """An arm's scale target is not what its Service sends requests to."""
    kind, namespace, name = other
    return Problem(
        reasons.SCALE_TARGET_MISMATCH,
        f"spec.arms: scaleTargetRef of arm {arm} names {_target(reference)}, "
        f"and its {backend} sends requests to Pods of {kind} "
        f"{namespace}/{name}; name that one, or correct the Service's selector: until then no replicas are "
        f"changed for the arm",
    )


def same_pods(arm: str, backend: Backend, other: str, other_backend: Backend) -> Problem:
    """Requests for two arms are answered by the same Pods, at the same port."""
    return Problem(
        reasons.SHARED_PODS,
        f"spec.arms: {backend} of arm {arm} and {other_backend} of arm {other} send requests to the same "
        f"Pods at the same port, so that no weight chooses who answers; correct their selectors",
    )


def _or_name(located: Located) -> str:
    """What may be meant instead of a backend that is not in the rule: those in it that are no arm's."""
    there = sorted(set(map(str, located.other_backends.values())))
    more = f" and {len(there) - MOST_NAMED} more" if len(there) > MOST_NAMED else ""
    return f", or name one that is in it: {', '.join(there[:MOST_NAMED])}{more}" if there else ""


def of_template(problem: Problem) -> Problem:
    """The same of a route that is made, where no rule can be named."""
    if problem.reason != reasons.RULE_AMBIGUOUS:
        return problem
    words = "several rules of its route carry all arms; the operator made one of them: take the others out"
    return Problem(problem.reason, f"spec.traffic.routeTemplate: {words}")


def left_at_zero(
    standings: Mapping[str, ArmStanding], targets: Collection[str], facts: Mapping[str, ArmFacts]
) -> dict[str, str]:
    """What is to be done for arms that are to come back and have nothing that can be scaled up."""
    return {
        arm: f"{arm} has no scaleTargetRef: scale it up yourself, or name there what runs it"
        for arm, standing in standings.items()
        if standing.state is ArmState.RESTORING
        and arm in facts
        and arm not in targets
        and servable.fault(facts[arm]) is not None
    }
