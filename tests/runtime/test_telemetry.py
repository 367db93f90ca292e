"""What the operator exposes of itself."""

from __future__ import annotations

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bandit_operator.runtime.telemetry import Metrics


def exposed(metrics: Metrics) -> dict[str, float]:
    text = generate_latest(metrics.registry).decode()
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.labels
    }


def test_it_exposes_its_own_processor_time_and_memory() -> None:
    found = exposed(Metrics())
    assert found["process_cpu_seconds_total"] > 0
    assert found["process_resident_memory_bytes"] > 10 * 2**20


def test_requests_are_counted_up_to_what_they_are() -> None:
    metrics = Metrics()
    for so_far in (2, 2, 7):
        metrics.count_requests(so_far)
    assert exposed(metrics)["bandit_operator_prometheus_requests_total"] == 7


def test_how_late_ticks_begin_is_a_histogram() -> None:
    metrics = Metrics()
    metrics.tick_lag.observe(0.2)
    metrics.tick_lag.observe(7.0)
    found = exposed(metrics)
    assert found["bandit_operator_tick_lag_seconds_count"] == 2
    assert found["bandit_operator_tick_lag_seconds_sum"] == 7.2
