"""What the statuses of all resources say, as metrics: read when it is asked for, so that ticks pay nothing.

A replica shows those of the resources that it looks at, as all replicas see the same statuses; when each was
looked at last every replica shows, for a resource that nobody looks at is nobody's. A status is input: what
is no number is left out, and one that is no status shows nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bandit_operator.api.in_force import interval_of
from bandit_operator.api.references import Key
from bandit_operator.runtime.telemetry import RESOURCE
from bandit_operator.status.document import time_of
from bandit_operator.status.figures import number
from bandit_operator.watch.cache import Cache

Object = Mapping[str, Any]
Sample = tuple[str, tuple[str, ...], float]
"""Name of the metric, values of its labels after those of the resource, value."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A metric: its name, what it is, and its labels after those of the resource."""

    name: str
    text: str
    labels: tuple[str, ...] = ()


LOOKED_AT = "looked_at_timestamp_seconds"
INTERVAL = "interval_seconds"
WHOEVER_LOOKS = frozenset({LOOKED_AT, INTERVAL})
"""Shown by every replica, so that one of those left tells what nobody looks at any more."""
GAUGES = (
    Gauge("condition", "1 for each condition as it stands", ("type", "status", "reason")),
    Gauge("phase", "1 for the phase that the resource is in", ("phase",)),
    Gauge(LOOKED_AT, "When the resource was looked at last, by its status, whoever looks at it"),
    Gauge(INTERVAL, "Longest time between two looks: spec.interval"),
    Gauge("last_act_timestamp_seconds", "When something was done last", ("kind",)),
    Gauge("rewards_until_timestamp_seconds", "Up to when rewards have been read"),
    Gauge("arm_state", "1 for the state that the arm is in", ("arm", "state", "reason")),
    Gauge("arm_share", "Share of the traffic that the arm is meant to have", ("arm",)),
    Gauge("arm_realised_share", "Share of the newest window's requests that reached the arm", ("arm",)),
    Gauge("arm_mean_reward", "Mean reward of the arm, in the reward's unit", ("arm",)),
    Gauge("arm_mean_reward_lower", "Lower end of the central 95 % interval of the mean", ("arm",)),
    Gauge("arm_mean_reward_upper", "Upper end of the central 95 % interval of the mean", ("arm",)),
    Gauge("arm_trials", "Rewarded requests that the arm's evidence stands on", ("arm",)),
    Gauge("arm_probability_best", "Probability that the arm is the best one", ("arm",)),
    Gauge("arm_evidence", "e-value that the arm is worse than the baseline", ("arm",)),
    Gauge("arm_evidence_threshold", "e-value at which the arm is rolled back", ("arm",)),
    Gauge("arm_shadow_trials", "Requests of which the arm's answer in the shadow was rewarded", ("arm",)),
    Gauge("arm_shadow_difference", "Mean reward of the arm in the shadow less the baseline's", ("arm",)),
)
"""All metrics of a resource, each without the prefix ``bandit_operator_``."""
BROKEN = (AttributeError, KeyError, OverflowError, TypeError, ValueError)
"""Exceptions raised when a status is malformed."""


class Exposed(Collector):
    """Metrics of the resources that a cache holds."""

    def __init__(self, cache: Cache, owns: Callable[[Key], bool]) -> None:
        self._cache = cache
        self._owns = owns

    def collect(self) -> Iterable[Metric]:
        """All of them, each metric once."""
        families = {
            one.name: GaugeMetricFamily(
                f"bandit_operator_{one.name}", one.text, labels=(*RESOURCE, *one.labels)
            )
            for one in GAUGES
        }
        for key, body in self._cache.resources.items():
            try:
                samples = list(_samples(body.get("status") or {}))
            except BROKEN:
                continue
            interval = interval_of(body)
            if interval is not None:
                samples.append((INTERVAL, (), interval))
            if not self._owns(key):
                samples = [one for one in samples if one[0] in WHOEVER_LOOKS]
            for name, labels, value in samples:
                families[name].add_metric((*key, *map(str, labels)), value)
        return families.values()


def _samples(status: Object) -> Iterator[Sample]:
    for one in status.get("conditions") or ():
        yield "condition", (one["type"], one["status"], one["reason"]), 1.0
    if "phase" in status:
        yield "phase", (status["phase"],), 1.0
    times: list[tuple[str, tuple[Any, ...], Any]] = [
        (LOOKED_AT, (), status.get("lookedAt")),
        ("rewards_until_timestamp_seconds", (), status.get("rewardsUntil")),
    ]
    for act in (status.get("recentActs") or ())[:1]:
        kind = (act["kind"],)
        times.append(("last_act_timestamp_seconds", kind, act.get("until") or act["time"]))
    for name, labels, text in times:
        if (time := time_of(text)) is not None:
            yield name, labels, time
    arms = status.get("arms") or ()
    total = sum(arm.get("weight") or 0 for arm in arms)
    for arm in arms:
        yield "arm_state", (arm["name"], arm.get("state") or "", arm.get("reason") or ""), 1.0
        for name, value in _figures(arm, total):
            if value is not None:
                yield name, (arm["name"],), value


def _figures(arm: Object, total: int) -> Iterator[tuple[str, float | None]]:
    weight, interval = arm.get("weight"), arm.get("interval") or {}
    shadow = arm.get("shadow") or {}
    yield "arm_share", weight / total if total > 0 and weight is not None else None
    yield "arm_realised_share", _number(arm.get("realisedShare"))
    yield "arm_mean_reward", _number(arm.get("mean"))
    yield "arm_mean_reward_lower", _number(interval.get("lower"))
    yield "arm_mean_reward_upper", _number(interval.get("upper"))
    yield "arm_trials", _number(arm.get("trials"))
    yield "arm_probability_best", _number(arm.get("probabilityBest"))
    yield "arm_evidence", _number(arm.get("evidence"))
    yield "arm_evidence_threshold", _number(arm.get("threshold"))
    yield "arm_shadow_trials", _number(shadow.get("trials"))
    yield "arm_shadow_difference", _number(shadow.get("difference"))


def _number(text: object) -> float | None:
    """A figure of the status, which has them as decimal strings; None where it has none, or no number."""
    return None if text is None else number(str(text))
