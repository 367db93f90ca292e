"""Series that seem to begin in a window: new ones, ones that return, and ones with a life behind them.

A series without a sample in the day before is new to Prometheus, and that may be because Prometheus has
lost its data or because its labels have changed. Then its first value is a whole life that was counted
before. A true newcomer starts near 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bandit_operator.sources.base import Counter, Sample
from bandit_operator.sources.late import Levels
from bandit_operator.sources.resets import is_dip, is_reset
from bandit_operator.sources.tally import Identity, Tally, identity

WHY = "its series began with a life behind them, as after Prometheus lost its data or labels changed"
COUNTED = "it was counted before all series were gone"


def subtract_earlier(
    tally: Tally, counter: Counter, firsts: Sequence[Sample], earlier: Mapping[Identity, float]
) -> None:
    """Take off what series that return had before; all of what they have is counted.

    Args:
        tally: what to take it off.
        counter: whose series they are.
        firsts: their first values in the window, without those that were reset in it.
        earlier: what they had in the day before, those that had something.
    """
    for sample in firsts:
        arm = counter.label.arm_of(sample.labels.get(counter.label.name, ""))
        if arm is None:
            continue
        before = earlier.get(identity(sample.labels))
        if before is None:
            tally.add_first(counter.part, arm, sample.value)
        elif not is_reset(before, sample.value):
            tally.add(counter.part, arm, -before)
            if is_dip(before, sample.value):
                what = f"went down from {before:g} to {sample.value:g} without starting again"
                tally.distrust(counter, arm, what)


def leave_out_lives(tally: Tally) -> None:
    """Count only the growth of series whose first values are a life."""
    for arm, amounts in list(tally.lives(tally.firsts)):
        for part, amount in amounts.items():
            tally.add(part, arm, -amount)
            del tally.firsts[part][arm]
        tally.note(arm, amounts, WHY)
        tally.past_is_lost = True


def leave_out_counted(tally: Tally, known: Levels) -> None:
    """Count only the growth of series too small for a life, where what they had is known.

    Args:
        tally: what to take it off; its firsts are those of a source that had no series at all at the
            window's start.
        known: what the counters had when the source had series last.
    """
    for arm in sorted({arm for by_arm in tally.firsts.values() for arm in by_arm}):
        counted = {
            part: known[part][arm].total
            for part, by_arm in tally.firsts.items()
            if arm in by_arm and arm in known.get(part, {})
        }
        if any(tally.firsts[part][arm] < amount for part, amount in counted.items()):
            continue  # its processes have started again, too
        for part, amount in counted.items():
            tally.add(part, arm, -amount)
            tally.firsts[part][arm] -= amount
        if any(counted.values()):
            tally.note(arm, counted, COUNTED)
