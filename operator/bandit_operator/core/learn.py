"""What of a window is learned: what arms could have earned, and what can be true."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from bandit_operator.core.experiment import Experiment
from bandit_operator.core.memory import Memory, update
from bandit_operator.core.model import ArmStanding, ArmState, NoData, Window
from bandit_operator.core.plausibility import checked, grown_used_to

NOT_SERVED = NoData("the arm carries no weight")
LAST_REWARDS = 30.0
"""Seconds in which the rewards of an arm's last requests are still counted, where no delay is told."""
MIXED = NoData("Pods of another template serve beside its own until its rolling update is over")
NOT_ITS_OWN = NoData("the arm began within the window, and what was counted before is not its own")


def learn(
    experiment: Experiment,
    memory: Memory,
    standings: Mapping[str, ArmStanding],
    window: Window,
    idle: Collection[str],
) -> tuple[Memory, Window]:
    """Learn from a window.

    Args:
        experiment: the settings.
        memory: what was learned before.
        standings: how the arms stood before.
        window: what the source had.
        idle: arms that carry no weight now.

    Returns:
        The memory, and the window as it was believed.
    """
    window = _own(experiment, memory, standings, _served(experiment, standings, window, idle))
    window = checked(experiment, memory, window)
    return grown_used_to(update(experiment, memory, window), window), window


def _own(
    experiment: Experiment, memory: Memory, standings: Mapping[str, ArmStanding], window: Window
) -> Window:
    """The window without what is counted for arms that began in the middle of it.

    An arm that something else serves now has the name, and the label, of the one before it.
    """
    begun = {
        arm
        for arm, trials in zip(experiment.names, memory.trials, strict=True)
        if arm in standings
        and standings[arm].state is not ArmState.ACTIVE  # as those are that a resource begins with
        and standings[arm].since > window.start
        and trials == 0
    }
    arms = {arm: NOT_ITS_OWN if arm in begun else outcome for arm, outcome in window.arms.items()}
    arms |= {arm: MIXED for arm in arms if arm in standings and standings[arm].mixed}
    return replace(window, arms=arms)


def _served(
    experiment: Experiment, standings: Mapping[str, ArmStanding], window: Window, idle: Collection[str]
) -> Window:
    """The window without what is counted for arms that have carried no weight for long.

    Labels may come late, and requests may be under way for a moment; what comes after that was not
    earned by requests that the arm could have served.
    """
    late = 2.0 * experiment.delay.p95 if experiment.delay else LAST_REWARDS
    patience = experiment.interval + late
    long_idle = {
        arm
        for arm, standing in standings.items()
        if arm in idle and standing.idle_since is not None and standing.idle_since + patience <= window.start
    }
    arms = {arm: NOT_SERVED if arm in long_idle else outcome for arm, outcome in window.arms.items()}
    return replace(window, arms=arms)
