"""A circuit breaker: leaves an arm alone that keeps failing, and tries it again after a pause."""

from __future__ import annotations

import enum


class State(enum.StrEnum):
    """How a breaker stands."""

    CLOSED = "closed"
    """Calls are made."""
    OPEN = "open"
    """No call is made until the pause is over."""
    HALF_OPEN = "half_open"
    """One call is under way whose outcome decides."""


class Breaker:
    """Opens after some failures in a row; after a pause one call decides whether it closes again."""

    def __init__(self, failures: int, pause: float) -> None:
        """Begin closed.

        Args:
            failures: So many in a row open it.
            pause: Seconds that it stays open.
        """
        self.state = State.CLOSED
        """How it stands."""
        self._most, self._pause = failures, pause
        self._failures, self._until = 0, 0.0

    def allows(self, now: float) -> bool:
        """Return whether to make a call, to be followed by ``record``; times are of one clock, in seconds."""
        if self.state is State.OPEN and now >= self._until:
            self.state = State.HALF_OPEN
            return True
        return self.state is State.CLOSED

    def record(self, failed: bool, now: float) -> None:
        """Note how a call ended; what was under way when it opened decides nothing more."""
        if self.state is State.OPEN:
            return
        self._failures = self._failures + 1 if failed else 0
        if failed and (self.state is State.HALF_OPEN or self._failures >= self._most):
            self.state, self._until = State.OPEN, now + self._pause
        elif not failed:
            self.state = State.CLOSED
