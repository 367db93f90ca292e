"""What the operator says of itself: metrics, and logs."""

from __future__ import annotations

import logging
import sys

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from bandit_operator.core.decision import Decision
from bandit_operator.core.outcomes import Held, RolledBack
from bandit_operator.errors import APIError, APIUnreachable, Conflict, NotFound

RESOURCE = ("resource_namespace", "resource")
"""Labels of a BanditDeployment. Prometheus itself sets ``namespace`` to that of the operator's Pod."""


class Metrics:
    """What the operator counts of its own work; how resources stand is in ``watch.exposed``."""

    def __init__(self) -> None:
        # A second series of each counter, that nobody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has none for it
        self.registry = CollectorRegistry(auto_describe=True)  # so that each can be asked for by name
        ProcessCollector(registry=self.registry)  # processor time, memory, open files
        labels = RESOURCE
        self.decisions = self._counter(
            "decisions", "Decisions by reason, doing nothing included", *labels, "reason"
        )
        self.holds = self._counter("holds", "Decisions that held the weights, by reason", *labels, "reason")
        self.queries = self._counter("prometheus_queries", "Queries to Prometheus by outcome", "outcome")
        self.prometheus_found = self._gauge(
            "prometheus_found",
            "1 once the installed Prometheus has answered since the start, else 0",
            "address",
        )
        self.requests = self._counter(
            "prometheus_requests", "Requests to Prometheus, which carry the queries of several resources"
        )
        self.writes = self._counter(
            "api_writes", "Writes to the API server by object and outcome", "object", "outcome"
        )
        self.internal_errors = self._counter(
            "internal_errors", "Passes that failed unexpectedly, by the kind of the error", "error"
        )
        self.foreign = self._counter(
            "foreign_weight_changes", "Weights that another writer had changed", *labels
        )
        self.rollbacks = self._counter("rollbacks", "Arms rolled back", *labels, "arm")
        self.notifications = self._counter("notifications", "Notifications to webhooks by outcome", "outcome")
        self.leading = self._gauge("leading", "1 on a replica that acts")
        self.shards = self._gauge("shards", "Shards that the resources are divided among")
        self.shards_held = self._gauge("shards_held", "Shards whose lease this replica holds")
        self.resources = self._gauge("resources", "BanditDeployments known")
        self.tick_seconds = self._histogram(
            "tick_seconds", "Time that one tick takes, query and writes included"
        )
        self.tick_lag = self._histogram(
            "tick_lag_seconds", "How long after its time a tick began; growing where the operator is too slow"
        )

    def decided(self, namespace: str, name: str, decision: Decision) -> None:
        """Count a decision and what it came to."""
        self.decisions.labels(namespace, name, decision.reason).inc()
        for held in decision.of(Held):
            self.holds.labels(namespace, name, held.reason).inc()
        for rolled_back in decision.of(RolledBack):
            self.rollbacks.labels(namespace, name, rolled_back.arm).inc()

    def wrote(self, what: str, error: APIError | APIUnreachable | None = None) -> None:
        """Count a write to the API server.

        Args:
            what: status, route or scale.
            error: how it failed, if it did: where it was made from an old view another follows.
        """
        outcome = "conflict" if isinstance(error, Conflict | NotFound) else "refused"
        self.writes.labels(what, "written" if error is None else outcome).inc()

    def forget(self, namespace: str, name: str) -> None:
        """Drop the series of a resource that is gone."""
        for metric in (self.decisions, self.holds, self.foreign, self.rollbacks):
            metric.remove_by_labels(dict(zip(RESOURCE, (namespace, name), strict=True)))

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"bandit_operator_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"bandit_operator_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str) -> Histogram:
        buckets = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
        return Histogram(f"bandit_operator_{name}", text, registry=self.registry, buckets=buckets)


LOG_FORMATS: dict[str, tuple[structlog.types.Processor, ...]] = {
    "json": (structlog.processors.format_exc_info, structlog.processors.JSONRenderer()),
    "text": (structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),),
}
"""What makes a line of a log record, by the name of the format; the first is usual."""


def configure_logging(level: str, form: str) -> None:
    """Send our own logs and kopf's alike to standard error, a record a line but for tracebacks in text.

    Args:
        level: the least severe that is logged.
        form: one of ``LOG_FORMATS``.
    """
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        # What is not severe enough must cost nothing: a quiet tick is told at debug.
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *LOG_FORMATS[form],
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("kopf").setLevel(logging.WARNING)
