"""Conditions and phase, from what happened. Pure.

Conditions follow the Kubernetes API conventions: a condition's time moves only when its
status does, and ``kubectl wait`` and GitOps health checks (kstatus) read ``Ready``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from bandit_operator.api.acts import ActKind
from bandit_operator.api.fields import cut
from bandit_operator.api.status import Condition, ConditionType, Phase
from bandit_operator.api.timestamps import to_timestamp
from bandit_operator.core import reasons
from bandit_operator.core.decision import Decision
from bandit_operator.core.experiment import IS_OVER, Experiment
from bandit_operator.core.model import SERVING_STATES, ArmState, Mode, Problem
from bandit_operator.status import fresh, shadow
from bandit_operator.status.acts import newest, who_and_why
from bandit_operator.status.overview import Overview

DEADLINE_SECONDS = 600.0
"""How long an arm may be on its way back: the default of a Deployment's ``progressDeadlineSeconds``."""


def phase_of(overview: Overview) -> Phase:
    """The state of the whole in one word."""
    decision, experiment = overview.decision, overview.experiment
    amiss = overview.amiss is not None and overview.amiss.reason == reasons.INVALID_SPEC
    if overview.problem is not None or experiment is None or amiss:
        return Phase.REJECTED
    if experiment.mode is Mode.PAUSED:
        return Phase.PAUSED
    if experiment.mode is Mode.OBSERVE:
        return Phase.OBSERVING
    if experiment.pin is not None:
        return Phase.PINNED
    if decision is None or decision.reason == reasons.FIRST_WINDOW:
        return Phase.PENDING
    if any(standing.state is ArmState.DRAINING for standing in decision.standings.values()):
        return Phase.ROLLING_BACK
    if overview.held is not None:
        return Phase.HOLDING
    if _verdict(overview) is not None:
        return Phase.DECIDED
    return Phase.PENDING if overview.rewards_until is None else Phase.LEARNING


def conditions_of(overview: Overview, before: Mapping[str, Condition]) -> list[Condition]:
    """All six conditions, and the shadow's where one is, with the times of those that are as they were."""
    claims = {
        ConditionType.ACCEPTED: _accepted(overview),
        ConditionType.METRICS_AVAILABLE: _metrics_available(
            overview, before.get(ConditionType.METRICS_AVAILABLE)
        ),
        ConditionType.TRAFFIC_IN_SYNC: _traffic_in_sync(overview),
        ConditionType.PROGRESSING: _progressing(overview),
        ConditionType.DECIDED: _decided(overview, before.get(ConditionType.DECIDED)),
    }
    if overview.experiment is not None and overview.experiment.shadow is not None:
        kind = ConditionType.SHADOW_AVAILABLE
        claims[kind] = _shadow_available(overview, overview.experiment, before.get(kind))
    claims[ConditionType.READY] = _rivalled(overview) or _ready(overview, claims)
    return [_condition(kind, claim, overview, before) for kind, claim in claims.items()]


Status = Literal["True", "False", "Unknown"]
Claim = tuple[Status, str, str]
"""(status, reason, message) of one condition."""


def _condition(
    kind: ConditionType, claim: Claim, overview: Overview, before: Mapping[str, Condition]
) -> Condition:
    status, reason, message = claim
    message = cut(message)
    old = before.get(kind)
    said = None if old is None else (old.status, old.reason, old.message, old.observed_generation)
    if old is not None and said == (status, reason, message, overview.generation):
        return old
    since = old.last_transition_time if old and old.status == status else to_timestamp(overview.now)
    return Condition(
        type=kind,
        status=status,
        observed_generation=overview.generation,
        last_transition_time=since,
        reason=reason,
        message=message,
    )


def _accepted(overview: Overview) -> Claim:
    problem = overview.problem or overview.amiss
    if problem is not None:
        return "False", problem.reason, problem.message
    carried = f"the route carries all arms{_but_missing(overview)}"
    return "True", reasons.ACCEPTED, "; ".join((carried, *overview.besides))


def _but_missing(overview: Overview) -> str:
    """The arms that the route does not carry, to follow “all arms”; empty where there are none."""
    standings = {} if overview.decision is None else overview.decision.standings
    out = [arm for arm, one in standings.items() if one.reason == reasons.BACKEND_NOT_IN_RULE]
    return f" but {', '.join(out)}" if out else ""


def _metrics_available(overview: Overview, before: Condition | None) -> Claim:
    decision, experiment = overview.decision, overview.experiment
    if experiment is not None and experiment.mode is Mode.PAUSED:
        return "Unknown", reasons.PAUSED, f"rewards are not read: {_paused(overview)}"
    if decision is None or experiment is None:
        return "Unknown", reasons.WAITING, "nothing has been read yet"
    held = overview.held
    if held is not None and held.reason in reasons.RULE_NOT_IDENTIFIED:
        return "Unknown", held.reason, "rewards are read once the spec tells the rule of the route again"
    if held is not None and held.reason == reasons.INVALID_SPEC:
        return "Unknown", held.reason, "rewards are read once the spec can be read again"
    if held is not None and held.reason == reasons.STATUS_NOT_KEPT:
        return "Unknown", held.reason, "rewards are read once what is learned from them is kept"
    if held is not None and held.reason == reasons.SESSION_PERSISTENCE:
        words = "rewards are learned again once the rule no longer keeps clients with their arms"
        return "Unknown", held.reason, words
    if held is not None and held.reason in _WITHOUT_METRICS:
        return "False", held.reason, held.message
    if overview.rewards_until is None:
        return (
            "Unknown",
            reasons.WAITING,
            "no reward has been read yet; if requests are answered, see whether what spec.reward names grows",
        )
    if decision.delay_profile_suspect:
        return (
            "False",
            reasons.DELAY_PROFILE_SUSPECT,
            "labels do not come as spec.reward.delay says; measure how late they are, "
            "and correct median and p95",
        )
    age = overview.now - overview.rewards_until
    hanging = fresh.hanging_update(overview.now, experiment, decision)
    nobody_else = held is not None and held.reason == reasons.ROLLING_UPDATE
    if age > experiment.stale_after and not (hanging and nobody_else):
        return (
            "False",
            reasons.NO_REWARDS,
            f"no arm has earned a reward for longer than {experiment.stale_after:g} s",
        )
    if hanging is not None:
        return "False", reasons.ROLLING_UPDATE, "; ".join((hanging, *_hindered(overview)))
    return "True", *fresh.said(overview.generation, experiment, decision, before)


_WITHOUT_METRICS = reasons.SOURCE_FAULTS | reasons.IMPLAUSIBLE | {reasons.NO_DATA}
"""What holds for want of rewards that can be believed."""


def _traffic_in_sync(overview: Overview) -> Claim:
    if not overview.route.known:
        return "Unknown", reasons.WAITING, "the route has not been looked at"
    held = overview.held
    if held is not None and held.reason in (reasons.NO_ARM_AVAILABLE, reasons.NO_SHARE):
        return "False", held.reason, "; ".join((held.message, *_hindered(overview)))
    if overview.route.trouble is not None:
        return "False", overview.route.trouble.reason, overview.route.trouble.message
    if overview.unscaled is not None:
        return "False", reasons.WRITE_REFUSED, overview.unscaled
    if held is not None and held.reason == reasons.SESSION_PERSISTENCE:
        return "False", held.reason, held.message
    trouble = _pin_trouble(overview)
    if trouble is not None:
        return "False", reasons.PINNED_ARM_CANNOT_SERVE, trouble
    observed = _observed_trouble(overview)
    if observed is not None:
        return "False", observed.reason, observed.message
    return "True", reasons.IN_SYNC, f"the route carries the intended weights{_reservations(overview)}"


def _hindered(overview: Overview, arm: str | None = None) -> tuple[str, ...]:
    """Why the Pods of this arm do not come, or those of any arm, as far as is known."""
    return tuple(words for one, words in overview.hindered.items() if arm in (one, None))


def _reservations(overview: Overview) -> str:
    """What is to be said of weights that are written with those of other resources, or that nobody sees."""
    at, unseen = overview.route.write_at, overview.route.unseen
    said = ""
    if at is not None and at > overview.now:
        said = f" from {to_timestamp(at)} on, when those of many resources are written together"
    return said if unseen is None else f"{said}; {unseen}"


def _paused(overview: Overview) -> str:
    return f"spec.mode is Paused{who_and_why(newest(overview.acts, ActKind.PAUSED))}"


def _pinned(overview: Overview) -> str | None:
    """What is to be said of a pin that is obeyed, or None where there is none."""
    experiment = overview.experiment
    if experiment is None or experiment.pin is None or experiment.mode is not Mode.ACTIVE:
        return None
    who = who_and_why(newest(overview.acts, ActKind.PINNED, experiment.pin))
    return f"all traffic goes to {experiment.pin}, and no verdict takes an arm out meanwhile{who}"


def _pin_trouble(overview: Overview) -> str | None:
    """What is wrong where the pinned arm cannot serve."""
    decision, experiment = overview.decision, overview.experiment
    if decision is None or experiment is None or _pinned(overview) is None or experiment.pin is None:
        return None
    standing = decision.standings[experiment.pin]
    if standing.state in SERVING_STATES:
        return None
    others = [arm for arm, weight in decision.weights.items() if weight > 0 and arm != experiment.pin]
    return (
        f"spec.pin names {experiment.pin}, which cannot serve"
        f" ({'; '.join((standing.reason, *_hindered(overview, experiment.pin)))});"
        f" meanwhile the traffic goes to {', '.join(others) or 'no arm'}; pin another arm, or fix this one"
    )


def _observed_trouble(overview: Overview) -> Problem | None:
    """Weight on an arm that cannot serve, or on nothing at all, which in mode Observe stays as it is."""
    decision, experiment = overview.decision, overview.experiment
    if decision is None or experiment is None or experiment.mode is not Mode.OBSERVE:
        return None
    if not any(decision.weights.values()):
        words = "the route gives weight to no backend, so that requests fail; spec.mode is Observe, so that"
        return Problem(
            reasons.NO_SHARE, f"{words} it stays: give an arm some weight, or set spec.mode to Active"
        )
    if not overview.unserved:
        return None
    arms = ", ".join(
        f"{arm} ({'; '.join((reason, *_hindered(overview, arm)))})"
        for arm, reason in overview.unserved.items()
    )
    words = f"the route gives weight to {arms}, which cannot serve; spec.mode is Observe, so that it stays"
    reason = next(iter(overview.unserved.values()))
    return Problem(reason, f"{words}: take the weight, or set spec.mode to Active")


def _progressing(overview: Overview) -> Claim:
    decision, experiment = overview.decision, overview.experiment
    if experiment is not None and experiment.mode is Mode.PAUSED:
        return "False", reasons.PAUSED, f"nothing is decided: {_paused(overview)}"
    if decision is None or experiment is None:
        return "Unknown", reasons.WAITING, "nothing has been decided yet"
    late = _late(overview.now, experiment, decision)
    moving = [
        "; ".join((f"{arm} is {standing.state}{late.get(arm, '')}", *_hindered(overview, arm)))
        for arm, standing in decision.standings.items()
        if standing.state not in (ArmState.ACTIVE, ArmState.ROLLED_BACK)
    ]
    pinned = _pinned(overview)
    if pinned is not None:
        return "False", reasons.PINNED, "; ".join((pinned, *moving))
    if late:
        return "False", reasons.PROGRESS_DEADLINE_EXCEEDED, "; ".join(moving)
    if moving:
        return "True", reasons.EXPLORING, "; ".join(moving)
    verdict = _verdict(overview)
    return ("True", *_NO_VERDICT) if verdict is None else ("False", *verdict)


def _late(now: float, experiment: Experiment, decision: Decision) -> dict[str, str]:
    """Arms whose Pods should have come by now, with what is to be said of each.

    Since when, and not for how long: what is said does not change with each look.
    """
    if experiment.mode is not Mode.ACTIVE:
        return {}  # nobody brings them up
    return {
        arm: f" since {to_timestamp(standing.since)}, and none of its Pods can serve"
        for arm, standing in decision.standings.items()
        if standing.state is ArmState.RESTORING and now - standing.since > DEADLINE_SECONDS
    }


_NO_VERDICT = (reasons.EXPLORING, "no arm is proven best yet")


def _without_baseline(overview: Overview) -> tuple[str, str] | None:
    """What is to be said while the baseline cannot serve, or None where it can.

    Traffic goes where it can be served all the same. But an arm that is worse keeps its share meanwhile,
    and who relies on verdicts must be told.
    """
    decision, experiment = overview.decision, overview.experiment
    if decision is None or experiment is None:
        return None
    standing = decision.standings[experiment.baseline]
    if standing.state in SERVING_STATES:
        return None
    return reasons.BASELINE_UNAVAILABLE, (
        f"the baseline {experiment.baseline} is {standing.state} "
        f"({'; '.join((standing.reason, *_hindered(overview, experiment.baseline)))}): verdicts compare with "
        "it, so that a worse arm may keep its share meanwhile; fix it, or name another spec.baseline"
    )


def _verdict(overview: Overview) -> tuple[str, str] | None:
    """What stands, as a reason and in words; None where there is nothing to go by yet."""
    decision, experiment = overview.decision, overview.experiment
    if decision is None or experiment is None:
        return None
    if decision.promoted is not None:
        return reasons.PROMOTED, decision.win
    if decision.no_material_difference:
        return reasons.NO_MATERIAL_DIFFERENCE, "the arms lie within promotion.indifference of each other"
    if experiment.is_over(overview.now):
        return reasons.MAX_DURATION_REACHED, IS_OVER
    return None


def _decided(overview: Overview, before: Condition | None) -> Claim:
    """Whether a verdict stands; where nothing is decided now, as in mode Paused, what was said stays."""
    if overview.decision is None:
        if before is not None:
            return before.status, before.reason, before.message
        return "Unknown", reasons.WAITING, "nothing has been decided yet"
    verdict = _verdict(overview)
    if verdict is None:
        return "False", *(_without_baseline(overview) or _NO_VERDICT)
    return "True", *verdict


def _shadow_available(overview: Overview, experiment: Experiment, before: Condition | None) -> Claim:
    """Whether the shadow can be learned from; where no window has been read yet, what was said stays."""
    if experiment.mode is Mode.PAUSED:
        return "Unknown", reasons.PAUSED, f"rewards are not read: {_paused(overview)}"
    state, decision = overview.shadow, overview.decision
    trouble = None if decision is None else shadow.trouble_of(state, experiment, decision)
    if trouble is not None:
        return "False", trouble.reason, trouble.message
    if state.window is None:
        if before is not None and before.reason not in _OF_THE_MIRROR:
            return before.status, before.reason, before.message
        return "Unknown", reasons.WAITING, "nothing of the shadow has been read yet"
    return "True", reasons.REWARDS_OBSERVED, shadow.figures(state)


_OF_THE_MIRROR = {reasons.MIRROR_REFUSED, reasons.MIRROR_SHARED, reasons.MIRROR_UNSUPPORTED}
"""What is known without a window, and so over once it is not said any more."""


def _rivalled(overview: Overview) -> Claim | None:
    if overview.rival is None:
        return None
    message = (
        f"another operator, of the lease {overview.rival}, works on this resource, too; uninstall one of the "
        f"two, or let each watch other namespaces"
    )
    return "False", reasons.OTHER_OPERATOR, message


def _ready(overview: Overview, claims: Mapping[ConditionType, Claim]) -> Claim:
    """True when the spec runs, rewards come in, the route is as intended, and the baseline serves."""
    experiment = overview.experiment
    needed = [ConditionType.ACCEPTED, ConditionType.TRAFFIC_IN_SYNC, ConditionType.METRICS_AVAILABLE]
    if experiment is not None and shadow.rests_on_it(experiment, overview.decision):
        needed.append(ConditionType.SHADOW_AVAILABLE)
    for kind in needed:
        status, reason, message = claims[kind]
        if status != "True":
            return ("False" if status == "False" else "Unknown"), reason, message
    pinned = _pinned(overview)
    if pinned is not None:
        return "True", reasons.PINNED, pinned
    if experiment is not None and experiment.mode is Mode.OBSERVE:
        words = "rewards come in, and the weights are those that others have set: spec.mode is Observe"
        return "True", reasons.IN_SYNC, words
    without = _without_baseline(overview)
    if without is not None:
        return "False", *without
    return "True", reasons.IN_SYNC, f"traffic is where the evidence wants it{_reservations(overview)}"


def not_ready(
    overview: Overview, reason: str, message: str, before: Mapping[str, Condition]
) -> list[Condition]:
    """The conditions as they were, but Ready: what else holds is not known."""
    kept = [condition for kind, condition in before.items() if kind != ConditionType.READY]
    return [*kept, _condition(ConditionType.READY, ("False", reason, message), overview, before)]


def unexpected(error: BaseException) -> str:
    """What is said of a fault of our own.

    It names the kind of the error alone: its text may hold what is not for everyone.
    """
    return (
        f"the operator failed with an unexpected {type(error).__name__} and tries again; "
        f"this is a fault of its own, of which its log has the details"
    )
