"""How long something takes, for people."""

from __future__ import annotations

HOUR = 3_600.0
DAY = 24 * HOUR


def duration(seconds: float) -> str:
    """Seconds for people, three digits at the most."""
    for unit, size in (("d", DAY), ("h", HOUR), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def unit_of(seconds: float) -> tuple[str, float]:
    """The unit, and its length in seconds, in which a span of so many is drawn."""
    units = (("days", DAY), ("hours", HOUR), ("minutes", 60.0))
    return next(((name, size) for name, size in units if seconds >= 2 * size), ("seconds", 1.0))
