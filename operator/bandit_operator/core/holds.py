"""What must hold before evidence may move traffic; the first check that fails names the reason.

Holding is the safe answer to not knowing: an arm without numbers is neither good nor bad.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass

import numpy as np

from bandit_operator.core import reasons
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference.named_arrays import Flags, Floats
from bandit_operator.core.model import Implausible, NoData, NothingDue, Observed, Snapshot, SourceDown, Window

EXPECTED_TRIALS_MISSED = 5.0
"""An arm that should have had this many trials and had none is without data, not unlucky:
with independent requests the chance of that is below exp(-5) = 0.7 %."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Leave the weights as they are, and why."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checks look at.

    ``shares`` are the eligible arms' present shares, ``gained`` is when those among them joined that are
    new or back, or when their share grew last, seconds since the Unix epoch, and ``mixed`` are those of
    which nothing is learned, because Pods of two templates answer under their name.
    """

    experiment: Experiment
    snapshot: Snapshot
    shares: Mapping[str, float]
    gained: Mapping[str, float]
    mixed: Set[str] = frozenset()


Check = Callable[[Checked], Hold | None]


def route_is_accepted(facts: Checked) -> Hold | None:
    """A gateway must have accepted the route as it is before it is changed again."""
    if facts.snapshot.route_accepted:
        return None
    generation = facts.snapshot.route_generation
    return Hold(
        reasons.ROUTE_NOT_ACCEPTED,
        f"generation {generation} of the route is not accepted yet by each gateway",
    )


def backends_resolve(facts: Checked) -> Hold | None:
    """While the gateway cannot resolve some backend, no arm's weight is raised: it may be that one's."""
    if facts.snapshot.unresolved is None:
        return None
    return Hold(reasons.BACKEND_UNRESOLVED, f"the gateway says: {facts.snapshot.unresolved}")


def requests_choose_their_arm(facts: Checked) -> Hold | None:
    """Where clients stay with their arms, these differ by who happens to be there as well."""
    if not facts.snapshot.sessions_persist:
        return None
    return Hold(
        reasons.SESSION_PERSISTENCE,
        "the rule of the route has sessionPersistence: clients stay with their arm whatever the weights say, "
        "so that arms are not compared on the same clients; nothing is learned of served answers and the "
        "weights stay until it is taken out of the rule",
    )


def source_answers(facts: Checked) -> Hold | None:
    """A reward source that is down says nothing about any arm."""
    reading = facts.snapshot.reading
    return Hold(reading.reason, reading.message) if isinstance(reading, SourceDown) else None


def a_window_is_due(facts: Checked) -> Hold | None:
    """Between two ticks there is nothing new to learn from."""
    reading = facts.snapshot.reading
    return Hold(reading.reason, reading.message) if isinstance(reading, NothingDue) else None


def all_numbers_are_plausible(facts: Checked) -> Hold | None:
    """Numbers that cannot be say that something is wrong with the source, not with an arm."""
    for arm, read in _readings(facts).items():
        if isinstance(read, Implausible):
            return Hold(read.reason, f"arm {arm}: {read.message}")
    return None


def some_arm_has_data(facts: Checked) -> Hold | None:
    """At least one arm must have numbers, and they must move."""
    readings = _readings(facts)
    if facts.mixed >= readings.keys():
        return Hold(reasons.ROLLING_UPDATE, "no arm's rolling update is over, so that no rewards are learned")
    if not any(isinstance(read, Observed) for read in readings.values()):
        missing = {getattr(read, "reason", "") for read in readings.values()}
        return Hold(
            reasons.NO_DATA, f"the reward source has no value for any arm ({', '.join(sorted(missing))})"
        )
    if _total_trials(readings) <= 0:
        return Hold(reasons.NO_REWARDS, "no arm earned a reward in the window")
    return None


def silent(shares: Floats, trials: Floats, total: Floats) -> Flags:
    """Whether arms that carry traffic have no rewards, beyond chance ``[...]``.

    Args:
        shares: of the arms' traffic, present ones.
        trials: rewards of each in the window.
        total: rewards of all together.
    """
    return (np.asarray(trials) <= 0) & (np.asarray(shares) * total >= EXPECTED_TRIALS_MISSED)


def no_arm_is_silent(facts: Checked) -> Hold | None:
    """An arm that carries traffic and has no numbers must not be judged by the others'."""
    readings = _readings(facts)
    total = _total_trials(readings)
    reading, experiment = facts.snapshot.reading, facts.experiment
    assert isinstance(reading, Window)  # an earlier check has seen to it
    patience = experiment.interval + (experiment.delay.p95 if experiment.delay else 0.0)
    for arm, share in facts.shares.items():
        if arm in facts.mixed or facts.gained.get(arm, -math.inf) + patience > reading.start:
            continue  # the labels of that share are still to come
        read = readings[arm]
        trials = read.trials if isinstance(read, Observed) else 0.0
        if silent(np.array(share), np.array(trials), np.array(total)):
            why = f" ({read.reason})" if isinstance(read, NoData) else ""
            return Hold(
                reasons.NO_DATA,
                f"arm {arm} carries {share:.1%} of the traffic and has no rewards in the window{why}; "
                f"check that its labels arrive",
            )
    return None


CHECKS: tuple[Check, ...] = (
    source_answers,
    route_is_accepted,
    backends_resolve,
    requests_choose_their_arm,
    a_window_is_due,
    all_numbers_are_plausible,
    some_arm_has_data,
    no_arm_is_silent,
)
"""In order: what is known least comes first."""


def first_hold(facts: Checked) -> Hold | None:
    """The first check's answer that is not "go on", or None."""
    for check in CHECKS:
        hold = check(facts)
        if hold is not None:
            return hold
    return None


def _readings(facts: Checked) -> Mapping[str, object]:
    assert isinstance(facts.snapshot.reading, Window)  # an earlier check has seen to it
    return {arm: facts.snapshot.reading.arms[arm] for arm in facts.shares}


def _total_trials(readings: Mapping[str, object]) -> float:
    return sum(read.trials for read in readings.values() if isinstance(read, Observed))
