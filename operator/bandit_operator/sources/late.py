"""Samples that were ingested after their window had been read.

What counters have at a moment changes only by samples that come late. So their level at a window's
start, less what it was when it was the end of the window before, was counted in neither. Windows that
follow each other then add up to the whole, however late samples are, as long as the scrape before is
less than ``promql.LOOK_BACK_SECONDS`` old.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bandit_operator.sources.resets import is_reset
from bandit_operator.sources.tally import Tally

_ROUNDING = 1e-9
"""Part of a level that may differ because its series were added up in another order."""
WHY = "its series came late, and whether that was counted before is not known"


@dataclass(frozen=True, slots=True)
class Level:
    """What an arm's counters have at a moment, and how many series that is."""

    total: float = 0.0
    series: float = 0.0


Levels = Mapping[str, Mapping[str, Level]]
"""By part and arm."""


def add_late(tally: Tally, then: Levels, now: Levels) -> None:
    """Count what came late.

    Args:
        tally: what to add to.
        then: levels at the window's start, as they were when the window before was read.
        now: the same levels as they are now.
    """
    appeared: dict[str, dict[str, float]] = {}
    for part, levels in now.items():
        for arm, level in levels.items():
            before = then.get(part, {}).get(arm, Level())
            grown = level.total - before.total
            if level.series == before.series and not is_reset(before.total, level.total):
                # Below 0 where another of several servers answers, which is a scrape behind.
                tally.add(part, arm, grown)
                tally.late |= grown > _ROUNDING * level.total
                tally.behind |= grown < -_ROUNDING * level.total
            elif level.series > before.series and grown > 0:
                appeared.setdefault(part, {})[arm] = grown
    lives = dict(tally.lives(appeared))
    for part, by_arm in appeared.items():
        for arm, grown in by_arm.items():
            if part not in lives.get(arm, {}):
                tally.add(part, arm, grown)
    for arm, amounts in lives.items():
        tally.note(arm, amounts, WHY)
