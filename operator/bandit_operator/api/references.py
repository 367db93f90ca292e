"""What a BanditDeployment refers to: its route, backends and scale targets.

Everything here is a frozen value that can be a key of a cache, with defaults resolved.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from bandit_operator.api.arm import BackendRef
from bandit_operator.api.fields import DEFAULT_ARM_LABEL
from bandit_operator.api.reward_counters import FURTHER_COUNTERS
from bandit_operator.api.route_template import TEMPLATE_GROUP, TEMPLATE_KIND
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.model import Backend
from bandit_operator.routers import ROUTERS, RouteReference, router_of_kind

Key = tuple[str, str]
"""(namespace, name)."""
KindKey = tuple[str, str, str]
"""(kind, namespace, name)."""


@dataclass(frozen=True, slots=True)
class ScaleTargetReference:
    """An object with a /scale subresource."""

    group: str
    version: str
    kind: str
    namespace: str
    name: str


def route_of(resource: BanditDeployment) -> RouteReference:
    """Return the reference to the route's rule: of a route that is named, or of the one that is made."""
    traffic, metadata = resource.spec.traffic, resource.metadata
    ref = traffic.route_ref
    if ref is not None:
        return RouteReference(ref.group, ref.kind, metadata.namespace, ref.name, ref.section_name)
    named = None if traffic.route_template is None else traffic.route_template.name
    return RouteReference(TEMPLATE_GROUP, TEMPLATE_KIND, metadata.namespace, named or metadata.name, None)


def route_in(body: Mapping[str, Any]) -> RouteReference:
    """Return the same of a resource as the API server sent it."""
    traffic, metadata = body["spec"]["traffic"], body["metadata"]
    ref = traffic.get("routeRef")
    if ref:
        group, section = ref.get("group") or TEMPLATE_GROUP, ref.get("sectionName")
        kind = ref.get("kind") or TEMPLATE_KIND
        return RouteReference(group, kind, metadata["namespace"], ref["name"], section)
    name = traffic["routeTemplate"].get("name") or metadata["name"]
    return RouteReference(TEMPLATE_GROUP, TEMPLATE_KIND, metadata["namespace"], name, None)


def identity_of(
    resource: BanditDeployment, arm: str, backend: Backend, target: ScaleTargetReference | None
) -> str:
    """Return a digest of what an arm's evidence is about, besides its Pod template."""
    value = next(one.label_value for one in resource.spec.arms if one.name == arm)
    series = resource.spec.reward.prometheus.arm_label or ""
    # What a default says is the same written out.
    if series == DEFAULT_ARM_LABEL and resource.spec.reward.prometheus.preset is None:
        series = ""
    if value is not None and value != arm:
        series = f"{series}={value}"
    return _digest(arm, series, backend, target)


@lru_cache(maxsize=16_384)  # of arms: each pass asks for it anew
def _digest(arm: str, series: str, backend: Backend, target: ScaleTargetReference | None) -> str:
    what = [arm, series, asdict(backend), None if target is None else asdict(target)]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]


_SERIES = (
    "successes",
    "trials",
    *(counter.field for counter in FURTHER_COUNTERS),
    "query",
    "samples",
    "preset",
    "implementation",
    "latencyTarget",
)
"""Fields of ``spec.reward.prometheus`` that say what a reward is, whoever stores it."""


def reward_series(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return by which metrics a spec that can be read has its rewards."""
    prometheus = (spec.get("reward") or {}).get("prometheus") or {}
    return {field: prometheus[field] for field in _SERIES if prometheus.get(field) is not None}


ROUTE_KINDS = tuple(kind for _, kind in ROUTERS)
"""Kinds of routes that can be named, sorted."""


def routes_of(kind: str) -> tuple[str, str, str]:
    """Return group, version and plural of the routes of a kind."""
    router = router_of_kind(kind)
    return router.group, router.version, router.plural


UNREADABLE = (AttributeError, KeyError, TypeError)
"""What reading a spec may raise of which the API server has not seen to the structure."""


@dataclass(frozen=True, slots=True)
class ArmReference:
    """What an arm of a spec as the API server sent it refers to."""

    name: str
    backend: Backend
    target: str | None
    """Name of its scale target, if it has one."""
    target_kind: str

    @property
    def pods(self) -> tuple[Backend, str | None, str]:
        """Backend and scale target, which say whose Pods they are."""
        return self.backend, self.target, self.target_kind


def arms_in(namespace: str, spec: Mapping[str, Any]) -> Iterator[ArmReference]:
    """Yield what the arms of a spec refer to; those that cannot be read are left out."""
    arms = spec.get("arms")
    for arm in arms if isinstance(arms, list | tuple) else ():
        try:
            ref, target = arm["backendRef"], arm.get("scaleTargetRef") or {}
            kind, place = ref.get("kind") or "Service", ref.get("namespace") or namespace
            yield ArmReference(
                str(arm.get("name")),
                Backend(str(ref.get("group") or ""), str(kind), str(place), str(ref["name"])),
                target.get("name"),
                str(target.get("kind") or "Deployment"),
            )
        except UNREADABLE:
            continue


def backends_of(resource: BanditDeployment) -> dict[str, Backend]:
    """Return each arm's backend, in the order of the spec."""
    return {arm.name: _backend(arm.backend_ref, resource.metadata.namespace) for arm in resource.spec.arms}


def _backend(ref: BackendRef, namespace: str) -> Backend:
    return Backend(ref.group, ref.kind, ref.namespace or namespace, ref.name)


def identities_of(resource: BanditDeployment) -> dict[str, str]:
    """Return each arm's identity, in the order of the spec, as :func:`identity_of`."""
    targets = scale_targets_of(resource)
    return {
        arm: identity_of(resource, arm, backend, targets.get(arm))
        for arm, backend in backends_of(resource).items()
    }


def scale_targets_of(resource: BanditDeployment) -> dict[str, ScaleTargetReference]:
    """Return the scale target of each arm that has one, in the order of the spec."""
    targets = {}
    for arm in resource.spec.arms:
        target = arm.scale_target_ref
        if target is not None:
            group, _, version = target.api_version.rpartition("/")
            targets[arm.name] = ScaleTargetReference(
                group, version, target.kind, resource.metadata.namespace, target.name
            )
    return targets
