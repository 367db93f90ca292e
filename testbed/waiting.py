"""Waiting for a condition, instead of for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from cluster.client import ClusterError

Answer = TypeVar("Answer")


def wait_until(
    condition: Callable[[], Answer], what: str, seconds: float = 30, every: float = 0.05
) -> Answer:
    """Return the first true answer of a condition, which is looked at ``every`` so many seconds.

    An ``AssertionError`` or a ``ClusterError`` of the condition counts as "not yet".

    Raises:
        AssertionError: Naming ``what``, and the last answer, when time is over.
    """
    end = time.monotonic() + seconds
    while True:
        last: object
        try:
            if answer := condition():
                return answer
            last = answer
        except (AssertionError, ClusterError) as failed:
            last = failed
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}; last: {last!r}")
        time.sleep(every)
