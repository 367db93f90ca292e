"""Prometheus metrics of the sample arm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy.typing as npt
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bandit_serving.predictions import PredictionEvents

LATENCY_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
MOST_CLASSES = 50  # predictions of further classes are counted as "other", so that series stay few


class ArmMetrics:
    """Requests by status, their latency, and predictions by class, all labelled with model and arm.

    Shadow calls are counted apart, so that nothing that judges the arm by its traffic sees them.
    """

    def __init__(
        self, registry: CollectorRegistry, *, model: str, arm: str, events: PredictionEvents | None
    ) -> None:
        labels = {"model": model, "arm": arm}
        names = [*labels]
        self._labels = labels
        self._requests = Counter(
            "model_requests", "Inference requests by HTTP status.", [*names, "code"], registry=registry
        )
        self._shadows = Counter(
            "model_shadow_requests",
            "Copies of requests by HTTP status, whose answers no user sees.",
            [*names, "code"],
            registry=registry,
        )
        self._latency = Histogram(
            "model_request_duration_seconds",
            "Time from the headers of an inference request to its answer.",
            names,
            buckets=LATENCY_BUCKETS,
            registry=registry,
        ).labels(**labels)
        self._predictions = Counter(
            "model_predictions",
            "Predicted rows by class; empty for a regression.",
            [*names, "class"],
            registry=registry,
        )
        self._classes: set[str] = set()
        ProcessCollector(registry=registry)
        if events is not None:
            registry.register(_EventCounters(events, labels))

    def request(self, status: int, seconds: float) -> None:
        """Count one inference request."""
        self._requests.labels(**self._labels, code=str(status)).inc()
        self._latency.observe(seconds)

    def shadow(self, status: int) -> None:
        """Count one shadow call."""
        self._shadows.labels(**self._labels, code=str(status)).inc()

    def predictions(self, values: Mapping[str, npt.NDArray[Any]], rows: int) -> None:
        """Count the predicted rows of one request."""
        predicted = values.get("predict")
        if predicted is None or predicted.dtype.kind == "f" or predicted.ndim != 1:
            self._predictions.labels(**self._labels, **{"class": ""}).inc(rows)
            return
        for value in predicted.tolist():
            self._predictions.labels(**self._labels, **{"class": self._class_label(str(value))}).inc()

    def _class_label(self, name: str) -> str:
        if name not in self._classes:
            if len(self._classes) >= MOST_CLASSES:
                return "other"
            self._classes.add(name)
        return name


class _EventCounters(Collector):
    """Reads the counters of the event queue when Prometheus asks."""

    def __init__(self, events: PredictionEvents, labels: Mapping[str, str]) -> None:
        self._events, self._labels = events, labels

    def collect(self) -> Iterator[Metric]:
        """Yield the counters; nothing before the server has started."""
        sender = self._events.sender
        names, values = [*self._labels], [*self._labels.values()]
        counter = CounterMetricFamily(
            "model_prediction_events", "Prediction events by what became of them.", labels=[*names, "result"]
        )
        pending = GaugeMetricFamily(
            "model_prediction_events_pending", "Prediction events not acknowledged yet.", labels=names
        )
        if sender is not None:
            for result in ("delivered", "dropped", "rejected"):
                counter.add_metric([*values, result], getattr(sender, result))
            pending.add_metric(values, sender.pending)
        yield counter
        yield pending
