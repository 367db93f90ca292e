"""Which arm a series belongs to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bandit_operator.api.references import backends_of, route_of
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.sources.base import Sample
from bandit_operator.sources.promql import PART


@dataclass(frozen=True, slots=True)
class ArmLabel:
    """The label that tells the arms' series apart.

    ``patterns`` gives for each arm the regular expression that the whole value matches.
    """

    name: str
    patterns: tuple[tuple[str, str], ...]

    def arm_of(self, value: str) -> str | None:
        """The arm that a value of the label belongs to, or None for a stranger's."""
        for arm, pattern in self.patterns:
            if re.fullmatch(pattern, value):
                return arm
        return None

    @property
    def any_arm(self) -> str:
        """A regular expression that the values of all arms match, as the inside of a PromQL string."""
        joined = "|".join(pattern for _, pattern in self.patterns)
        return joined.replace("\\", "\\\\").replace('"', '\\"')

    def values(self, samples: Sequence[Sample], part: str) -> dict[str, float]:
        """Sum by arm of one part of an answer; an arm with no number in it is left out."""
        found: dict[str, float] = {}
        for sample in samples:
            arm = self.arm_of(sample.labels.get(self.name, ""))
            is_number = sample.value == sample.value
            if arm is not None and sample.labels.get(PART) == part and is_number:
                found[arm] = found.get(arm, 0.0) + sample.value
        return found


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
