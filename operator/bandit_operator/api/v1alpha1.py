"""BanditDeployment, version v1alpha1, and the way from it to the core's Experiment.

``parse`` reads what the API server (or a file) holds, ``to_experiment`` gives what the core
decides about, and ``bandit_operator.api.references`` gives what the adapters need: route,
backends, scale targets and the source of the rewards. All of it is pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, ValidationError

from bandit_operator.api import spec as api
from bandit_operator.api.arm import Arm, ArmWish, same_object
from bandit_operator.api.faults import sentence
from bandit_operator.api.fields import WITHOUT_RULES, ApiModel
from bandit_operator.api.guard import Guard
from bandit_operator.api.rules import Rule
from bandit_operator.api.shadow import Onboarding, mirrored_arm
from bandit_operator.api.status import Status
from bandit_operator.api.timestamps import from_timestamp
from bandit_operator.core import model as core
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.experiment import Guard as GuardSetting
from bandit_operator.core.quantities import parse_decimal, parse_duration
from bandit_operator.core.strategies import standard_error

MAX_NAME_LENGTH = 52


class InvalidResource(ValueError):
    """A resource that cannot run; the message names the field, the value and the fix."""


class Metadata(ApiModel):
    """What the operator reads of an object's metadata."""

    name: str
    """Name of the object."""
    namespace: str = "default"
    """Namespace of the object."""
    uid: str = ""
    """Distinguishes it from other objects of the same name, earlier and later."""
    generation: int = 0
    """Goes up with every change of the spec."""
    creation_timestamp: str | None = None
    """When it was made, as RFC 3339 writes it; None for an object that no API server has."""


class BanditDeployment(ApiModel):
    """Moves the traffic of one route to the best of several versions of a model.

    It learns online which version earns most, shifts the weights of the route's backends to
    it step by step, and takes losers out with a stated error probability.
    """

    RULES: ClassVar = (
        Rule(
            f"self.metadata.name.size() <= {MAX_NAME_LENGTH}",
            f"metadata.name is longer than {MAX_NAME_LENGTH} characters; choose a shorter one",
            holds=lambda resource: len(resource.metadata.name) <= MAX_NAME_LENGTH,
        ),
    )

    metadata: Metadata
    """Standard object metadata."""
    spec: api.Spec
    """What to move, between which arms, by which rewards, how boldly."""
    status: Status | None = Field(default=None)
    """What the operator reports, and what it must remember."""


def parse(resource: Mapping[str, Any]) -> BanditDeployment:
    """Return the resource without its status, with defaults filled in.

    Raises:
        InvalidResource: if it breaks the schema; the message lists every fault.
    """
    try:
        parsed = BanditDeployment.model_validate({**resource, "status": None})
    except ValidationError as error:
        raise InvalidResource("; ".join(_faults(error))) from error
    fault = _same_object(parsed)
    if fault is not None:
        raise InvalidResource(fault)
    return parsed


def parse_without_rules(resource: Mapping[str, Any]) -> BanditDeployment:
    """Return a resource of which some version of the operator has kept the rules before, likewise.

    Raises:
        InvalidResource: if its structure cannot be read.
    """
    try:
        return BanditDeployment.model_validate({**resource, "status": None}, context=WITHOUT_RULES)
    except ValidationError as error:
        raise InvalidResource("; ".join(_faults(error))) from error


def faults_of(resource: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with a resource, one sentence each: field, value and fix."""
    try:
        parsed = BanditDeployment.model_validate({**resource, "status": None})
        to_experiment(parsed)
    except ValidationError as error:
        return _faults(error)
    except InvalidResource as error:
        return [str(error)]
    fault = _same_object(parsed)
    return [] if fault is None else [fault]


def _same_object(resource: BanditDeployment) -> str | None:
    """Say which two references name one object in different words, which no rule can see."""
    spec, namespace = resource.spec, resource.metadata.namespace
    mirrored = mirrored_arm(spec, namespace)
    if mirrored is None:
        return same_object(spec.arms, namespace)
    return (
        f"spec.shadow.backendRef.name: it is the Service of arm {mirrored}, whose copies would count as"
        " requests of its users; name the Service of the shadow server"
    )


def _faults(error: ValidationError) -> list[str]:
    return [sentence(fault, BanditDeployment) for fault in error.errors()]


def to_experiment(resource: BanditDeployment) -> Experiment:
    """Return what the core decides about: numbers for strings, seconds for durations.

    Raises:
        InvalidResource: if the strategy refuses its settings.
    """
    spec = resource.spec
    try:
        strategy = spec.strategy.to_core()
    except ValueError as error:
        raise InvalidResource(f"spec.strategy: {error}") from error
    return Experiment(
        uid=resource.metadata.uid,
        arms=tuple(_arm(arm) for arm in spec.arms),
        baseline=spec.baseline,
        strategy=strategy,
        interval=parse_duration(spec.interval),
        mode=spec.mode,
        reward_type=spec.reward.type,
        delay=_delay(spec),
        stale_after=parse_duration(spec.reward.stale_after),
        max_trials_per_second=_number(spec.reward.max_trials_per_second),
        guardrails=_guardrails(spec.guardrails),
        rollback=_rollback(spec.rollback),
        promotion=core.Promotion(
            error_rate=parse_decimal(spec.promotion.error_rate),
            indifference=parse_decimal(spec.promotion.indifference),
            action=spec.promotion.action,
        ),
        deadline=_deadline(resource),
        guards=tuple(map(_guard, spec.guards or ())),
        shadow=_shadow(spec),
        pin=None if spec.pin is None else spec.pin.arm,
        validation_scale=spec.validation_scale,
    )


def _deadline(resource: BanditDeployment) -> float | None:
    made, longest = resource.metadata.creation_timestamp, resource.spec.max_duration
    if made is None or longest is None:
        return None
    try:
        return from_timestamp(made) + parse_duration(longest)
    except (ValueError, OverflowError) as error:
        raise InvalidResource(
            f'metadata.creationTimestamp: "{made[:40]}" is no time; leave it out'
        ) from error


def _arm(arm: Arm) -> core.Arm:
    return core.Arm(
        name=arm.name,
        validation_score=_number(arm.validation_score),
        validation_error=_validation_error(arm),
        out=arm.state is ArmWish.OUT,
        onboards_in_shadow=arm.onboarding is Onboarding.SHADOW,
    )


def _validation_error(arm: Arm) -> float | None:
    if arm.validation_samples is None or arm.validation_score is None:
        return _number(arm.validation_standard_error)
    return standard_error(parse_decimal(arm.validation_score), arm.validation_samples)


def _guard(guard: Guard) -> GuardSetting:
    bound = guard.below if guard.above is None else guard.above
    return GuardSetting(guard.name, parse_decimal(bound or "0"), guard.above is not None, guard.windows)


def _number(text: str | None) -> float | None:
    return None if text is None else parse_decimal(text)


def _shadow(spec: api.Spec) -> core.Shadow | None:
    shadow = spec.shadow
    if shadow is None:
        return None
    return core.Shadow(share=parse_decimal(shadow.share), margin=parse_decimal(shadow.margin))


def _delay(spec: api.Spec) -> core.Delay | None:
    delay = spec.reward.delay
    if delay is None:
        return None
    return core.Delay(median=parse_duration(delay.median), p95=parse_duration(delay.p95))


def _guardrails(guardrails: api.Guardrails) -> core.Guardrails:
    return core.Guardrails(
        min_trials=guardrails.min_trials,
        max_step=parse_decimal(guardrails.max_step),
        min_share=None if guardrails.min_share is None else parse_decimal(guardrails.min_share),
        min_change=parse_decimal(guardrails.min_change),
        new_arm_share=parse_decimal(guardrails.new_arm_share),
    )


def _rollback(rollback: api.Rollback) -> core.Rollback:
    return core.Rollback(
        error_rate=parse_decimal(rollback.error_rate),
        drain=max(parse_duration(rollback.drain), core.SHORTEST_DRAIN),
        requests_counted=rollback.requests is not None,
        scale_to_zero=rollback.scale_to_zero,
        retry_after=parse_duration(rollback.retry_after) or None,
    )
