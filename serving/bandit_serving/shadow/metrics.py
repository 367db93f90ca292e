"""Prometheus metrics of the shadow server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bandit_serving.predictions import PredictionEvents
from bandit_serving.shadow.breaker import Breaker, State

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
REASONS = (
    *("not_sampled", "no_id", "bad_id", "no_body", "shadow"),
    *("too_long", "too_slow", "unread", "overloaded", "queue_full", "stopped"),
)
"""Why a copy is not scored."""
OUTCOMES = (
    *("answered", "status_3xx", "status_4xx", "status_5xx", "nonsense", "too_long"),
    *("timeout", "connection", "breaker_open"),
)
"""What becomes of a call."""


class ShadowMetrics:
    """Copies, and calls by arm; every series is there from the start."""

    def __init__(self, registry: CollectorRegistry, arms: Sequence[str]) -> None:
        self._received = Counter("shadow_copies", "Copies of requests received.", registry=registry)
        self._dropped = Counter(
            "shadow_copies_dropped", "Copies that are not scored.", ["reason"], registry=registry
        )
        self._calls = Counter(
            "shadow_calls", "Calls of arms by what became of them.", ["arm", "outcome"], registry=registry
        )
        self._seconds = Histogram(
            "shadow_call_seconds",
            "Time from a call to its whole answer, or to its failure.",
            ["arm"],
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        for reason in REASONS:
            self._dropped.labels(reason)
        for arm in arms:
            self._seconds.labels(arm)
            for outcome in OUTCOMES:
                self._calls.labels(arm, outcome)
        ProcessCollector(registry=registry)

    def received(self) -> None:
        """Count a copy."""
        self._received.inc()

    def dropped(self, reason: str, copies: int = 1) -> None:
        """Count copies that are not scored."""
        self._dropped.labels(reason).inc(copies)

    def call(self, arm: str, outcome: str, seconds: float | None = None) -> None:
        """Count a call; without seconds where it was not made."""
        self._calls.labels(arm, outcome).inc()
        if seconds is not None:
            self._seconds.labels(arm).observe(seconds)


class ArmState(Collector):
    """Reads breaker and event queue of an arm when Prometheus asks."""

    def __init__(self, arms: Sequence[tuple[str, Breaker, PredictionEvents]]) -> None:
        self._arms = arms

    def collect(self) -> Iterator[Metric]:
        """Yield the families; of predictions nothing before the server has started."""
        breakers = GaugeMetricFamily(
            "shadow_breaker_state",
            "1 for the state that an arm's breaker is in, else 0.",
            labels=["arm", "state"],
        )
        predictions = CounterMetricFamily(
            "shadow_predictions", "Predictions by what became of them.", labels=["arm", "result"]
        )
        pending = GaugeMetricFamily(
            "shadow_predictions_pending", "Predictions not acknowledged yet.", labels=["arm"]
        )
        for name, breaker, events in self._arms:
            for state in State:
                breakers.add_metric([name, state], float(breaker.state is state))
            if (sender := events.sender) is not None:
                for result in ("delivered", "dropped", "rejected"):
                    predictions.add_metric([name, result], getattr(sender, result))
                pending.add_metric([name], sender.pending)
        yield from (breakers, predictions, pending)
