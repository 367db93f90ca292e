"""Prometheus metrics and the summary of the collector, both read from the committed counters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from bandit_serving.collector import counters as names
from bandit_serving.collector.counters import MILLION, Counters, added, by_route, delay_histogram

_Routes = Mapping[str, Mapping[str, Mapping[str, int]]]

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
        "model_reward_unrewarded",
        names.UNREWARDED,
        1,
        "Joined requests for which the reward function had no value.",
    ),
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
        """Yield every metric family, in a time that grows as the number of counters does."""
        totals = self._read()
        counters = by_route(added(totals, self._before))
        for metric, name, scale, text in _BY_ARM:
            family = CounterMetricFamily(metric, text, labels=["route", "arm"])
            for route, arm, values in _arms(counters):
                if name in values:
                    family.add_metric([route, arm], values[name] / scale)
            yield family
        for metric, name, text in _BY_ROUTE:
            family = CounterMetricFamily(metric, text, labels=["route"])
            for route, arms in counters.items():
                if name in arms.get("", {}):
                    family.add_metric([route], arms[""][name])
            yield family
        yield _delays(counters)
        yield from self._gauges(by_route(totals))

    def _gauges(self, counters: _Routes) -> Iterator[Metric]:
        pending = GaugeMetricFamily(
            "model_reward_pending_predictions", "Predictions that wait for a label.", labels=["route", "arm"]
        )
        for route, arm, values in _arms(counters):
            pending.add_metric([route, arm], _waiting_predictions(values))
        yield pending
        labels = GaugeMetricFamily(
            "model_reward_pending_labels", "Labels that wait for a prediction.", labels=["route"]
        )
        for route, arms in counters.items():
            labels.add_metric([route], _waiting_labels(arms))
        yield labels
        yield GaugeMetricFamily(
            "model_reward_uncommitted", "Events not committed yet.", value=self._waiting()
        )


def summary(counters: Counters) -> dict[str, Any]:
    """Return the counters as nested objects: routes by name, in each its arms by name."""
    routes = {
        route: {
            **{name: arms.get("", {}).get(name, 0) for _, name, _ in _BY_ROUTE},
            "pending_labels": _waiting_labels(arms),
            "arms": {arm: _arm_summary(values) for arm, values in arms.items() if arm},
        }
        for route, arms in by_route(counters).items()
    }
    return {"routes": routes}


def _arms(counters: _Routes) -> Iterator[tuple[str, str, Mapping[str, int]]]:
    """Yield route, arm and its counters by name."""
    for route, arms in counters.items():
        for arm, values in arms.items():
            if arm:
                yield route, arm, values


def _arm_summary(values: Mapping[str, int]) -> dict[str, Any]:
    trials, joined = values.get(names.TRIALS, 0), values.get(names.JOINED, 0)
    successes, losses, denominators = (
        values.get(name, 0) / MILLION for name in (names.SUCCESSES, names.LOSSES, names.DENOMINATORS)
    )
    return {
        "trials": trials,
        "successes": successes,
        "mean": (successes - losses) / trials if trials else None,
        "ratio": successes / denominators if denominators else None,
        **{name: values.get(name, 0) for _, name, scale, _ in _BY_ARM if scale == 1 and name != names.TRIALS},
        "pending_predictions": _waiting_predictions(values),
        "mean_delay_seconds": values.get(names.DELAY_MILLISECONDS, 0) / 1000 / joined if joined else None,
    }


def _delays(counters: _Routes) -> Metric:
    family = HistogramMetricFamily(
        "model_reward_delay_seconds", "Time from a prediction to its label.", labels=["route", "arm"]
    )
    for route, arm, values in _arms(counters):
        buckets = [("+Inf" if end == float("inf") else f"{end:g}", n) for end, n in delay_histogram(values)]
        family.add_metric([route, arm], buckets, values.get(names.DELAY_MILLISECONDS, 0) / 1000)
    return family


def _waiting_predictions(values: Mapping[str, int]) -> int:
    made, joined, expired = (
        values.get(name, 0) for name in (names.PREDICTIONS, names.JOINED, names.EXPIRED_PREDICTIONS)
    )
    return made - joined - expired


def _waiting_labels(arms: Mapping[str, Mapping[str, int]]) -> int:
    joined = sum(values.get(names.JOINED, 0) for values in arms.values())
    known, expired = (arms.get("", {}).get(name, 0) for name in (names.LABELS, names.EXPIRED_LABELS))
    return known - joined - expired
