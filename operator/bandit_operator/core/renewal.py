"""When an arm is something else than its evidence is about, or is tried again: it starts afresh.

While a rolling update replaces its Pods, requests reach both templates under one name, and no counter
tells them apart: what is counted until the last old Pod is gone is nobody's evidence.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bandit_operator.core import reasons, retries, shadowing
from bandit_operator.core.drain import Step, begin_to_restore
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import OUT_STATES, ArmFacts, ArmStanding, ArmState
from bandit_operator.core.outcomes import IdentityChanged, Joined, Noticed, Outcome, Restored

_BEGINNING = (ArmState.JOINING, ArmState.SHADOWING)


def start_again(
    experiment: Experiment,
    arm: str,
    standing: ArmStanding,
    facts: ArmFacts,
    now: float,
    *,
    fallen: bool,
    verdicts_may_fall: bool,
) -> Step:
    """Start an arm again when it is something else now, or when it may be retried.

    Args:
        experiment: the settings.
        arm: its name.
        standing: what is remembered of it.
        facts: what the cluster says of it.
        now: seconds since the Unix epoch.
        fallen: whether the arm that carries the traffic has fallen far below its forecast.
        verdicts_may_fall: an arm that nobody would take out again is not tried.
    """
    other_backend = facts.identity is not None and facts.identity != standing.identity
    other_template = facts.template is not None and facts.template != standing.template
    if other_backend or other_template:
        why = reasons.NEW_BACKEND if other_backend else reasons.NEW_POD_TEMPLATE
        at_zero = other_backend and facts.replicas == 0
        state, outcome = _state_of(experiment, arm, standing, why, at_zero=at_zero)
        return replace(
            standing,
            state=state,
            since=now,
            reason=reasons.ROLLING_UPDATE if facts.updating and state in _BEGINNING else why,
            template=facts.template,
            identity=facts.identity,
            quiet_since=None,
            carried=0.0,
            idle_since=0.0 if other_backend and facts.weight == 0 else standing.idle_since,
            rollbacks=0,
            mixed=facts.updating,
            last_share=None if other_backend else standing.last_share,
        ), (IdentityChanged(arm), *outcome)
    if (
        standing.state is ArmState.ROLLED_BACK
        and not standing.set_out
        and verdicts_may_fall
        and retries.due(
            np.array(now - standing.since),
            np.array(standing.rollbacks),
            experiment.rollback.retry_after,
            np.array(fallen),
        )
    ):
        return begin_to_restore(arm, standing, now, reasons.RETRY)
    return standing, ()


def replaced(arm: str, standing: ArmStanding, facts: ArmFacts, now: float) -> Step:
    """Once the last Pod of another template is gone, what the arm earns from here on is its own."""
    if not standing.mixed or facts.updating:
        return standing, ()
    pure = replace(standing, mixed=False)
    if standing.state not in _BEGINNING:
        return pure, (Noticed(arm, standing.reason),)
    return replace(pure, since=now, reason=reasons.NEW_POD_TEMPLATE), (
        Noticed(arm, reasons.NEW_POD_TEMPLATE),
    )


def labels_still_come(before: ArmStanding | None, after: ArmStanding) -> bool:
    """Whether labels of what an arm has served come under its name still; Pods may be of another template."""
    return before is not None and before.identity == after.identity


def _state_of(
    experiment: Experiment, arm: str, standing: ArmStanding, why: str, *, at_zero: bool
) -> tuple[ArmState, tuple[Outcome, ...]]:
    """The state of an arm that is something else now, and what that means for it.

    One whose new scale target has no replicas is brought up like a new arm that is found so.
    """
    state = standing.state
    if state is ArmState.RESTORING or standing.set_out:
        return state, ()
    if state is ArmState.UNAVAILABLE and not at_zero:
        return state, ()
    if state in OUT_STATES or at_zero:
        return ArmState.RESTORING, (Restored(arm, why),)
    return shadowing.first_state(experiment, arm), (Joined(arm, why),)
