"""One question a window: all parts joined into one PromQL query, and its answer taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bandit_operator.sources.base import Counter, Query, Sample, Values
from bandit_operator.sources.promql import increase, part, reset_count


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about the window (start, end], seconds since the Unix epoch."""

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
        return " or ".join(parts)

    def values(self, samples: Sequence[Sample]) -> Values:
        """Numbers by part and arm, without the counters that were reset."""
        asked: list[Counter | Query] = [*self.counters, *self.queries]
        return {one.part: one.label.values(samples, one.part) for one in asked}

    def were_reset(self, samples: Sequence[Sample]) -> tuple[Counter, ...]:
        """The counters of which some series of an arm was reset: they must be read sample by sample."""
        return tuple(one for one in self.counters if one.label.values(samples, _resets(one)))


def _resets(counter: Counter) -> str:
    return f"resets of {counter.part}"
