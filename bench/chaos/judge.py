"""From what was seen to figures: what failed, what was said meanwhile, and what was counted. Pure.

A fault has strokes: the times at which its hand did something, the last of which takes it back. Within
``GRACE`` seconds after a stroke the operator may not yet know.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bench.chaos.load import Request

Fact = TypeVar("Fact")

GRACE = 2.0
"""Seconds from a fault on in which requests may fail and Ready=True may be out of date."""
SAME_SHARE = 1e-3
"""Shares that differ by less are the same: weights are whole numbers."""
Span = tuple[float, float]


class Line(Generic[Fact]):
    """A fact over time: each entry holds until the next."""

    def __init__(self, entries: Sequence[tuple[float, Fact]] = ()) -> None:
        self.entries: list[tuple[float, Fact]] = []
        for at, fact in entries:
            self.add(at, fact)

    def add(self, at: float, fact: Fact) -> None:
        """Note what holds from now on; the same again is nothing new."""
        if not self.entries or self.entries[-1][1] != fact:
            self.entries.append((at, fact))

    @property
    def times(self) -> list[float]:
        """When it changed."""
        return [at for at, _ in self.entries]

    def at(self, when: float) -> Fact | None:
        """Return what held at a time; None before the first entry."""
        found = bisect_right(self.times, when)
        return self.entries[found - 1][1] if found else None

    def spans(self, until: float, holds: Callable[[Fact], bool]) -> list[Span]:
        """Return the stretches of time, up to ``until``, in which something holds."""
        ends = [*self.times[1:], until]
        pairs = zip(self.entries, ends, strict=True) if self.entries else ()
        return merged([(at, min(end, until)) for (at, fact), end in pairs if at < until and holds(fact)])


@dataclass(frozen=True)
class Facts:
    """What was seen of one rollout, from the fault on."""

    servable: Mapping[str, Line[bool]]
    """Whether each arm has a ready endpoint, and a place in the rule that a gateway accepts and resolves."""
    carried: Line[Mapping[str, int]]
    """The route's weights by arm."""
    meant: Line[Mapping[str, int]]
    """The status' weights by arm."""
    said: Line[tuple[str, str]]
    """Status and reason of the condition Ready."""
    states: Mapping[str, Line[str]]
    """State of each arm in the status."""
    requests: Sequence[Request]
    strokes: Sequence[float]
    until: float
    worse: frozenset[str] = frozenset()
    """Arms that were truly worse than the baseline at some time."""
    from_status: float = field(default=0.0)
    """From when on the status is held to what is so."""


def merged(spans: Sequence[Span]) -> list[Span]:
    """Join stretches of time that touch each other."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif end > start:
            found.append((start, end))
    return found


def without(one: Span, others: Sequence[Span]) -> list[Span]:
    """Return what is left of one stretch of time without others, which do not touch each other."""
    start, end = one
    found = []
    for other_start, other_end in sorted(others):
        if other_start < end and other_end > start:
            found.append((start, other_start))
            start = max(start, other_end)
    return [span for span in (*found, (start, end)) if span[0] < span[1]]


def overlap(one: Span, others: Sequence[Span]) -> float:
    """Return how many seconds of one stretch lie in others."""
    return sum(max(0.0, min(one[1], end) - max(one[0], start)) for start, end in others)


# ---- requests ---------------------------------------------------------------------------


def failures(facts: Facts) -> tuple[list[float], list[float]]:
    """Return when requests failed that may not, and when others did, in seconds since 1970.

    They may within ``GRACE`` after a stroke, and while no arm has been servable for as long.
    """
    first = min(facts.strokes, default=0.0)
    must: list[float] = []
    may: list[float] = []
    for one in facts.requests:
        if one.error and one.sent >= first:
            (may if _excused(facts, one.sent) else must).append(one.sent)
    return must, may


def _excused(facts: Facts, at: float) -> bool:
    if any(stroke <= at <= stroke + GRACE for stroke in facts.strokes):
        return True
    span = (at - GRACE, at)
    return not any(overlap(span, line.spans(at, bool)) >= GRACE - 1e-6 for line in facts.servable.values())


# ---- what was said ----------------------------------------------------------------------


def broken(facts: Facts) -> list[tuple[Span, str]]:
    """Return the stretches of time in which a promise was not kept for longer than ``GRACE``, and which."""
    lines: list[Line[object]] = [facts.carried, facts.meant, *facts.servable.values()]  # type: ignore[list-item]  # only their times are read
    times = sorted({at for line in lines for at in line.times if at < facts.until} | {facts.until})
    by_fault: dict[str, list[Span]] = {}
    for start, end in itertools.pairwise(times):
        for what in _faults(facts, start):
            by_fault.setdefault(what, []).append((start, end))
    return sorted(
        ((start + GRACE, end), what)
        for what, spans in by_fault.items()
        for start, end in merged(spans)
        if end - start > GRACE
    )


def _faults(facts: Facts, at: float) -> list[str]:
    carried, meant = facts.carried.at(at) or {}, facts.meant.at(at)
    servable = {arm for arm, line in facts.servable.items() if line.at(at)}
    found = []
    if not servable:
        found.append("no arm could serve")
    elif any(weight > 0 and arm not in servable for arm, weight in carried.items()):
        found.append("an arm that could not serve had weight")
    kept = {arm: weight for arm, weight in carried.items() if arm in (meant or {})}
    if meant and not same_shares(kept, meant):
        found.append("the route carried other weights than the status said")
    return found


def same_shares(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    """Whether two sets of weights share traffic out alike, in whatever unit."""
    totals = sum(one.values()), sum(other.values())
    if not all(totals):
        return totals[0] == totals[1]
    return all(
        abs(one.get(arm, 0) / totals[0] - other.get(arm, 0) / totals[1]) < SAME_SHARE
        for arm in {*one, *other}
    )


def ready_while_broken(facts: Facts) -> list[tuple[float, str]]:
    """Return for how many seconds Ready=True was said while a promise was not kept, and which."""
    ready = facts.said.spans(facts.until, lambda said: said[0] == "True")
    first = max(min(facts.strokes, default=0.0), facts.from_status)
    excused = merged([(stroke, stroke + GRACE) for stroke in facts.strokes])
    found: dict[str, float] = {}
    for (start, end), what in broken(facts):
        for span in without((max(start, first), end), excused):
            if (seconds := overlap(span, ready)) > 0:
                found[what] = found.get(what, 0.0) + seconds
    return [(seconds, what) for what, seconds in found.items()]


def ready_said(facts: Facts) -> str:
    """Return what Ready said from just before the fault on, with seconds after it."""
    first = min(facts.strokes, default=0.0)
    words = []
    for at, (status, reason) in facts.said.entries:
        if at <= first:
            words = [_word(status, reason)]
        elif at < facts.until:
            words.append(f"{_word(status, reason)} ({at - first:+.1f} s)")
    return " → ".join(words)


def _word(status: str, reason: str) -> str:
    return "True" if status == "True" else f"{status}/{reason}"


# ---- verdicts ---------------------------------------------------------------------------


def false_rollbacks(facts: Facts) -> list[str]:
    """Return the arms that were taken out though they were never worse than the baseline."""
    out = {"Draining", "RolledBack"}
    return sorted(
        arm
        for arm, line in facts.states.items()
        if arm not in facts.worse and any(state in out for _, state in line.entries)
    )


# ---- rewards ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Rewards:
    """Trials that were counted, against those that there were."""

    there: float
    counted: float
    lost: float
    doubled: float

    def beyond(self, lost: float, doubled: float) -> tuple[float, float]:
        """Return what was lost and doubled beyond what is stated."""
        return max(0.0, self.lost - lost), max(0.0, self.doubled - doubled)


def compare(counted: Mapping[str, float], there: Mapping[str, float]) -> Rewards:
    """Compare trials by arm; what one arm lost is not made up for by what another has twice."""
    differences = [counted.get(arm, 0.0) - there.get(arm, 0.0) for arm in {*counted, *there}]
    return Rewards(
        sum(there.values()),
        sum(counted.values()),
        -sum(one for one in differences if one < 0),
        sum(one for one in differences if one > 0),
    )
