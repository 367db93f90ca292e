"""Which label tells the arms' series apart."""

from __future__ import annotations

import re

from bandit_operator.api.fields import DEFAULT_ARM_LABEL
from bandit_operator.api.presets import Role, RoutedArms, Software
from bandit_operator.api.presets.base import ArmLabel
from bandit_operator.api.references import backends_of, route_of
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.routers import Located


def own_label(resource: BanditDeployment) -> ArmLabel:
    """The label that the user names, and its values."""
    label = resource.spec.reward.prometheus.arm_label or DEFAULT_ARM_LABEL
    return ArmLabel(label, tuple((arm.name, re.escape(arm.labelled)) for arm in resource.spec.arms))


def software_label(
    software: Software, resource: BanditDeployment, located: Located | None = None
) -> ArmLabel:
    """The label that the software has; the Pods of a model server may have one of the user's instead."""
    if software.role == Role.SERVER and resource.spec.reward.prometheus.arm_label is not None:
        return own_label(resource)
    return software.label(RoutedArms(route_of(resource), backends_of(resource), located))
