"""The clock that passes go by, which knows when it was set.

Other rooms ask the machine themselves: for deadlines, for the lease, for the timestamps of events and for
what is shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable

JUMP_SECONDS = 5.0
"""A wall clock that moves this much against the monotonic one has been set, not drifted."""
TRUST_AFTER_SECONDS = 60.0
"""A clock that was set is believed once it has kept pace for this long."""


class Clock:
    """Wall time that knows when it was set.

    Windows of rewards are named by wall time. A clock that is set far ahead would name
    windows that do not exist yet, and move the cursor past rewards that are still to come.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self.monotonic = monotonic
        self._offset = wall() - monotonic()
        self._distrusted_until = 0.0

    def now(self) -> float:
        """Seconds since the Unix epoch, in whole milliseconds."""
        wall, monotonic = self._wall(), self.monotonic()
        offset = wall - monotonic
        if abs(offset - self._offset) > JUMP_SECONDS:
            self._distrusted_until = monotonic + TRUST_AFTER_SECONDS
        self._offset = offset
        return round(wall, 3)

    @property
    def trusted(self) -> bool:
        """False for a while after the clock was set."""
        return self.monotonic() >= self._distrusted_until
