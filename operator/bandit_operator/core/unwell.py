"""Arms whose guards say that they are unwell: they lose their traffic at once, and come back by themselves.

No statistics about rewards are needed, and no verdict follows. What an arm without traffic is like nobody
can measure, so time brings it back, with a small share; each further trip within the same trouble takes
twice as long. An arm keeps its traffic where no other is well: then it is not the arm's fault, or
nothing better is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bandit_operator.core import last_shares, reasons, servable
from bandit_operator.core.experiment import Experiment, Guard
from bandit_operator.core.model import SERVING_STATES, ArmStanding, ArmState, Snapshot, Window
from bandit_operator.core.outcomes import Outcome, Withheld

FIRST_INTERVALS = 10.0
"""How long an arm is without traffic after its guard has tripped once, in intervals."""
LONGEST_SECONDS = 3_600.0
"""The longest, unless an interval is longer."""


def is_beyond(guard: Guard, value: float) -> bool:
    """Whether a value is beyond the bound of a guard; what is no number is not."""
    return value > guard.bound if guard.above else value < guard.bound


def withheld_seconds(interval: float, outages: int) -> float:
    """How long an arm is without traffic after so many trips of the same trouble, seconds."""
    longest = max(LONGEST_SECONDS, interval)
    return min(interval * FIRST_INTERVALS * 2.0 ** min(max(outages - 1, 0), 20), longest)


def is_withheld(experiment: Experiment, standing: ArmStanding, now: float) -> bool:
    """Whether an arm is still without traffic because its guard has tripped, whatever else befalls it."""
    if standing.state is not ArmState.UNAVAILABLE or standing.reason != reasons.GUARD_TRIPPED:
        return False
    return now < standing.since + withheld_seconds(experiment.interval, standing.outages)


def counted(experiment: Experiment, arm: str, standing: ArmStanding, snapshot: Snapshot) -> ArmStanding:
    """Count for how many windows running each guard of an arm has been beyond its bound.

    What is measured of an arm without traffic is of before: it would trip the guard again when it is back.
    """
    if not isinstance(snapshot.reading, Window):
        return standing
    if snapshot.arms[arm].weight == 0:
        return replace(standing, beyond={}) if standing.beyond else standing
    beyond = {}
    for guard in experiment.guards:
        before = standing.beyond.get(guard.name, 0)
        value = snapshot.reading.guards.get(guard.name, {}).get(arm)
        after = before if value is None else before + 1 if is_beyond(guard, value) else 0
        if after:
            beyond[guard.name] = min(after, guard.windows)
    return standing if beyond == standing.beyond else replace(standing, beyond=beyond)


def withhold(
    experiment: Experiment, standings: Mapping[str, ArmStanding], snapshot: Snapshot
) -> tuple[dict[str, ArmStanding], list[Outcome]]:
    """Take the traffic of arms whose guards have tripped, while another arm that serves is well."""
    after, outcomes = dict(standings), list[Outcome]()
    serving = [arm for arm, standing in standings.items() if standing.state in SERVING_STATES]
    tripped = {arm: guard for arm in serving if (guard := _tripped(experiment, standings[arm])) is not None}
    tripped.pop(experiment.pin or "", None)  # whoever pins an arm knows better
    if len(tripped) == len(serving):
        return after, outcomes
    for arm, guard in tripped.items():
        value = None
        if isinstance(snapshot.reading, Window):
            value = snapshot.reading.guards.get(guard.name, {}).get(arm)
        after[arm] = replace(
            standings[arm],
            state=ArmState.UNAVAILABLE,
            since=snapshot.now,
            reason=reasons.GUARD_TRIPPED,
            outages=servable.outages(standings[arm], snapshot.now),
            beyond={},
        )
        after = last_shares.between(after, arm, 0.0, experiment.guardrails.new_arm_share)
        outcomes.append(Withheld(arm, reasons.GUARD_TRIPPED, _words(guard, value)))
    return after, outcomes


def _tripped(experiment: Experiment, standing: ArmStanding) -> Guard | None:
    return next(
        (guard for guard in experiment.guards if standing.beyond.get(guard.name, 0) >= guard.windows), None
    )


def _words(guard: Guard, value: float | None) -> str:
    measured = "it" if value is None else f"{value:g}"
    side = "above" if guard.above else "below"
    return f"guard {guard.name}: {measured} is {side} {guard.bound:g}, for {guard.windows} windows running"
