"""What a replay counts."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any

import numpy as np

LATENCIES_KEPT = 100_000  # the newest; percentiles are over these


@dataclasses.dataclass(frozen=True)
class Answer:
    """What became of one request."""

    id: str
    """Id of the request."""
    row: int
    """Index of the row in the data set."""
    arm: str | None
    """The arm that answered; "" where the answer does not say, None where the request failed."""
    seconds: float
    """From sending to the whole answer, or to the failure."""
    failure: str | None = None
    """None, or why the request failed."""


class Counters:
    """Live counters of a replay; safe to read from another thread."""

    def __init__(self) -> None:
        self.requests_total = 0
        """Requests due so far, answered, failed or in flight."""
        self.requests_failed = 0
        """Those without a 2xx answer: another status, no connection, a timeout, or not sent because too many
        were in flight."""
        self.by_arm: collections.Counter[str] = collections.Counter()
        """Answers by arm."""
        self.failures: collections.Counter[str] = collections.Counter()
        """Failed requests by reason."""
        self._latencies: collections.deque[float] = collections.deque(maxlen=LATENCIES_KEPT)

    def add(self, answer: Answer) -> None:
        """Count what became of a request."""
        if answer.failure is not None:
            self.requests_failed += 1
            self.failures[answer.failure] += 1
        else:
            self.by_arm[answer.arm or ""] += 1
            self._latencies.append(answer.seconds)

    @property
    def requests_answered(self) -> int:
        """Requests with a 2xx answer."""
        return sum(self.by_arm.copy().values())

    def snapshot(self) -> dict[str, Any]:
        """Return the counters as JSON values; latencies in milliseconds, None before the first answer."""
        latencies = np.array(self._latencies.copy())
        percentiles = {
            f"p{q:g}": round(float(np.percentile(latencies, q)) * 1000, 3) if len(latencies) else None
            for q in (50, 90, 99, 99.9)
        }
        return {
            "requests_total": self.requests_total,
            "requests_answered": self.requests_answered,
            "requests_failed": self.requests_failed,
            "failures": dict(self.failures.copy()),
            "arms": dict(sorted(self.by_arm.copy().items())),
            "latency_ms": percentiles,
        }
