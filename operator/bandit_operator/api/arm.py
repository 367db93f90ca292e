"""One arm of a BanditDeployment, and what must tell arms apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from bandit_operator.api.fields import (
    ApiGroup,
    ApiModel,
    ApiVersion,
    ArmName,
    Kind,
    LabelValue,
    Namespace,
    Number,
    ObjectName,
)
from bandit_operator.api.route_template import Port
from bandit_operator.api.rules import DecimalString, Rule
from bandit_operator.api.shadow import Onboarding
from bandit_operator.api.validation import score_rules


class BackendRef(ApiModel):
    """One backend of the route's rule, written as the route writes it."""

    group: ApiGroup = ""
    """API group of the backend; empty for a Service."""
    kind: Kind = "Service"
    """Kind of the backend: Service, or any other that the gateway knows, such as InferencePool."""
    name: ObjectName
    """Name of the backend."""
    namespace: Namespace | None = None
    """Namespace of the backend, where the route names one. Default: that of the route."""
    port: Port | None = None
    """Port of the backend, for a route that is made from routeTemplate; another route has its own."""


class ScaleTargetRef(ApiModel):
    """What runs the Pods of an arm: a Deployment, or anything else with a /scale subresource."""

    api_version: ApiVersion = "apps/v1"
    """API group and version of the target."""
    kind: Kind = "Deployment"
    """Kind of the target."""
    name: ObjectName
    """Name of the target, in the namespace of this resource."""


class ArmWish(StrEnum):
    """Whether an arm is to be in the traffic."""

    IN = "In"
    """It serves what the strategy gives it."""
    OUT = "Out"
    """It is drained, and stays out."""


class Arm(ApiModel):
    """One version of the model."""

    RULES: ClassVar = score_rules()

    name: ArmName
    """Name of the arm, unique in this resource: the value of the arm label in the metrics, unless labelValue
    says otherwise.
    """
    label_value: LabelValue | None = None
    """Value of the arm label in the metrics where it is not the arm's name, such as v1.2.0 or
    Model_A. See reward.prometheus.armLabel; presets that tell arms apart by their backends do not
    look at it. With another value the arm's evidence begins anew.
    """
    backend_ref: BackendRef
    """Backend of the route's rule that serves this arm; its weight is what the operator sets."""
    scale_target_ref: ScaleTargetRef | None = None
    """What is scaled to zero after a rollback. Without it a loser gets no traffic and keeps
    its Pods, and a new version is noticed where the Pods behind its Service are those of one
    Deployment or StatefulSet.
    """
    validation_score: Number | None = None
    """Score of the arm in offline validation; higher is better. Strategies that
    learn weigh it beside the rewards for as long as these bear it out, see validationScale.
    """
    validation_samples: Annotated[int | None, Field(ge=1, le=1_000_000_000, strict=True)] = None
    """Labelled rows that validationScore was measured on, from which its standard error follows: for scores
    between 0 and 1, such as an accuracy. Leave it out, or give validationStandardError, otherwise.
    """
    validation_standard_error: Annotated[
        str | None, DecimalString("0", exclusive_minimum=True, example="0.004")
    ] = None
    """Standard error of validationScore, in its units. The larger it is, the less the score weighs."""
    state: ArmWish = ArmWish.IN
    """Whether it is to be in the traffic. Out: it goes down as after a verdict (weight 0, accepted,
    requests over, and replicas 0 where rollback.scaleToZero says so), unless no other arm can serve.
    In: it serves; one that was Out comes back as after a rollback, with a small share.
    """
    onboarding: Onboarding = Onboarding.SERVE
    """How it begins when it is new or tried again. Serve: with a small share of the traffic, see
    guardrails.newArmShare. Shadow: it answers copies alone, which no user sees, until spec.shadow has
    shown it to be no worse than the baseline by more than margin.
    """

    @property
    def labelled(self) -> str:
        """The value of the arm label on the arm's series."""
        return self.label_value or self.name


def _differ(parts: Iterable[ApiModel | None]) -> bool:
    """Whether no two of these are the same; None does not count."""
    known = [part for part in parts if part is not None]
    return len(set(known)) == len(known)


def _without_port(arm: Arm) -> BackendRef:
    return arm.backend_ref.model_copy(update={"port": None})


# `namespace` is a reserved word of CEL, which Kubernetes escapes by underscores.
_SAME_BACKEND = (
    "b.backendRef.name == a.backendRef.name && b.backendRef.kind == a.backendRef.kind"
    " && b.backendRef.group == a.backendRef.group"
    " && has(b.backendRef.__namespace__) == has(a.backendRef.__namespace__)"
    " && (!has(b.backendRef.__namespace__) || b.backendRef.__namespace__ == a.backendRef.__namespace__)"
)
_SAME_TARGET = (
    "has(b.scaleTargetRef) && b.scaleTargetRef.name == a.scaleTargetRef.name"
    " && b.scaleTargetRef.kind == a.scaleTargetRef.kind"
    " && b.scaleTargetRef.apiVersion == a.scaleTargetRef.apiVersion"
)


def same_object(arms: Iterable[Arm], namespace: str) -> str | None:
    """Say which two arms name one object in different words, or None where no two do.

    What a default or another version of an API says too no rule can see, for CEL knows no namespace.

    Args:
        arms: Those of one spec.
        namespace: That of the resource.
    """
    backends: dict[object, str] = {}
    targets: dict[object, str] = {}
    for arm in arms:
        ref, target = arm.backend_ref, arm.scale_target_ref
        other = backends.setdefault((ref.group, ref.kind, ref.namespace or namespace, ref.name), arm.name)
        if other != arm.name:
            return (
                f"spec.arms: {other} and {arm.name} have the same backendRef, {ref.kind}"
                f" {ref.namespace or namespace}/{ref.name}; give each arm a backend of its own"
            )
        if target is not None:
            group = target.api_version.rpartition("/")[0]
            other = targets.setdefault((group, target.kind, target.name), arm.name)
            if other != arm.name:
                return (
                    f"spec.arms: {other} and {arm.name} have the same scaleTargetRef, {target.kind}"
                    f" {target.name}, and rolling back one would stop both; give each arm a target of its own"
                )
    return None


def _label_value(arm: str) -> str:
    """``Arm.labelled`` in CEL, of a variable."""
    return f"(has({arm}.labelValue) ? {arm}.labelValue : {arm}.name)"


def arms_rules() -> Iterator[Rule]:
    """Yield the rules of ``spec`` about what no two arms may share."""
    yield Rule(
        f"self.arms.all(a, self.arms.exists_one(b, {_SAME_BACKEND}))",
        "two arms have the same backendRef; give each arm a backend of its own",
        holds=lambda spec: _differ(map(_without_port, spec.arms)),
        field=".arms",
    )
    yield Rule(
        f"self.arms.all(a, !has(a.scaleTargetRef) || self.arms.exists_one(b, {_SAME_TARGET}))",
        "two arms have the same scaleTargetRef, and rolling back one would stop both;"
        " give each arm a target of its own",
        holds=lambda spec: _differ(arm.scale_target_ref for arm in spec.arms),
        field=".arms",
    )
    yield Rule(
        f"self.arms.all(a, self.arms.exists_one(b, {_label_value('b')} == {_label_value('a')}))",
        "the series of two arms have the same label value; give each arm a labelValue of its own"
        " (without one it is the arm's name)",
        holds=lambda spec: len({arm.labelled for arm in spec.arms}) == len(spec.arms),
        field=".arms",
    )
