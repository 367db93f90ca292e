"""Which windows of rewards are due: pure arithmetic on the interval's grid.

Windows end on multiples of the interval, counted from the Unix epoch. A window that is asked
for again after a crash is therefore the same window, and gets the same answer.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from dataclasses import dataclass

MOST_WINDOWS = 100
"""Windows read one by one after an absence; what is older is merged into one."""
FIRST_SETTLE = 5.0
"""Seconds after its end by which a window is taken to be complete, until samples are seen to come later."""
LONGEST_SETTLE = 300.0
"""Most seconds that samples are waited for, unless the user says otherwise."""
TICK_SECONDS = 0.02
"""Time that each resource gets for its tick."""
ONE_BY_ONE = 10
"""Resources of which each is looked at in a moment of its own."""
IN_A_GROUP = 24
"""Resources that are looked at in one moment where there are more, on average."""
MOST_SPREAD = 0.8
"""Part of the interval over which the ticks of however many resources are spread."""
SPARSE = 1.25
"""Samples that lie further apart than this many intervals leave a fifth of the windows, or more, empty."""
TOGETHER_SECONDS = 1.0
"""What is written within this time is one change to a gateway."""
LONGEST_ABSENCE = 86_400.0
"""Seconds of rewards that are still read after an absence."""


@dataclass(frozen=True, slots=True)
class Due:
    """Windows to read, oldest first, as (start, end), and how many seconds are given up."""

    windows: tuple[tuple[float, float], ...]
    lost: float = 0.0


def newest_end(now: float, interval: float, settle: float) -> float:
    """End of the newest window whose rewards have all arrived in the source.

    Args:
        now: Seconds since the Unix epoch.
        interval: Length of a window, seconds.
        settle: How long after its end a window's numbers are complete, seconds.
    """
    return math.floor((now - settle) / interval) * interval


def due(cursor: float, end: float, interval: float) -> Due:
    """The windows from the cursor to ``end``.

    At most ``MOST_WINDOWS``, the first of which is longer where more were missed; nothing
    older than ``LONGEST_ABSENCE`` before the end. A cursor off the grid (the interval was
    changed) first gets a window to the next grid point.
    """
    if end <= cursor:
        return Due(())
    start = max(cursor, end - LONGEST_ABSENCE)
    points = [start]
    step = math.floor(start / interval) + 1
    while step * interval <= end:
        points.append(step * interval)
        step += 1
    if len(points) - 1 > MOST_WINDOWS:
        points = [points[0], *points[-MOST_WINDOWS:]]
    return Due(tuple(itertools.pairwise(points)), lost=start - cursor)


def is_too_short(interval: float, samples_apart: float) -> bool:
    """Whether many windows of this length hold no sample, so that decisions come in bursts.

    Args:
        interval: Length of a window, seconds.
        samples_apart: From one sample of the rewards to the next, seconds.
    """
    return samples_apart > SPARSE * interval


def next_tick(now: float, interval: float, settle: float, uid: str, resources: int = 1) -> float:
    """When a resource is looked at next, seconds since the Unix epoch.

    That is soon after its window is complete. A few resources (:data:`ONE_BY_ONE`) are spread by as much as
    they need one after the other, so that not all of them wait for the first. More are looked at in groups,
    which a digest of the uid makes, and whose moments are spread evenly: what a group asks one Prometheus is
    one query.

    Args:
        now: Seconds since the Unix epoch.
        interval: Length of a window, seconds.
        settle: How long after its end a window's numbers are complete, seconds.
        uid: of the resource.
        resources: How many there are in all.
    """
    part = int.from_bytes(hashlib.sha256(uid.encode()).digest()[:4], "big") / 2**32
    if resources > ONE_BY_ONE:
        groups = math.ceil(resources / IN_A_GROUP)
        part = (math.floor(part * groups) + 0.5) / groups
    phase = settle + part * _spread(interval, resources)
    return (math.floor((now - phase) / interval) + 1) * interval + phase


def write_moment(now: float, interval: float, settle: float, resources: int) -> float:
    """When weights that were decided on now are written, seconds since the Unix epoch.

    Many resources write together, once all of them have ticked: gateways that start their round robin again
    with each configuration would starve small arms while one route or another changes. Few, whose
    ticks lie within :data:`TOGETHER_SECONDS`, write at once.

    Args:
        now: Seconds since the Unix epoch.
        interval: Length of a window, seconds.
        settle: How long after its end a window's numbers are complete, seconds.
        resources: How many there are in all.
    """
    spread = _spread(interval, resources)
    if spread <= TOGETHER_SECONDS:
        return now
    return max(now, newest_end(now, interval, settle) + settle + spread)


def _spread(interval: float, resources: int) -> float:
    return min(resources * TICK_SECONDS, interval * MOST_SPREAD)
