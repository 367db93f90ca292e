"""Arms that answer copies only, until the shadow shows that they earn no less than the baseline.

A new arm, or one that is tried again, is onboarded so where the user asks for it: its Pods run, it has weight
0, and no user meets its answers. It joins with a small share once the interval of its difference from
the baseline lies above −margin, and goes out like any other once it is proven worse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bandit_operator.core import reasons, servable
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference.named_arrays import Flags
from bandit_operator.core.model import ArmFacts, ArmStanding, ArmState
from bandit_operator.core.outcomes import Joined, Outcome

_ASKED_FOR = frozenset(
    {reasons.BASELINE, reasons.NO_OTHER_ARM, reasons.PINNED, reasons.RESTORE_REQUESTED, reasons.SET_IN}
)
"""Why an arm is brought back that is to serve at once: somebody asked for it, or nobody else can."""


def first_state(experiment: Experiment, arm: str) -> ArmState:
    """The state in which an arm begins of which nothing is known."""
    if experiment.shadow is None or arm == experiment.baseline or arm == experiment.pin:
        return ArmState.JOINING
    onboarded = {one.name for one in experiment.arms if one.onboards_in_shadow}
    return ArmState.SHADOWING if arm in onboarded else ArmState.JOINING


def serves_already(arm: str, facts: Mapping[str, ArmFacts]) -> bool:
    """Whether an arm of a newly created resource already serves, and so does not count as new.

    It does where it carries more than half of the arms' weight.
    """
    return 2 * facts[arm].weight > sum(one.weight for one in facts.values())


def onboards(experiment: Experiment) -> Flags:
    """Which arms begin, and come back after a rollback, in the shadow ``[K]``."""
    return np.array([first_state(experiment, arm) is ArmState.SHADOWING for arm in experiment.names])


def state_of_restored(experiment: Experiment, arm: str, why: str) -> ArmState:
    """The state of an arm that has been brought back and can serve."""
    return ArmState.JOINING if why in _ASKED_FOR else first_state(experiment, arm)


def leave(
    experiment: Experiment,
    standings: Mapping[str, ArmStanding],
    facts: Mapping[str, ArmFacts],
    shown: Flags,
    now: float,
) -> tuple[dict[str, ArmStanding], tuple[Outcome, ...]]:
    """Let arms join that the shadow has shown to be no worse, or that are to be onboarded so no longer.

    Args:
        experiment: the settings.
        standings: how the arms stand.
        facts: what the cluster says of each.
        shown: arms that the shadow shows to earn no less than the baseline, but for the margin ``[K]``.
        now: seconds since the Unix epoch.
    """
    after, outcomes = dict(standings), list[Outcome]()
    for arm, enough in zip(experiment.names, shown, strict=True):
        standing = standings[arm]
        if standing.state is not ArmState.SHADOWING or standing.mixed:
            continue
        fault = servable.fault(facts[arm])
        wanted = first_state(experiment, arm) is ArmState.SHADOWING
        if fault is not None or (wanted and not enough):
            continue
        why = reasons.SHOWN_NO_WORSE if wanted else reasons.NEW_ARM
        after[arm] = replace(standing, state=ArmState.JOINING, since=now, reason=why)
        outcomes.append(Joined(arm, why))
    return after, tuple(outcomes)
