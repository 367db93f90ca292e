"""What a BanditDeployment refers to: its route, backends, scale targets and reward source.

Everything here is a frozen value that can be a key of a cache, with defaults resolved.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bandit_operator.api.reward import Preset
from bandit_operator.api.rules import parse_duration
from bandit_operator.api.spec import Arm, BackendRef
from bandit_operator.api.v1alpha1 import BanditDeployment

TRAEFIK_REQUESTS = "traefik_service_requests_total"


@dataclass(frozen=True, slots=True)
class RouteReference:
    """The route, and in it the rule, whose weights are moved.

    ``section`` is the name of the rule, or None where the rule is told by its backends.
    """

    group: str
    kind: str
    namespace: str
    name: str
    section: str | None


@dataclass(frozen=True, slots=True)
class BackendKey:
    """One backend of a rule; the route leaves out what is the default here."""

    group: str
    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class ScaleTarget:
    """An object with a /scale subresource."""

    group: str
    version: str
    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Counters:
    """Selectors of the two counters of an arm, which are read exactly."""

    successes: str
    trials: str


@dataclass(frozen=True, slots=True)
class Queries:
    """PromQL of an arm's mean reward in the window and of its number of samples.

    ``$window`` in both stands for the length of the window as a PromQL duration.
    """

    mean: str
    samples: str

    def for_window(self, seconds: float) -> Queries:
        """Return both with the length of the window in place of ``$window``."""
        window = f"{round(seconds * 1000)}ms" if seconds % 1 else f"{round(seconds)}s"
        return Queries(self.mean.replace("$window", window), self.samples.replace("$window", window))


@dataclass(frozen=True, slots=True)
class PrometheusSource:
    """Where the rewards are.

    ``address`` is None where the operator's own default counts, ``settle`` is in seconds.
    ``label_patterns`` gives for each arm the regular expression that the whole value of
    ``arm_label`` matches.
    """

    address: str | None
    reader: Counters | Queries
    arm_label: str
    label_patterns: Mapping[str, str]
    settle: float

    def arm_of(self, label_value: str) -> str | None:
        """Return the arm that a value of the label belongs to, or None for a stranger's."""
        for arm, pattern in self.label_patterns.items():
            if re.fullmatch(pattern, label_value):
                return arm
        return None


def route_of(resource: BanditDeployment) -> RouteReference:
    """Return the reference to the route's rule."""
    ref = resource.spec.traffic.route_ref
    return RouteReference(ref.group, ref.kind, resource.metadata.namespace, ref.name, ref.section_name)


def backends_of(resource: BanditDeployment) -> dict[str, BackendKey]:
    """Return each arm's backend, in the order of the spec."""
    return {arm.name: _backend(arm.backend_ref, resource.metadata.namespace) for arm in resource.spec.arms}


def _backend(ref: BackendRef, namespace: str) -> BackendKey:
    return BackendKey(ref.group, ref.kind, ref.namespace or namespace, ref.name)


def scale_targets_of(resource: BanditDeployment) -> dict[str, ScaleTarget]:
    """Return the scale target of each arm that has one, in the order of the spec."""
    targets = {}
    for arm in resource.spec.arms:
        target = arm.scale_target_ref
        if target is not None:
            group, _, version = target.api_version.rpartition("/")
            targets[arm.name] = ScaleTarget(
                group, version, target.kind, resource.metadata.namespace, target.name
            )
    return targets


def source_of(resource: BanditDeployment) -> PrometheusSource:
    """Return where the rewards are; a preset is resolved to the counters it stands for."""
    source, arms = resource.spec.reward.prometheus, resource.spec.arms
    label, patterns = source.arm_label, {arm.name: re.escape(arm.name) for arm in arms}
    reader: Counters | Queries
    if source.preset is Preset.GATEWAY_SUCCESS:
        patterns = {arm.name: _traefik_service(arm, resource.metadata.namespace) for arm in arms}
        label, services = "service", "|".join(patterns.values())
        services = services.replace("\\", "\\\\")
        reader = Counters(
            successes=f'{TRAEFIK_REQUESTS}{{service=~"{services}",code!~"5.."}}',
            trials=f'{TRAEFIK_REQUESTS}{{service=~"{services}"}}',
        )
    elif source.query is not None and source.samples is not None:
        reader = Queries(source.query, source.samples)
    else:
        # The model admits no fourth way: successes and trials are both set.
        reader = Counters(source.successes or "", source.trials or "")
    return PrometheusSource(source.address, reader, label, patterns, parse_duration(source.settle))


def _traefik_service(arm: Arm, namespace: str) -> str:
    """Return the pattern of the name that Traefik gives to a backend of a Gateway API route."""
    backend = _backend(arm.backend_ref, namespace)
    return f"{backend.namespace}-{re.escape(backend.name)}-[a-z]+-[0-9]+@kubernetesgateway"
