"""Prometheus metrics and the summary of the collector, both read from the committed counters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from bandit_serving.collector import counters as names
from bandit_serving.collector.counters import MILLION, Counters, added, delay_histogram

_BY_ARM = (
    ("model_reward_trials", names.TRIALS, 1, "Requests that gave a reward."),
    ("model_reward_successes", names.SUCCESSES, MILLION, "Sum of the rewards y that are not negative."),
    ("model_reward_losses", names.LOSSES, MILLION, "Sum of -y of the negative Gaussian rewards."),
    ("model_reward_squares", names.SQUARES, MILLION**2, "Sum of y², of Gaussian and Ratio rewards."),
    ("model_reward_denominators", names.DENOMINATORS, MILLION, "Sum of the denominators x of Ratio rewards."),
    ("model_reward_denominator_squares", names.DENOMINATOR_SQUARES, MILLION**2, "Sum of x²."),
    ("model_reward_cross_products", names.CROSS_PRODUCTS, MILLION**2, "Sum of x·y."),
    ("model_reward_predictions", names.PREDICTIONS, 1, "Distinct requests with a prediction."),
    ("model_reward_joined", names.JOINED, 1, "Distinct requests with a prediction and a label."),
    (
        "model_reward_expired_predictions",
        names.EXPIRED_PREDICTIONS,
        1,
        "Predictions whose label came too late.",
    ),
    ("model_reward_duplicate_predictions", names.DUPLICATE_PREDICTIONS, 1, "Predictions sent again."),
)
_BY_ROUTE = (
    ("model_reward_labels", names.LABELS, "Distinct requests with a label."),
    ("model_reward_duplicate_labels", names.DUPLICATE_LABELS, "Labels sent again."),
    ("model_reward_late_labels", names.LATE_LABELS, "Labels of predictions that had expired."),
    ("model_reward_expired_labels", names.EXPIRED_LABELS, "Labels whose prediction never came."),
)


class CounterMetrics(Collector):
    """Exposes the committed counters."""

    def __init__(
        self, read: Callable[[], Counters], waiting: Callable[[], int], before: Counters | None = None
    ) -> None:
        """Keep what to expose.

        Args:
            read: Gives all counters.
            waiting: Gives the events not committed yet.
            before: Counters at the start of the process, which are left out; None exposes them all, so that a
                restart resets nothing.
        """
        self._read, self._waiting = read, waiting
        self._before = {key: -value for key, value in (before or {}).items()}

    def collect(self) -> Iterator[Metric]:
        """Yield every metric family."""
        totals = self._read()
        arms = sorted({(key.route, key.arm) for key in totals if key.arm})
        counters = added(totals, self._before)
        for metric, name, scale, text in _BY_ARM:
            family = CounterMetricFamily(metric, text, labels=["route", "arm"])
            for key, value in sorted(counters.items()):
                if key.name == name:
                    family.add_metric([key.route, key.arm], value / scale)
            yield family
        for metric, name, text in _BY_ROUTE:
            family = CounterMetricFamily(metric, text, labels=["route"])
            for key, value in sorted(counters.items()):
                if key.name == name:
                    family.add_metric([key.route], value)
            yield family
        yield _delays(counters, arms)
        yield from self._gauges(totals, arms)

    def _gauges(self, counters: Counters, arms: list[tuple[str, str]]) -> Iterator[Metric]:
        pending = GaugeMetricFamily(
            "model_reward_pending_predictions", "Predictions that wait for a label.", labels=["route", "arm"]
        )
        for route, arm in arms:
            pending.add_metric([route, arm], _waiting_predictions(counters, route, arm))
        yield pending
        labels = GaugeMetricFamily(
            "model_reward_pending_labels", "Labels that wait for a prediction.", labels=["route"]
        )
        for route in sorted({key.route for key in counters}):
            labels.add_metric([route], _waiting_labels(counters, route))
        yield labels
        yield GaugeMetricFamily(
            "model_reward_uncommitted", "Events not committed yet.", value=self._waiting()
        )


def summary(counters: Counters) -> dict[str, Any]:
    """Return the counters as nested objects: routes by name, in each its arms by name."""
    routes: dict[str, Any] = {}
    for route in sorted({key.route for key in counters}):
        by_name = {key.name: value for key, value in counters.items() if key.route == route and not key.arm}
        arms = sorted({key.arm for key in counters if key.route == route and key.arm})
        routes[route] = {
            **{name: by_name.get(name, 0) for _, name, _ in _BY_ROUTE},
            "pending_labels": _waiting_labels(counters, route),
            "arms": {arm: _arm_summary(counters, route, arm) for arm in arms},
        }
    return {"routes": routes}


def _arm_summary(counters: Counters, route: str, arm: str) -> dict[str, Any]:
    def value(name: str) -> int:
        return counters.get(names.Key(name, route, arm), 0)

    trials, joined = value(names.TRIALS), value(names.JOINED)
    successes, losses, denominators = (
        value(name) / MILLION for name in (names.SUCCESSES, names.LOSSES, names.DENOMINATORS)
    )
    return {
        "trials": trials,
        "successes": successes,
        "mean": (successes - losses) / trials if trials else None,
        "ratio": successes / denominators if denominators else None,
        **{name: value(name) for _, name, scale, _ in _BY_ARM if scale == 1 and name != names.TRIALS},
        "pending_predictions": _waiting_predictions(counters, route, arm),
        "mean_delay_seconds": value(names.DELAY_MILLISECONDS) / 1000 / joined if joined else None,
    }


def _delays(counters: Counters, arms: list[tuple[str, str]]) -> Metric:
    family = HistogramMetricFamily(
        "model_reward_delay_seconds", "Time from a prediction to its label.", labels=["route", "arm"]
    )
    for route, arm in arms:
        buckets = [
            ("+Inf" if end == float("inf") else f"{end:g}", n)
            for end, n in delay_histogram(counters, route, arm)
        ]
        total = counters.get(names.Key(names.DELAY_MILLISECONDS, route, arm), 0) / 1000
        family.add_metric([route, arm], buckets, total)
    return family


def _waiting_predictions(counters: Counters, route: str, arm: str) -> int:
    made, joined, expired = (
        counters.get(names.Key(name, route, arm), 0)
        for name in (names.PREDICTIONS, names.JOINED, names.EXPIRED_PREDICTIONS)
    )
    return made - joined - expired


def _waiting_labels(counters: Counters, route: str) -> int:
    joined = sum(value for key, value in counters.items() if key.name == names.JOINED and key.route == route)
    known, expired = (
        counters.get(names.Key(name, route, ""), 0) for name in (names.LABELS, names.EXPIRED_LABELS)
    )
    return known - joined - expired
