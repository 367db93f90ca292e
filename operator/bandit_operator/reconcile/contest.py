"""What another writer keeps changing is put back at growing distances, so that nobody is flooded."""

from __future__ import annotations

CONTEST_SECONDS = 600.0
"""Changes by others within this time count as one contest."""
CONTEST_PATIENCE = 5
"""So many changes are re-asserted at once; after that with a growing back-off."""
CONTEST_LONGEST = 300.0
"""Longest back-off."""


class Contest:
    """Changes that others made lately, by the monotonic clock in seconds."""

    def __init__(self) -> None:
        self._changed_at: tuple[float, ...] = ()

    def add(self, monotonic: float) -> None:
        """Another writer has changed it now."""
        self._changed_at = (*self._recent(monotonic), monotonic)

    def changes(self, monotonic: float) -> int:
        """How many changes belong to the contest that is going on now."""
        return len(self._recent(monotonic))

    def is_on(self, monotonic: float) -> bool:
        """Whether another writer keeps changing it."""
        return self.changes(monotonic) > CONTEST_PATIENCE

    def back_off(self, monotonic: float) -> float:
        """Seconds between two times that it is written."""
        excess = self.changes(monotonic) - CONTEST_PATIENCE
        return 0.0 if excess <= 0 else min(5.0 * 2**excess, CONTEST_LONGEST)

    def _recent(self, monotonic: float) -> tuple[float, ...]:
        return tuple(moment for moment in self._changed_at if monotonic - moment < CONTEST_SECONDS)
