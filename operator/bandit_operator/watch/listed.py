"""Waits until the watches have listed what there was at the start.

kopf does not tell when its first lists are over. A pass that is made before asks the API server for each
object that is still missing, and is made again for each that comes: with a thousand resources that is most
of what a start costs.
"""

from __future__ import annotations

import asyncio

from bandit_operator.watch.cache import Cache

QUIET_SECONDS = 0.25
"""Nothing new for so long is taken for the end of all lists."""
MOST_SECONDS = 5.0
"""Longest wait: whatever the API server does not list by then is asked for, or waited for, by itself."""


async def listed(cache: Cache) -> None:
    """Wait until objects come no more, at most :data:`MOST_SECONDS`."""
    known = 0
    for _ in range(round(MOST_SECONDS / QUIET_SECONDS)):
        await asyncio.sleep(QUIET_SECONDS)
        if known and len(cache.versions) == known:
            return
        known = len(cache.versions)
