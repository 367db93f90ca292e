"""What the operator exposes of itself."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bandit_operator.runtime.telemetry import LOG_FORMATS, Metrics


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


def test_how_late_ticks_begin_is_a_histogram() -> None:
    metrics = Metrics()
    metrics.tick_lag.observe(0.2)
    metrics.tick_lag.observe(7.0)
    found = exposed(metrics)
    assert found["bandit_operator_tick_lag_seconds_count"] == 2
    assert found["bandit_operator_tick_lag_seconds_sum"] == 7.2


LOGGING = """
import logging, sys, structlog
from bandit_operator.runtime.telemetry import configure_logging
configure_logging("info", sys.argv[1])
ours = structlog.get_logger()
ours.info("decision", name="income", weights={"svm": 1})
ours.debug("a quiet tick")
logging.getLogger("kopf").warning("a watch ended")
try:
    raise ValueError("no such thing")
except ValueError:
    ours.exception("unexpected error")
"""


@pytest.fixture(params=list(LOG_FORMATS))
def logged(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A format, and what a process writes in it."""
    form: str = request.param
    done = subprocess.run(
        [sys.executable, "-c", LOGGING, form], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == ""
    return form, done.stderr


def test_each_format_of_logs_has_what_was_said_and_by_whom(logged: tuple[str, str]) -> None:
    _, text = logged
    for words in ("decision", "income", "a watch ended", "kopf", "ValueError: no such thing"):
        assert words in text
    assert "a quiet tick" not in text


def test_only_json_is_an_object_a_line(logged: tuple[str, str]) -> None:
    form, text = logged
    objects = [line.startswith("{") and bool(json.loads(line)) for line in text.splitlines()]
    assert all(objects) == (form == "json")
    assert len(objects) == 3 or form == "text"
