"""Times in the API: RFC 3339 in UTC with milliseconds, seconds since the Unix epoch inside.

Milliseconds survive the way there and back, so that a time read from the status is the time
that was written.
"""

from __future__ import annotations

import datetime


def to_timestamp(seconds: float) -> str:
    """``0.25`` becomes ``1970-01-01T00:00:00.250Z``."""
    moment = datetime.datetime.fromtimestamp(round(seconds, 3), datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_micro_time(seconds: float) -> str:
    """The same with microseconds: MicroTime of the Kubernetes API, as Events and Leases have it."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_timestamp(text: str) -> float:
    """Seconds since the Unix epoch, in whole milliseconds.

    Raises:
        ValueError: The text is no time.
    """
    return round(datetime.datetime.fromisoformat(text).timestamp(), 3)
