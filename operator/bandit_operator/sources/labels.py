"""Which label tells the arms' series apart."""

from __future__ import annotations

import re
from collections import Counter

from bandit_operator.api.references import backends_of, route_of
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.routers import Located
from bandit_operator.sources.base import ArmLabel


def own_label(resource: BanditDeployment) -> ArmLabel:
    """The label that the user names, whose value is the arm's name."""
    names = (arm.name for arm in resource.spec.arms)
    label = resource.spec.reward.prometheus.arm_label or "arm"
    return ArmLabel(label, tuple((name, re.escape(name)) for name in names))


def service_label(resource: BanditDeployment) -> ArmLabel:
    """The label that a ServiceMonitor adds to its targets: the name of the Service.

    Of arms whose Services have one name in several namespaces none is told: their Pods would be
    taken for each other's. Reference: Prometheus operator, API of ServiceMonitor.
    """
    backends = backends_of(resource)
    times = Counter(backend.name for backend in backends.values())
    names = ((arm, re.escape(one.name)) for arm, one in backends.items() if times[one.name] == 1)
    namespaces = "|".join(sorted({backend.namespace for backend in backends.values()}))
    return ArmLabel("service", tuple(names), beside=f'namespace=~"{namespaces}"')


def istio_label(
    resource: BanditDeployment,
    located: Located | None = None,  # noqa: ARG001 - as every label of a preset
) -> ArmLabel:
    """The host of the Service that a request was for."""
    hosts = (
        (arm, f"{re.escape(backend.name)}[.]{re.escape(backend.namespace)}[.]svc[.].+")
        for arm, backend in backends_of(resource).items()
    )
    return ArmLabel("destination_service", tuple(hosts))


def envoy_gateway_label(resource: BanditDeployment, located: Located | None) -> ArmLabel:
    """How Envoy Gateway names the cluster of one backendRef: by its place in the route.

    Without the route no arm can be told, and the label matches nothing.
    """
    route = route_of(resource)
    prefix = f"{route.kind.lower()}/{re.escape(route.namespace)}/{re.escape(route.name)}"
    positions = {} if located is None else located.positions
    rule = None if located is None else located.rule
    clusters = ((arm, f"{prefix}/rule/{rule}/backend/{place}") for arm, place in positions.items())
    return ArmLabel("envoy_cluster_name", tuple(clusters))


def traefik_label(
    resource: BanditDeployment,
    located: Located | None = None,  # noqa: ARG001 - as every label of a preset
) -> ArmLabel:
    """How Traefik labels the backends of a Gateway API route.

    Since version 3.7 the name of the service begins with the route, the gateway and the rule;
    before that it was namespace, backend and port only.
    """
    route = route_of(resource)
    prefix = f"{route.kind.lower()}-{_traefik_name(route.namespace, route.name)}-gw-.+-svc-"
    patterns = (
        (arm, f"({prefix})?{_traefik_name(backend.namespace, backend.name)}-[0-9]+@kubernetesgateway")
        for arm, backend in backends_of(resource).items()
    )
    return ArmLabel("service", tuple(patterns))


def _traefik_name(*parts: str) -> str:
    """The parts joined as Traefik does, which replaces what is no letter or digit."""
    return "-".join(re.findall("[A-Za-z0-9]+", "-".join(parts)))
