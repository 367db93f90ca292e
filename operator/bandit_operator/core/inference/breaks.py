"""Whether an arm has just broken: ticks in a row that are worse for it than all before, by far.

E1 alone is sure of a drastic break after one tick, but it trusts requests of one tick to be
independent. What one bad tick may be (a client that sends nonsense, a counter that is flushed late) two
or three in a row beyond everything seen are not: where d is the difference of two arms' means in a
tick, a tick lies *beyond* when d exceeds the largest one before by more than half of what they have
spanned. Were ticks alike, whatever their distribution, the first two of a kind never seen in
m ticks would follow each other with probability at most m^m/(m+1)^(m+1), below .018 for m = 20, and three
with less than .016 for m = 5, over the whole life of the pair.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bandit_operator.core.inference.named_arrays import Arrays, Axes, Field, Flags, Floats
from bandit_operator.core.inference.pairs import Pairs, swapped

FEWEST = 5.0
"""Comparisons that must lie before a break for it to be one."""
MANY = 20.0
"""Comparisons before a break from which on two ticks are enough."""
_BEYOND = 0.5
"""By how much of the span a tick must exceed the largest one before."""


def fields() -> Mapping[str, Field]:
    """Return the arrays of every pair: how much better the row's arm was in a tick than the column's."""
    return {
        "seen": Field(Axes.SYMMETRIC),  # comparisons that were not beyond, or whose row of ticks has ended
        "largest": Field(Axes.PAIR, fill=-np.inf),  # largest d among them
        "beyond": Field(Axes.PAIR),  # ticks in a row that lie beyond
        "beyond_most": Field(Axes.PAIR),  # largest d among these; 0 where there are none
    }


def update(arrays: Arrays, pairs: Pairs) -> dict[str, Floats]:
    """The arrays after one more comparison."""
    ready = pairs.ready
    mean = np.where(ready, pairs.rewards / np.where(ready, pairs.trials, 1.0), 0.0)
    d = mean - swapped(mean)
    largest, smallest = arrays["largest"], -swapped(arrays["largest"])
    seen = arrays["seen"] >= FEWEST
    span = np.where(seen, largest, 0.0) - np.where(seen, smallest, 0.0)
    beyond = ready & seen & (d > np.where(seen, largest, 0.0) + _BEYOND * span)
    ended = ready & ~beyond
    before = np.where(arrays["beyond"] > 0, arrays["beyond_most"], -np.inf)
    grown = np.maximum(np.maximum(largest, before), d)
    either = beyond | beyond.swapaxes(-1, -2)
    return {
        "seen": arrays["seen"] + (ready & ~either),
        "largest": np.where(ended, grown, largest),
        "beyond": np.where(beyond, arrays["beyond"] + 1.0, np.where(ended, 0.0, arrays["beyond"])),
        "beyond_most": np.where(beyond, np.maximum(before, d), np.where(ended, 0.0, arrays["beyond_most"])),
    }


def broken(arrays: Arrays) -> Flags:
    """Whether the column's arm has just broken, beside the row's ``[..., K, K]``."""
    needed = np.where(arrays["seen"] >= MANY, 2.0, 3.0)
    return np.asarray(arrays["beyond"] >= needed)
