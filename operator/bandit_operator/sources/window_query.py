"""One query a window: all parts joined into one PromQL query, and its answer taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bandit_operator.api.presets.base import ArmLabel
from bandit_operator.sources.base import Counter, Query, Sample, Values
from bandit_operator.sources.promql import (
    PART,
    before_reset,
    began_count,
    counted_before,
    increase,
    part,
    reset_count,
)
from bandit_operator.sources.resets import Earlier, identity


@dataclass(frozen=True, slots=True)
class WindowQuery:
    """What is read of the window (start, end], seconds since the Unix epoch."""

    counters: tuple[Counter, ...]
    queries: tuple[Query, ...]
    start: float
    end: float

    def promql(self) -> str:
        """One query; every element of its answer says which part it belongs to."""
        parts = [part(query.part, f"({query.promql})") for query in self.queries]
        for one in self.counters:
            name = one.label.name
            parts.append(part(one.part, increase(one.selector, name, self.start, self.end)))
            parts.append(part(_resets(one), reset_count(one.selector, name, self.start, self.end)))
            parts.append(part(_beginnings(one), began_count(one.selector, name, self.start, self.end)))
        return " or ".join(parts)

    def promql_before(self, began: Sequence[Counter], reset: Sequence[Counter]) -> str:
        """One query about what series that seemed to begin had before.

        It looks back for long, so of those that were reset it queries only where there are some.
        """
        parts = []
        for one in began:
            before = counted_before(one.selector, one.label.name, self.start, self.end)
            parts.append(part(one.part, before))
            if one in reset:
                parts.append(part(_resets(one), before_reset(one.selector, self.start, self.end)))
        return " or ".join(parts)

    def values(self, samples: Sequence[Sample]) -> Values:
        """Numbers by part and arm, without the counters that were reset."""
        parts: list[Counter | Query] = [*self.counters, *self.queries]
        return {one.part: _sums(samples, one.part, one.label) for one in parts}

    def were_reset(self, samples: Sequence[Sample]) -> tuple[Counter, ...]:
        """The counters of which some series of an arm was reset: they must be read sample by sample."""
        return tuple(one for one in self.counters if _sums(samples, _resets(one), one.label))

    def seemed_to_begin(self, samples: Sequence[Sample]) -> tuple[Counter, ...]:
        """The counters of which some series of an arm has its first sample for a while in the window."""
        return tuple(one for one in self.counters if _sums(samples, _beginnings(one), one.label))


def earlier_values(counter: Counter, samples: Sequence[Sample]) -> Earlier:
    """The answer to ``promql_before`` about series that were reset, one by one."""
    of_it = (sample for sample in samples if sample.labels.get(PART) == _resets(counter))
    return {identity(sample.labels): sample.value for sample in of_it}


def _sums(samples: Sequence[Sample], part: str, label: ArmLabel) -> dict[str, float]:
    """Sum by arm of one part of an answer; an arm with no number in it is left out."""
    sums: dict[str, float] = {}
    for sample in samples:
        arm = label.arm_of(sample.labels.get(label.name, ""))
        is_number = sample.value == sample.value
        if arm is not None and sample.labels.get(PART) == part and is_number:
            sums[arm] = sums.get(arm, 0.0) + sample.value
    return sums


def _resets(counter: Counter) -> str:
    return f"resets of {counter.part}"


def _beginnings(counter: Counter) -> str:
    return f"beginnings of {counter.part}"
