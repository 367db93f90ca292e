"""What a BanditDeployment refers to: its route, backends, scale targets and reward source.

Everything here is a frozen value that can be a key of a cache, with defaults resolved.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bandit_operator.api.reward import Preset
from bandit_operator.api.rules import parse_duration
from bandit_operator.api.spec import BackendRef
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
class ArmLabel:
    """The label that tells the arms' series apart.

    ``patterns`` gives for each arm the regular expression that the whole value matches.
    """

    name: str
    patterns: tuple[tuple[str, str], ...]

    def arm_of(self, value: str) -> str | None:
        """Return the arm that a value of the label belongs to, or None for a stranger's."""
        for arm, pattern in self.patterns:
            if re.fullmatch(pattern, value):
                return arm
        return None

    @property
    def any_arm(self) -> str:
        """One regular expression that the values of all arms match, for use in PromQL."""
        return "|".join(pattern for _, pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class PrometheusSource:
    """Where the rewards are.

    ``address`` is None where the operator's own default counts. ``settle`` is the time in
    seconds after which the counters of a moment are complete.
    """

    address: str | None
    reader: Counters | Queries
    label: ArmLabel
    settle: float


@dataclass(frozen=True, slots=True)
class RequestCounter:
    """Selector of the counter of the requests that reach the backends."""

    selector: str
    label: ArmLabel


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
    source = resource.spec.reward.prometheus
    label = _own_label(resource)
    reader: Counters | Queries
    if source.preset is Preset.GATEWAY_SUCCESS:
        label = _traefik_label(resource)
        service = f'service=~"{_quoted(label.any_arm)}"'
        reader = Counters(
            successes=f'{TRAEFIK_REQUESTS}{{{service},code!~"5.."}}',
            trials=f"{TRAEFIK_REQUESTS}{{{service}}}",
        )
    elif source.query is not None and source.samples is not None:
        reader = Queries(source.query, source.samples)
    else:
        # The model admits no fourth way: successes and trials are both set.
        reader = Counters(source.successes or "", source.trials or "")
    return PrometheusSource(source.address, reader, label, parse_duration(source.settle))


def requests_of(resource: BanditDeployment) -> RequestCounter | None:
    """Return the counter of the backends' requests, or None where the user named none."""
    selector = resource.spec.rollback.requests
    if selector is None:
        return None
    by_service = selector.lstrip().startswith(TRAEFIK_REQUESTS)
    return RequestCounter(selector, _traefik_label(resource) if by_service else _own_label(resource))


def _own_label(resource: BanditDeployment) -> ArmLabel:
    names = (arm.name for arm in resource.spec.arms)
    return ArmLabel(
        resource.spec.reward.prometheus.arm_label, tuple((name, re.escape(name)) for name in names)
    )


def _traefik_label(resource: BanditDeployment) -> ArmLabel:
    """Return how Traefik labels the backends of a Gateway API route.

    Since version 3.7 the name of the service begins with the route, the gateway and the
    rule; before that it was namespace, backend and port only.
    """
    route = route_of(resource)
    prefix = f"{route.kind.lower()}-{_traefik_name(route.namespace, route.name)}-gw-.+-svc-"
    patterns = (
        (arm, f"({prefix})?{_traefik_name(backend.namespace, backend.name)}-[0-9]+@kubernetesgateway")
        for arm, backend in backends_of(resource).items()
    )
    return ArmLabel("service", tuple(patterns))


def _traefik_name(*parts: str) -> str:
    """Return the parts joined as Traefik does, which replaces what is no letter or digit."""
    return "-".join(re.findall("[A-Za-z0-9]+", "-".join(parts)))


def _quoted(pattern: str) -> str:
    return pattern.replace("\\", "\\\\").replace('"', '\\"')
