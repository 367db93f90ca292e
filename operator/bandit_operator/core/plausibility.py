"""What cannot be true is not learned: the gate between a source and the memory.

A window whose numbers cannot be is held, with the numbers and what they are usually the mark of. An
arm with such numbers is neither good nor bad, so it has no data in that window. What a client of the
reward source can move without being implausible is not bounded here, but by
``reward.maxTrialsPerSecond`` where the user gives one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from bandit_operator.core import reasons
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference import exposure
from bandit_operator.core.memory import Memory
from bandit_operator.core.model import Implausible, Observed, Window

ROUNDING = 1e-6
"""How far, relatively, sums may contradict each other because they are rounded."""
JUMP = 20.0
"""A window with this many times the usual trials is not believed at first sight."""
LEAST_JUMP = 500.0
"""Fewer trials than this in a window are no jump, whatever is usual."""
BELIEF = 3.0
"""What is taken for usual grows by this factor with each window that was not believed, so that traffic
that has really grown is believed after a few."""
SPLIT, LEAST_SPLIT = 0.01, 2.0
"""So many rewards, in parts of the trials or at least, may be counted a window after their trials."""
LARGEST = 1e100
"""No sum of a window is beyond this: what is made of several must stay finite."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One arm's numbers, and what they are compared with."""

    experiment: Experiment
    memory: Memory
    arm: int
    observed: Observed
    seconds: float
    """In which the numbers have come together: of the window, and of the time without any before it."""


def impossible(message: str) -> Implausible:
    """That numbers cannot be, with what they are."""
    return Implausible(reasons.IMPOSSIBLE_NUMBER, message)


def checked(experiment: Experiment, memory: Memory, window: Window) -> Window:
    """The window with ``Implausible`` in place of numbers that cannot be."""
    arms = dict(window.arms)
    for index, arm in enumerate(experiment.names):
        reading = arms.get(arm)
        if isinstance(reading, Observed):
            case = _Case(experiment, memory, index, reading, window.end - window.start + window.quiet)
            implausible = next((fault for check in CHECKS if (fault := check(case)) is not None), None)
            arms[arm] = _possible(case) if implausible is None else implausible
    return replace(window, arms=arms)


def grown_used_to(memory: Memory, window: Window) -> Memory:
    """The memory, a little more ready to believe as many trials as this window has."""
    jumped = any(
        isinstance(reading, Implausible) and reading.reason == reasons.TRIALS_JUMPED
        for reading in window.arms.values()
    )
    return replace(memory, labels=memory.labels * BELIEF) if jumped else memory


def numbers_are_possible(case: _Case) -> Implausible | None:
    """All sums are finite, and counts are not negative, as are rewards in [0, 1]."""
    observed = case.observed
    counts = {"trials", "rewards"} if case.experiment.reward_type.bounded else {"trials"}
    for field in fields(observed):
        value = getattr(observed, field.name)
        if value is None:
            continue
        if not abs(value) <= LARGEST or (field.name in counts and value < 0):
            words = field.name.replace("_", " ")
            return impossible(f"{words} are {value:g}; a counter cannot grow by that")
    return None


def rewards_are_below_trials(case: _Case) -> Implausible | None:
    """Of rewards in [0, 1] there are no more than trials; where labels come late, over all that came."""
    if not case.experiment.reward_type.bounded:
        return None
    observed, memory = case.observed, case.memory
    rewards, trials = observed.rewards, observed.trials
    over, causes = "", "does a reward exceed 1, or do rewards come later than their trials (reward.delay)?"
    if memory.delay is not None:
        waiting = float(exposure.waiting(memory.arrivals, memory.delay)[case.arm])
        trials += waiting + float(memory.trials[case.arm])
        rewards += float(memory.rewards[case.arm])
        over, causes = " since the arm began", "or does a reward exceed 1?"
    if rewards <= trials * (1 + ROUNDING) + ROUNDING or _is_of_the_window_before(case):
        return None
    return Implausible(
        reasons.REWARDS_ABOVE_TRIALS,
        f"{rewards:g} rewards of {trials:g} trials{over}; are the two selectors swapped, {causes}",
    )


def _is_of_the_window_before(case: _Case) -> bool:
    """Whether the few rewards beyond the trials are of trials that were counted a moment before them.

    A scrape between the two counts of one request sees the first alone.
    """
    observed, memory = case.observed, case.memory
    few = max(LEAST_SPLIT, SPLIT * observed.trials)
    counted = float(memory.trials[case.arm]) + observed.trials - float(memory.rewards[case.arm])
    return memory.delay is None and observed.rewards <= min(observed.trials + few, counted)


def _possible(case: _Case) -> Observed:
    """The numbers, with no more rewards in [0, 1] than trials where a few are of the window before."""
    observed = case.observed
    if not case.experiment.reward_type.bounded or case.memory.delay is not None:
        return observed
    return replace(observed, rewards=min(observed.rewards, observed.trials))


def trials_are_within_the_bound(case: _Case) -> Implausible | None:
    """The user may say how many trials a second an arm can have at the most."""
    most = case.experiment.max_trials_per_second
    rate = case.observed.trials / case.seconds
    if most is None or rate <= most:
        return None
    return Implausible(
        reasons.TOO_MANY_TRIALS,
        f"{rate:g} trials a second are more than reward.maxTrialsPerSecond, {most:g}; somebody may be "
        f"inventing rewards",
    )


def trials_did_not_jump(case: _Case) -> Implausible | None:
    """A window holds no more than a multiple of what windows usually hold."""
    usual = float(np.asarray(case.memory.labels)) * case.seconds / case.experiment.interval
    trials = case.observed.trials
    if usual <= 0 or trials <= max(JUMP * usual, LEAST_JUMP):
        return None
    return Implausible(
        reasons.TRIALS_JUMPED,
        f"{trials:g} trials in one window, where all arms together usually have {usual:.3g}; did a counter "
        f"of a long life appear, or go down for a moment?",
    )


CHECKS: tuple[Callable[[_Case], Implausible | None], ...] = (
    numbers_are_possible,
    rewards_are_below_trials,
    trials_are_within_the_bound,
    trials_did_not_jump,
)
"""In order: what is surest comes first."""
