"""Whether requests are shared out as the weights say, by counts of many windows.

What an arm got is compared with what the weights in force meant it to get, relatively: a small arm that
starves is as wrong as a large one that is off by as much of its share. Two memories are kept, a short one
that notices soon where there is traffic, and a long one that tells with little.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SHORT, LONG = 0.8, 0.98
"""What is kept of earlier windows with each further one: about the last five, and the last fifty."""
UNLIKELY = 5.0
"""Standard deviations from which on requests do not follow the weights by chance."""
TOLERANCE = 0.2
"""Realised shares within this part of the meant ones are a gateway's rounding."""


@dataclass(slots=True)
class Counts:
    """Requests by arm, and what the weights meant them to be, over windows that are forgotten slowly."""

    kept: float
    got: dict[str, float] = field(default_factory=dict)
    meant: dict[str, float] = field(default_factory=dict)
    variance: dict[str, float] = field(default_factory=dict)
    """Of what is got by chance, where each request goes by the weights alone."""

    def add(self, requests: Mapping[str, float], shares: Mapping[str, float], names: Sequence[str]) -> None:
        """Take in one window."""
        total = sum(requests.values())
        for arm in names:
            share = shares.get(arm, 0.0)
            self.got[arm] = self.kept * self.got.get(arm, 0.0) + requests.get(arm, 0.0)
            self.meant[arm] = self.kept * self.meant.get(arm, 0.0) + total * share
            spread = total * share * (1.0 - share)
            self.variance[arm] = self.kept**2 * self.variance.get(arm, 0.0) + spread

    def is_off(self, arm: str) -> bool:
        """Whether what it got differs from what was meant by more than a gateway's rounding."""
        return abs(self.got[arm] - self.meant[arm]) > TOLERANCE * self.meant[arm]

    def is_no_chance(self, arm: str) -> bool:
        """Whether chance alone does not explain the difference."""
        chance = UNLIKELY * max(1.0, math.sqrt(self.variance[arm]))
        return abs(self.got[arm] - self.meant[arm]) > chance

    @staticmethod
    def share(counted: Mapping[str, float], arm: str) -> float:
        """The arm's part of what is counted."""
        return counted[arm] / sum(counted.values())


@dataclass(slots=True)
class Realised:
    """What gateways made of the weights of one route."""

    short: Counts = field(default_factory=lambda: Counts(SHORT))
    long: Counts = field(default_factory=lambda: Counts(LONG))

    def add(self, requests: Mapping[str, float], shares: Mapping[str, float], names: Sequence[str]) -> None:
        """Take in the requests of one window in which the gateway had these weights.

        Args:
            requests: by arm; there are some.
            shares: of the weights in force, by arm, 0 to 1.
            names: all arms.
        """
        for counts in (self.short, self.long):
            counts.add(requests, shares, names)

    def not_followed(self) -> str | None:
        """Which arm gets another share than it is meant to; None where all follow, or too few can tell.

        The long memory alone does not tell: what is right again is right at once.
        """
        for arm in self.short.got:
            if not self.short.is_off(arm):
                continue
            for counts in (self.short, self.long):
                if counts.is_off(arm) and counts.is_no_chance(arm):
                    meant, got = counts.share(counts.meant, arm), counts.share(counts.got, arm)
                    return (
                        f"arm {arm} is meant to get {meant:.1%} of the requests and gets {got:.1%}; look for "
                        f"sticky sessions, another route to the same backend, or a gateway that starts its "
                        f"round robin again with each change of any route"
                    )
        return None
