"""What the operator costs API server and Prometheus, by their own counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cluster.client import Request
from testbed.request_counts import READS, WRITES, is_counted

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Load:
    """What the operator asks of API server and Prometheus, per tick; None where it was not counted."""

    reads: float | None
    """get and list; no watches, leases and discovery, nor what was read before the first tick."""
    writes: float | None
    """Writes of status, route and scale in a normal tick: one after which nothing is decided until the next.
    Draining an arm and bringing it back take writes between ticks."""
    all_writes: float | None
    """The same over all ticks, draining and bringing back included."""
    events: float | None
    """Events written."""
    queries: float | None
    """Queries of Prometheus, counted by itself."""
    kinds: dict[str, int]
    """All requests of the API server that were counted, by verb and resource."""


def load_of(
    requests: Iterable[Request] | None,
    queries: float | None,
    ticks: Sequence[float],
    between: Sequence[float],
    until: float,
) -> Load:
    """Count what the operator asked from its first tick on.

    Args:
        requests: Of all users, from the audit log; None where there is no log to read.
        queries: Of Prometheus in that time.
        ticks: When each tick was decided, in order, seconds since 1970.
        between: When something was decided between ticks: an arm is drained, scaled or brought back.
        until: Seconds since 1970.
    """
    per_tick = queries / len(ticks) if queries is not None and ticks else None
    if requests is None or not ticks:
        return Load(None, None, None, None, per_tick, {})
    starts = np.array(ticks)
    step = set(_tick_of(starts, np.array(between)))
    mine = [one for one in requests if is_counted(one) and ticks[0] <= one.time.timestamp() <= until]
    writes = [one for one in mine if one.verb in WRITES and one.resource != "events"]
    quiet = [tick for tick in _tick_of(starts, _times(writes)) if tick not in step]
    normal = len(ticks) - len(step)
    kinds = Counter("/".join(filter(None, (f"{one.verb} {one.resource}", one.subresource))) for one in mine)
    return Load(
        reads=sum(one.verb in READS for one in mine) / len(ticks),
        writes=len(quiet) / normal if normal else None,
        all_writes=len(writes) / len(ticks),
        events=sum(one.verb in WRITES and one.resource == "events" for one in mine) / len(ticks),
        queries=per_tick,
        kinds=dict(sorted(kinds.items())),
    )


def _times(requests: Iterable[Request]) -> Floats:
    return np.array([one.time.timestamp() for one in requests])


def _tick_of(ticks: Floats, times: Floats) -> list[int]:
    """Return which tick each time belongs to: the newest one until then."""
    numbers: list[int] = (np.searchsorted(ticks, times, side="right") - 1).tolist()
    return numbers
