"""What the user asks of single arms by name: to be out, to be in again, to be brought back, to be pinned.

An arm that is set out goes down as after a verdict, and never as the last one that can serve. One
that is brought back comes up as after a rollback: replicas, ready, a small weight, and with evidence
that starts again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bandit_operator.core import reasons
from bandit_operator.core.drain import Step, begin_to_restore
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import (
    DOWN_STATES,
    SERVING_STATES,
    ArmStanding,
    ArmState,
    Mode,
    Snapshot,
)
from bandit_operator.core.outcomes import Noticed, Outcome, Restored, SetOut


def bring_back(experiment: Experiment, arm: str, standing: ArmStanding, snapshot: Snapshot) -> Step:
    """Bring an arm that is out back where the user asks for it; while it is set out it stays."""
    if experiment.mode is not Mode.ACTIVE or standing.state not in DOWN_STATES:
        return standing, ()
    if arm in experiment.set_out:
        stays = replace(standing, set_out=True)
        return stays, () if stays == standing else (Noticed(arm, reasons.SET_OUT),)
    why = _asked_back(experiment, arm, standing, snapshot)
    if why is None:
        return standing, ()
    return begin_to_restore(arm, replace(standing, set_out=False), snapshot.now, why)


def _asked_back(experiment: Experiment, arm: str, standing: ArmStanding, snapshot: Snapshot) -> str | None:
    if standing.set_out:
        return reasons.SET_IN
    if experiment.pin == arm:
        return reasons.PINNED
    return reasons.RESTORE_REQUESTED if snapshot.restore == arm else None


def wanted_back(outcomes: Iterable[Outcome]) -> list[str]:
    """Arms that are brought back because somebody wants them to have traffic."""
    wanted = (reasons.RESTORE_REQUESTED, reasons.SET_IN)
    return [one.arm for one in outcomes if isinstance(one, Restored) and one.reason in wanted]


def take_out(
    experiment: Experiment, standings: Mapping[str, ArmStanding], now: float
) -> tuple[dict[str, ArmStanding], list[Outcome]]:
    """Let the arms that the user has set out drain, provided that another one can serve.

    While none can, one that serves goes on, and its standing says why.
    """
    after, outcomes = dict(standings), list[Outcome]()
    if experiment.mode is not Mode.ACTIVE:
        return after, outcomes
    others = [arm for arm in standings if arm not in experiment.set_out]
    able = any(standings[arm].state in SERVING_STATES for arm in others)
    for arm in experiment.names:
        standing = standings[arm]
        if arm not in experiment.set_out or standing.state in DOWN_STATES:
            continue
        if able:
            after[arm] = _draining(standing, now)
            outcomes.append(SetOut(arm))
        elif standing.state in SERVING_STATES and standing.reason != reasons.NO_OTHER_ARM:
            after[arm] = replace(standing, reason=reasons.NO_OTHER_ARM)
            outcomes.append(Noticed(arm, reasons.NO_OTHER_ARM))
    return after, outcomes


def _draining(standing: ArmStanding, now: float) -> ArmStanding:
    return replace(
        standing,
        state=ArmState.DRAINING,
        since=now,
        reason=reasons.SET_OUT,
        set_out=True,
        # One that was on its way up has not got its replicas back yet.
        previous_replicas=standing.previous_replicas if standing.state is ArmState.RESTORING else None,
        quiet_since=None,
        up_since=None,
        carried=0.0,
    )
