"""What a window's counters come to, while it is put together."""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bandit_operator.sources.base import Counter
from bandit_operator.sources.promql import PART
from bandit_operator.sources.requests import REQUESTS

Identity = frozenset[tuple[str, str]]
"""The labels that distinguish a series of its counter."""
LEAST_LIFE = 50.0
"""Fewer counts than this at once are never taken for a life that was counted already."""
LEAST_FIRST_LIFE = 1000.0
"""The same where nothing has been counted yet: so nothing is counted twice, and a few rewards from before the
resource are those of its arms all the same. A first sample may come seconds after the first reward."""
LONGEST_ADDRESS = 80
"""Characters of a target's address that a message has."""
LIFE = 5.0
"""So many times what a window usually has is such a life."""


@dataclass
class Tally:
    """What each counter grew by, by part and arm, and what is to be said of it.

    ``usual`` is how many trials all arms together usually have in such a window, 0 where that is not
    known.
    """

    counters: tuple[Counter, ...]
    values: dict[str, dict[str, float]]
    usual: float = 0.0
    trials: str = "trials"
    """The part that counts trials, by which lives are told."""
    firsts: dict[str, dict[str, float]] = field(default_factory=dict)
    """How much of it are first values of series of which nothing is known from before."""
    unsteady: dict[str, str] = field(default_factory=dict)
    """Arms of which a counter does what no counter does, and what that is."""
    twice: dict[str, str] = field(default_factory=dict)
    """Arms of which a counter is scraped more than once, and what is to be said of that."""
    restarted: Count[tuple[str, Identity]] = field(default_factory=Count)
    """In how many windows running a series went down, by part and series; those of this window only. One that
    did what no counter does counts as one that has gone down for long."""
    notes: list[str] = field(default_factory=list)
    """What was not counted, and why."""
    behind: bool = False
    """Whether counters had less at the window's start than was read there before, as of a server behind."""
    late: bool = False
    """Whether samples of the window before have come after that was read."""
    unread: set[str] = field(default_factory=set)
    """Parts of which some series could not be read: what they grew by is not known."""
    past_is_lost: bool = False
    """Whether series began with a life: what they gained since their last sample before is unknown."""

    @property
    def known(self) -> Mapping[str, Mapping[str, float]]:
        """What each counter grew by, without parts of which something could not be read."""
        return {part: {} if part in self.unread else by_arm for part, by_arm in self.values.items()}

    def add(self, part: str, arm: str, amount: float) -> None:
        """Count so much more, or less; a sum does not fall below 0, and what is no number stays none."""
        by_arm = self.values[part]
        total = by_arm.get(arm, 0.0) + amount
        by_arm[arm] = 0.0 if total < 0 else total

    def add_first(self, part: str, arm: str, value: float) -> None:
        """Remember that so much of what is counted is a first value."""
        by_arm = self.firsts.setdefault(part, {})
        by_arm[arm] = by_arm.get(arm, 0.0) + value

    def distrust(self, counter: Counter, arm: str, what: str) -> None:
        """Say that a counter of rewards is none; a counter of requests teaches nothing about rewards."""
        if counter.part != REQUESTS:
            self.unsteady.setdefault(
                arm,
                f"{metric_of(counter)} {what}; are there several processes behind one metrics address?",
            )

    def note_scrapers(self, counter: Counter, found: Mapping[str, tuple[str, int]]) -> None:
        """Say that targets of a counter of rewards are scraped more than once: address and times by arm."""
        for arm, (address, times) in found.items() if counter.part != REQUESTS else ():
            self.twice.setdefault(
                arm,
                f"{metric_of(counter)} at {address[:LONGEST_ADDRESS]} is scraped {times} times, so that each "
                f"reward counts as often: let one job scrape it, or have what answers for several Prometheus "
                f"deduplicate, or name one job or replica in the selector",
            )

    def lives(self, amounts: Mapping[str, Mapping[str, float]]) -> Iterator[tuple[str, dict[str, float]]]:
        """Arms that gain so much at once that it was a life, with the amounts of what belongs together.

        Whether it was is judged by what counts trials, or requests, because only these are alike
        from window to window; then it holds for all sums of the same trials.

        Args:
            amounts: what came at once, by part and arm; it need not be counted yet.
        """
        parts = [counter.part for counter in self.counters]
        for group in ([part for part in parts if part != REQUESTS], [REQUESTS]):
            judged = [self.trials] if self.trials in group else group
            for arm in sorted({arm for part in group for arm in amounts.get(part, {})}):
                if any(self._is_life(part, arm, amounts) for part in judged):
                    yield arm, {part: amounts[part][arm] for part in group if arm in amounts.get(part, {})}

    def _is_life(self, part: str, arm: str, amounts: Mapping[str, Mapping[str, float]]) -> bool:
        amount = amounts.get(part, {}).get(arm, 0.0)
        first = self.firsts.get(part, {}).get(arm, 0.0)
        growth = self.values.get(part, {}).get(arm, 0.0) - first
        least = LEAST_LIFE if self.usual > 0 else LEAST_FIRST_LIFE
        return amount > max(least, LIFE * max(growth, self.usual))

    def note(self, arm: str, amounts: Mapping[str, float], why: str) -> None:
        """Say what was not counted of an arm, by part."""
        metrics = {counter.part: metric_of(counter) for counter in self.counters}
        listed = ", ".join(f"{amount:g} of {metrics[part]}" for part, amount in amounts.items() if amount > 0)
        self.notes.append(f"arm {arm}: {listed} not counted: {why}")


def metric_of(counter: Counter) -> str:
    """The name of a counter's metric, or its selector where it has none."""
    return counter.selector.partition("{")[0].strip() or counter.selector


def identity(labels: Mapping[str, str]) -> Identity:
    """The labels that distinguish a series of its counter: all but those that a query adds or drops."""
    return frozenset((name, value) for name, value in labels.items() if name not in (PART, "__name__"))
