"""One query a window: all parts joined into one PromQL query, and its answer taken apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bandit_operator.api.presets.base import ArmLabel
from bandit_operator.sources.base import Counter, Query, Sample, Values
from bandit_operator.sources.late import Level, Levels
from bandit_operator.sources.promql import (
    PART,
    began_count,
    earlier_values,
    first_values,
    increase,
    level,
    part,
    reset_count,
    scraped_twice,
    series_count,
)
from bandit_operator.sources.tally import Identity, identity


@dataclass(frozen=True, slots=True)
class WindowQuery:
    """What is read of the window (start, end], seconds since the Unix epoch."""

    counters: tuple[Counter, ...]
    queries: tuple[Query, ...]
    start: float
    end: float
    scrapers: bool = False
    """Whether it is asked who scrapes the counters; it is known otherwise."""

    def promql(self) -> str:
        """One query; every element of its answer says which part it belongs to."""
        # The line's end ends a comment that the user's query may end in.
        parts = [part(query.part, f"({query.promql}\n)") for query in self.queries]
        for one in self.counters:
            name = one.label.name
            parts.append(part(one.part, increase(one.selector, name, self.start, self.end)))
            parts.append(part(_resets(one), reset_count(one.selector, name, self.start, self.end)))
            parts.append(part(_beginnings(one), began_count(one.selector, name, self.start, self.end)))
            for time in (self.start, self.end):
                parts.append(part(_level(one, time), level(one.selector, name, time)))
                parts.append(part(_series(one, time), series_count(one.selector, name, time)))
            if self.scrapers:
                parts.append(self._scraped_twice(one))
        return " or ".join(parts)

    def promql_before(self, began: Sequence[Counter]) -> str:
        """One query about series that seemed to begin: with what they did, and what they had before."""
        parts = []
        for one in began:
            parts.append(part(_firsts(one), first_values(one.selector, self.start, self.end)))
            parts.append(part(_earlier(one), earlier_values(one.selector, self.start, self.end)))
            parts.append(self._scraped_twice(one))
        return " or ".join(parts)

    def _scraped_twice(self, counter: Counter) -> str:
        query = scraped_twice(counter.selector, counter.label.name, self.start, self.end)
        return part(_scrapers(counter), query)

    def values(self, samples: Sequence[Sample]) -> Values:
        """Numbers by part and arm, without the counters that were reset.

        Raises:
            ValueError: A query has several values for one arm where there must be one.
        """
        counted = {one.part: _sums(samples, one.part, one.label) for one in self.counters}
        return counted | {one.part: _of_query(samples, one) for one in self.queries}

    def were_reset(self, samples: Sequence[Sample]) -> tuple[Counter, ...]:
        """The counters of which some series of an arm was reset: they must be read sample by sample."""
        return tuple(one for one in self.counters if _sums(samples, _resets(one), one.label))

    def seemed_to_begin(self, samples: Sequence[Sample]) -> tuple[Counter, ...]:
        """The counters of which some series of an arm has its first sample for a while in the window."""
        return tuple(one for one in self.counters if _sums(samples, _beginnings(one), one.label))

    def levels(self, samples: Sequence[Sample], time: float) -> Levels:
        """What the counters have at the window's start or end, as far as they have something."""
        by_part: dict[str, dict[str, Level]] = {}
        for one in self.counters:
            counts = _sums(samples, _series(one, time), one.label)
            totals = _sums(samples, _level(one, time), one.label)
            by_part[one.part] = {arm: Level(total, counts.get(arm, 0.0)) for arm, total in totals.items()}
        return by_part


def scraped_twice_in(counter: Counter, samples: Sequence[Sample]) -> dict[str, tuple[str, int]]:
    """Of arms with a target that is scraped more than once: its address, and how often.

    Series without an address do not come from a target: what differs between them may be anything.
    """
    found = {}
    for sample in samples:
        address = sample.labels.get("instance")
        if sample.labels.get(PART) != _scrapers(counter) or not address:
            continue
        arm = counter.label.arm_of(sample.labels.get(counter.label.name, ""))
        if arm is not None:
            found[arm] = (address, int(sample.value))
    return found


def firsts_in(counter: Counter, samples: Sequence[Sample]) -> list[Sample]:
    """The answer to ``promql_before`` about the first values of a counter's series."""
    return [sample for sample in samples if sample.labels.get(PART) == _firsts(counter)]


def earlier_in(counter: Counter, samples: Sequence[Sample]) -> dict[Identity, float]:
    """The answer to ``promql_before`` about what a counter's series had before, by series."""
    of_it = (sample for sample in samples if sample.labels.get(PART) == _earlier(counter))
    return {identity(sample.labels): sample.value for sample in of_it}


def _of_query(samples: Sequence[Sample], query: Query) -> dict[str, float]:
    """The value of each arm; NaN where it has nothing but that."""
    found: dict[str, list[float]] = {}
    for sample in samples:
        arm = query.label.arm_of(sample.labels.get(query.label.name, ""))
        if sample.labels.get(PART) == query.part and arm is not None:
            found.setdefault(arm, []).append(sample.value)
    values = {}
    for arm, elements in found.items():
        numbers = [element for element in elements if not math.isnan(element)]
        if query.several is None and len(elements) > 1:
            raise ValueError(
                f"spec.{query.field} has {len(elements)} values for arm {arm}; there must be one: "
                f"aggregate it, as in avg by ({query.label.name}) (...)"
            )
        values[arm] = elements[0] if query.several is None or not numbers else query.several(numbers)
    return values


def _sums(samples: Sequence[Sample], part: str, label: ArmLabel) -> dict[str, float]:
    """Sum by arm of one part of an answer; an arm with no number in it is left out."""
    sums: dict[str, float] = {}
    for sample in samples:
        if sample.labels.get(PART) != part or sample.value != sample.value:
            continue
        arm = label.arm_of(sample.labels.get(label.name, ""))
        if arm is not None:
            sums[arm] = sums.get(arm, 0.0) + sample.value
    return sums


def _resets(counter: Counter) -> str:
    return f"resets of {counter.part}"


def _beginnings(counter: Counter) -> str:
    return f"beginnings of {counter.part}"


def _scrapers(counter: Counter) -> str:
    return f"scrapers of {counter.part}"


def _firsts(counter: Counter) -> str:
    return f"first values of {counter.part}"


def _earlier(counter: Counter) -> str:
    return f"earlier values of {counter.part}"


def _level(counter: Counter, time: float) -> str:
    return f"level of {counter.part} at {time:.3f}"


def _series(counter: Counter, time: float) -> str:
    return f"series of {counter.part} at {time:.3f}"
