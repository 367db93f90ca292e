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
from bandit_serving.collector.counters import MILLION, Counters, added, by_kind, by_route, delay_histogram

_Routes = Mapping[str, Mapping[str, Mapping[str, int]]]
_Sums = tuple[tuple[str, str, int, str], ...]

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
_BY_ARM_OF_SHADOWS = tuple(
    (metric.replace("model_reward_", "model_reward_shadow_"), name, scale, f"Of shadows: {text}")
    for metric, name, scale, text in _BY_ARM
)
_BY_PAIR = (
    ("model_reward_shadow_pair_trials", names.PAIR_TRIALS, 1, "Requests for which both arms were rewarded."),
    ("model_reward_shadow_pair_gains", names.PAIR_GAINS, MILLION, "Sum of y_A - y_B where it is positive."),
    ("model_reward_shadow_pair_losses", names.PAIR_LOSSES, MILLION, "Sum of y_B - y_A where it is positive."),
    ("model_reward_shadow_pair_squares", names.PAIR_SQUARES, MILLION**2, "Sum of (y_A - y_B)²."),
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
        served, shadows, pairs = map(by_route, by_kind(added(totals, self._before)))
        yield from _sums(_BY_ARM, "arm", served)
        for metric, name, text in _BY_ROUTE:
            family = CounterMetricFamily(metric, text, labels=["route"])
            for route, arms in served.items():
                if name in arms.get("", {}):
                    family.add_metric([route], arms[""][name])
            yield family
        yield _delays(served)
        yield from _sums(_BY_ARM_OF_SHADOWS, "arm", shadows)
        yield from _sums(_BY_PAIR, "pair", pairs)
        yield from self._gauges(*map(by_route, by_kind(totals)))

    def _gauges(self, served: _Routes, shadows: _Routes, _pairs: _Routes) -> Iterator[Metric]:
        yield _pending("model_reward_pending_predictions", "Predictions that wait for a label.", served)
        yield _pending("model_reward_shadow_pending_predictions", "Shadows that wait for a label.", shadows)
        labels = GaugeMetricFamily(
            "model_reward_pending_labels", "Labels that wait for a prediction.", labels=["route"]
        )
        for route, arms in served.items():
            labels.add_metric([route], _waiting_labels(arms))
        yield labels
        yield GaugeMetricFamily(
            "model_reward_uncommitted", "Events not committed yet.", value=self._waiting()
        )


def _sums(table: _Sums, label: str, counters: _Routes) -> Iterator[Metric]:
    """Yield the families of a table, by route and by what the label names."""
    for metric, name, scale, text in table:
        family = CounterMetricFamily(metric, text, labels=["route", label])
        for route, one, values in _arms(counters):
            if name in values:
                family.add_metric([route, one], values[name] / scale)
        yield family


def _pending(metric: str, text: str, counters: _Routes) -> Metric:
    family = GaugeMetricFamily(metric, text, labels=["route", "arm"])
    for route, arm, values in _arms(counters):
        family.add_metric([route, arm], _waiting_predictions(values))
    return family


def summary(counters: Counters) -> dict[str, Any]:
    """Return the counters as nested objects: routes by name, in each its arms by name."""
    served, shadows, pairs = map(by_route, by_kind(counters))
    routes = {
        route: {
            **{name: arms.get("", {}).get(name, 0) for _, name, _ in _BY_ROUTE},
            "pending_labels": _waiting_labels(arms),
            "arms": {arm: _arm_summary(values) for arm, values in arms.items() if arm},
        }
        for route, arms in ((route, served.get(route, {})) for route in sorted({*served, *shadows}))
    }
    for route, arms in shadows.items():
        routes[route]["shadows"] = {
            "arms": {arm: _sums_summary(values) for arm, values in arms.items()},
            "pairs": {pair: _pair_summary(values) for pair, values in pairs.get(route, {}).items()},
        }
    return {"routes": routes}


def _arms(counters: _Routes) -> Iterator[tuple[str, str, Mapping[str, int]]]:
    """Yield route, arm and its counters by name."""
    for route, arms in counters.items():
        for arm, values in arms.items():
            if arm:
                yield route, arm, values


def _arm_summary(values: Mapping[str, int]) -> dict[str, Any]:
    joined = values.get(names.JOINED, 0)
    return {
        **_sums_summary(values),
        "mean_delay_seconds": values.get(names.DELAY_MILLISECONDS, 0) / 1000 / joined if joined else None,
    }


def _sums_summary(values: Mapping[str, int]) -> dict[str, Any]:
    trials = values.get(names.TRIALS, 0)
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
    }


def _pair_summary(values: Mapping[str, int]) -> dict[str, Any]:
    trials = values.get(names.PAIR_TRIALS, 0)
    difference = values.get(names.PAIR_GAINS, 0) - values.get(names.PAIR_LOSSES, 0)
    return {"trials": trials, "mean_difference": difference / MILLION / trials if trials else None}


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
