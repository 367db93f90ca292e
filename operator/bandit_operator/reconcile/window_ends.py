"""What was read of the end of each resource's newest windows, for the windows that begin there.

It lives in the process only: after a start, samples that come late for the window before are not
noticed once, and nothing else is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from cachetools import LRUCache

from bandit_operator.sources.base import Counter
from bandit_operator.sources.late import Levels
from bandit_operator.sources.tally import Identity

Source = tuple[str, tuple[Counter, ...]]
"""Address of Prometheus, and what is read there."""
MOST_RESOURCES = 4096
"""Resources of which ends are kept; the one that was read longest ago is forgotten."""
MOST_ENDS = 4
"""Ends kept of each, so that a window that is read again finds its start."""


@dataclass(frozen=True, slots=True)
class WindowEnd:
    """The end of a window, as it was when that was read."""

    levels: Levels = field(default_factory=dict)
    known: Levels = field(default_factory=dict)
    """The levels of the newest end at which the source had series."""
    restarted: Mapping[tuple[str, Identity], int] = field(default_factory=dict)
    """In how many windows running, this one the last, a series went down, by part and series."""
    behind: bool = False
    """Whether another server than before had answered, which was a scrape behind."""
    twice: bool = False
    """Whether some counter was scraped more than once."""


@dataclass
class _Resource:
    source: Source
    ends: LRUCache[float, WindowEnd] = field(default_factory=partial(LRUCache, MOST_ENDS))


class WindowEnds:
    """Ends of windows by resource and time."""

    def __init__(self) -> None:
        self._resources: LRUCache[str, _Resource] = LRUCache(MOST_RESOURCES)

    def at(self, uid: str, source: Source, time: float) -> WindowEnd | None:
        """What was read at a time from the same source, or None where nothing was."""
        known = self._resources.get(uid)
        return None if known is None or known.source != source else known.ends.get(time)

    def keep(self, uid: str, source: Source, time: float, end: WindowEnd) -> None:
        """Keep what was read at a time."""
        known = self._resources.get(uid)
        if known is None or known.source != source:
            known = self._resources[uid] = _Resource(source)
        known.ends[time] = end
