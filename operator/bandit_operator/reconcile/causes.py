"""Why arms have no series: asked seldom, and remembered so that conditions do not change meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cachetools import LRUCache

from bandit_operator.adapters.discovery import Discovery
from bandit_operator.sources.base import Counter
from bandit_operator.sources.missing import cause_of

FIRST_PAUSE = 15.0
"""Seconds before the same resource's cause is looked for again; each time twice as many."""
LONGEST_PAUSE = 3600.0
"""Most of them: arms that were scaled to zero have no series either, and for long."""
MOST_RESOURCES = 1024
"""Resources whose cause is remembered."""


@dataclass
class _Cause:
    counter: Counter
    cause: str
    pause: float
    again_at: float


class Causes:
    """Causes by resource."""

    def __init__(self, discovery: Discovery, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._discovery = discovery
        self._monotonic = monotonic
        self._known: LRUCache[str, _Cause] = LRUCache(MOST_RESOURCES)

    async def of(
        self, uid: str, address: str, counter: Counter, at: float, namespace: str | None = None
    ) -> str:
        """Why a resource's arm has no series of a counter; empty where that is not known.

        Args:
            uid: of the resource.
            address: of its Prometheus.
            counter: that has none.
            at: the time of which it is asked, seconds since the Unix epoch.
            namespace: the only one of which something may be said, or None.
        """
        now, known = self._monotonic(), self._known.get(uid)
        if known is not None and known.counter == counter and now < known.again_at:
            return known.cause
        if known is None or known.counter != counter:
            known = self._known[uid] = _Cause(counter, "", FIRST_PAUSE, now)
        if self._discovery.busy:
            return known.cause  # with others' questions: no answer of its own, so no pause either
        known.again_at = now + known.pause
        known.pause = min(2 * known.pause, LONGEST_PAUSE)
        cause = await self._discovery.ask(
            address, at, partial(cause_of, counter=counter, namespace=namespace)
        )
        known.cause = known.cause if not cause else f"at {address}, {cause}"
        return known.cause
