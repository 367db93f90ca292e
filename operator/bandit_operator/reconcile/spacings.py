"""How far apart the samples of rewards are: asked seldom, and remembered."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cachetools import LRUCache

from bandit_operator.adapters.prometheus import Prometheus
from bandit_operator.core.model import SourceDown
from bandit_operator.core.windows import is_too_short
from bandit_operator.sources.base import Counter
from bandit_operator.sources.promql import raw
from bandit_operator.sources.spacing import samples_apart

LOOK_BACK = 300.0
"""Seconds of samples that are looked at, beside those that any window needs."""
LONGEST_INTERVAL = 300.0
"""Seconds; in a longer window Prometheus itself would no longer see samples that are rarer."""
FIRST_PAUSE = 60.0
"""Seconds before it is asked again where there were too few samples; each time twice as many."""
LONGEST_PAUSE = 3600.0
"""Seconds after which what is known is asked again."""
MOST_RESOURCES = 4096
"""Resources of which it is remembered."""


@dataclass
class _Spacing:
    source: tuple[str, Counter]
    apart: float | None = None
    grew: bool = False
    asked_at: float = -math.inf
    pause: float = 0.0


class Spacings:
    """Spacings by resource.

    A window without rewards after one that had some raises the question. Windows that each have some are
    long enough, and where there never were any it is not the spacing that is in question.
    """

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus
        self._known: LRUCache[str, _Spacing] = LRUCache(MOST_RESOURCES)

    async def of(
        self, uid: str, address: str, counter: Counter, window: tuple[float, float], *, empty: bool
    ) -> float | None:
        """Seconds from one sample of a counter to the next, or None while that is not known.

        Args:
            uid: of the resource.
            address: of its Prometheus.
            counter: of its trials.
            window: (start, end] of the newest one, seconds since the Unix epoch.
            empty: whether nothing grew in it.
        """
        (start, end), known = window, self._known.get(uid)
        if known is None or known.source != (address, counter):
            known = self._known[uid] = _Spacing((address, counter))
        known.grew |= not empty
        in_doubt = (empty and known.grew) or (
            known.apart is not None and is_too_short(end - start, known.apart)
        )
        asked_lately = known.asked_at <= end < known.asked_at + known.pause
        if not in_doubt or asked_lately or end - start > LONGEST_INTERVAL:
            return known.apart
        series = await self._prometheus.series(address, raw(counter.selector, end - LOOK_BACK, end), at=end)
        if not isinstance(series, SourceDown):
            known.apart = samples_apart(series)
        longer = max(FIRST_PAUSE, min(2 * known.pause, LONGEST_PAUSE))
        known.asked_at, known.pause = end, longer if known.apart is None else LONGEST_PAUSE
        return known.apart
