"""The growth of counters that went down, sample by sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bandit_operator.sources.base import Counter
from bandit_operator.sources.tally import Identity, Tally, identity

TOLERATED = 0.01
"""A counter may go down by this share of its value, as some exporters' do that add up what comes and goes."""
RUNNING = 3
"""A series that goes down in so many windows running is not one process that starts again; one that does what
a process never does counts as much at once."""
BACK = 1.5
"""After a reset, one step up to between where a counter was and this many times that is no growth."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a range vector: its labels and its (time, value) samples, oldest first."""

    labels: Mapping[str, str]
    samples: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Growth:
    """What one counter did in a window."""

    amount: float
    """How much it grew, resets included."""
    first: float | None = None
    """Its first value, which is part of the amount, where nothing is known from before."""
    resets: int = 0
    """How often it began again."""
    dip: tuple[float, float] | None = None
    """A step down, from and to, that is neither a reset nor small; then the amount means nothing."""
    back: tuple[float, float] | None = None
    """A step up, from and to, that undoes a reset, as by another process; then the amount means nothing."""


def growth_of(samples: Sequence[tuple[float, float]], start: float, before: float | None = None) -> Growth:
    """What one counter did after ``start``.

    A step down to half or less is a reset, and what the counter has after it counts whole. After a
    smaller one it grows on from the highest value since the last reset. A process that starts again is
    not at once where the one before it was.

    Args:
        samples: (time, value), oldest first.
        start: beginning of the window, itself outside.
        before: what it had, where no sample before ``start`` is among the samples.
    """
    past = [value for time, value in samples if time <= start]
    known = bool(past) or before is not None
    inside = [value for time, value in samples if time > start]
    left, highest = _left(past or [before or 0.0])
    amount, resets, dip, back = 0.0, 0, None, None
    for value in inside:
        if is_reset(highest, value):
            left, amount, highest, resets = highest, amount + value, value, resets + 1
            continue
        if back is None and is_reset(left, highest) and (1 - TOLERATED) * left <= value <= BACK * left:
            back = (highest, value)
        amount, highest = amount + max(0.0, value - highest), max(highest, value)
        if dip is None and is_dip(highest, value):
            dip = (highest, value)
    return Growth(amount, inside[0] if inside and not known else None, resets, dip, back)


def _left(values: Sequence[float]) -> tuple[float, float]:
    """Where a counter was before its last reset, 0 where it was not reset, and the highest since then."""
    highest = left = 0.0
    for value in values:
        if is_reset(highest, value):
            highest, left = value, highest
        highest = max(highest, value)
    return left, highest


def is_reset(old: float, new: float) -> bool:
    """Whether a counter that stood at ``old`` began again to have ``new``."""
    return new < old and 2 * new <= old


def is_dip(old: float, new: float) -> bool:
    """Whether it went down by more than is tolerated, and did not begin again."""
    return new < (1 - TOLERATED) * old and not is_reset(old, new)


def went_down(samples: Sequence[tuple[float, float]], start: float) -> bool:
    """Whether the counter went down after ``start``, or from its last sample before to the next."""
    before = [value for time, value in samples if time <= start]
    values = [*before[-1:], *(value for time, value in samples if time > start)]
    return any(new < old for old, new in pairwise(values))


def add_reset(
    tally: Tally,
    counter: Counter,
    series: Sequence[Series],
    start: float,
    earlier: Mapping[Identity, float],
    running: Mapping[tuple[str, Identity], int],
) -> None:
    """Count the series that went down; the others are counted already, and may be believed again.

    Args:
        tally: what to add to.
        counter: whose series they are.
        series: with their samples.
        start: beginning of the window.
        earlier: values of those that have a sample before ``start``, but too long before to be among theirs.
        running: in how many windows up to this one each went down.
    """
    for one in series:
        arm = counter.label.arm_of(one.labels.get(counter.label.name, ""))
        if arm is None:
            continue
        name = identity(one.labels)
        before = running.get((counter.part, name), 0)
        growth = growth_of(one.samples, start, earlier.get(name))
        proven = growth.back is not None or growth.dip is not None
        if growth.back is not None:
            old, new = growth.back
            tally.distrust(counter, arm, f"started again, and went from {old:g} back to {new:g} in one step")
        if not went_down(one.samples, start):
            if before >= RUNNING:
                tally.distrust(counter, arm, "went down again and again, until just now")
            if proven or before > 1:  # the longer it went on, the longer it must stand
                tally.restarted[counter.part, name] = RUNNING if proven else before // 2
            continue
        tally.add(counter.part, arm, growth.amount)
        if growth.first is not None:
            tally.add_first(counter.part, arm, growth.first)
        if growth.dip is not None:
            old, new = growth.dip
            tally.distrust(counter, arm, f"went down from {old:g} to {new:g} without starting again")
        # One that goes down a little is read sample by sample in the next window, too: between two processes
        # that are nearly alike each step up would count, of which the plain query sees nothing else.
        tally.restarted[counter.part, name] = max(before // 2, 1)
        if growth.resets or proven:
            # One that no single process has shows it at once: by chance the next window has resets only.
            windows = max(before + 1, RUNNING if proven else 0)
            tally.restarted[counter.part, name] = windows
            if windows >= RUNNING:
                tally.distrust(counter, arm, "went down again and again")
