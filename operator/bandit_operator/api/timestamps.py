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
    """Seconds since the Unix epoch, in whole milliseconds; a time without a zone is in UTC.

    Raises:
        ValueError: The text is no time.
    """
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:  # Python would go by the zone of whoever's machine this is
        moment = moment.replace(tzinfo=datetime.UTC)
    return round(moment.timestamp(), 3)
