"""Which label tells the arms' series apart."""

from __future__ import annotations

import re

from bandit_operator.api.references import backends_of, route_of
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.sources.base import ArmLabel


def own_label(resource: BanditDeployment) -> ArmLabel:
    """The label that the user names, whose value is the arm's name."""
    names = (arm.name for arm in resource.spec.arms)
    return ArmLabel(
        resource.spec.reward.prometheus.arm_label, tuple((name, re.escape(name)) for name in names)
    )


def traefik_label(resource: BanditDeployment) -> ArmLabel:
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
