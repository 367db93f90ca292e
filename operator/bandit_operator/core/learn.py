"""What of a window is learned: what arms could have earned, and what can be true."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from bandit_operator.core import doubts, reasons
from bandit_operator.core.batch import Steps, result_of, run_together
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.core.memory import Memory, Update
from bandit_operator.core.model import ArmStanding, ArmState, NoData, Shadowed, Window
from bandit_operator.core.plausibility import checked, grown_used_to
from bandit_operator.core.plausible_shadow import checked_shadow

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
    return run_together([learning(experiment, memory, standings, window, idle)])[0]


def learning(
    experiment: Experiment,
    memory: Memory,
    standings: Mapping[str, ArmStanding],
    window: Window,
    idle: Collection[str],
) -> Steps[tuple[Memory, Window]]:
    """As :func:`learn`, in steps that many resources take together."""
    window = _own(experiment, memory, standings, _served(experiment, standings, window, idle))
    window = checked(experiment, memory, window)
    if window.shadow is not None:
        window = replace(window, shadow=checked_shadow(experiment.reward_type, window.shadow))
        window = replace(window, shadow=_own_shadow(experiment, memory, standings, window))
    doubt = doubts.counted(memory.doubt, experiment.names, window)
    window = doubts.held(memory.doubt, experiment.names, window)
    memory = yield from result_of(Update.of(experiment, memory, window))
    return replace(grown_used_to(memory, window), doubt=doubt), window


def _own(
    experiment: Experiment, memory: Memory, standings: Mapping[str, ArmStanding], window: Window
) -> Window:
    """The window without what is counted for arms that began in the middle of it.

    An arm that something else serves now has the name, and the label, of the one before it.
    """
    begun = _begun(experiment, standings, window, memory.trials)
    arms = {arm: NOT_ITS_OWN if arm in begun else outcome for arm, outcome in window.arms.items()}
    arms |= {arm: MIXED for arm in arms if arm in standings and standings[arm].mixed}
    return replace(window, arms=arms)


def _own_shadow(
    experiment: Experiment, memory: Memory, standings: Mapping[str, ArmStanding], window: Window
) -> Shadowed | None:
    """The window's shadow without what others have answered under the names of its arms."""
    shadow = window.shadow
    if shadow is None or memory.shadow is None:
        return None
    counted = memory.shadow.moments[..., mo.TRIALS, :]
    why: dict[str, NoData] = dict.fromkeys(_begun(experiment, standings, window, counted), NOT_ITS_OWN)
    why |= {arm: MIXED for arm in experiment.names if arm in standings and standings[arm].mixed}
    arms = {arm: why.get(arm, outcome) for arm, outcome in shadow.arms.items()}
    pairs = {
        (first, second): why.get(first) or why.get(second) or pair
        for (first, second), pair in shadow.pairs.items()
    }
    return Shadowed(arms, pairs)


def _begun(
    experiment: Experiment, standings: Mapping[str, ArmStanding], window: Window, counted: Floats
) -> set[str]:
    """Arms that began in the middle of the window, of which nothing was counted before ``[K]``.

    Those that a resource begins with have only ever been themselves.
    """
    return {
        arm
        for arm, trials in zip(experiment.names, counted, strict=True)
        if arm in standings
        and (standings[arm].state is not ArmState.ACTIVE or standings[arm].reason == reasons.NEW_BACKEND)
        and standings[arm].since > window.start
        and trials == 0
    }


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
