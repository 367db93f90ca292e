"""Alerts and dashboards reach Prometheus and Grafana as they were made."""

from __future__ import annotations

import pytest
import yaml

from monitoring.__main__ import FILES
from monitoring.alerts import ALERTS, groups
from tests.charts.conftest import Chart

RULE = "metrics.prometheusRule.enabled=true"
PAGE = "https://git.example.com/docs/runbooks.md"
pytestmark = pytest.mark.cluster


def test_there_is_no_rule_and_no_dashboard_unless_asked_for(chart: Chart) -> None:
    kinds = {made["kind"] for made in chart.objects()}
    assert not kinds & {"PrometheusRule", "ConfigMap"}


def test_each_alert_is_as_it_was_made_and_leads_to_its_section(chart: Chart) -> None:
    chosen = f"{RULE},metrics.prometheusRule.runbooksUrl={PAGE}"
    [rule] = chart.find("PrometheusRule", "bandit-operator", "--set", chosen)
    expected = yaml.safe_load(yaml.safe_dump(groups()).replace("RUNBOOKS", PAGE))
    assert rule["spec"] == expected
    [summary] = {
        one["annotations"]["summary"] for one in rule["spec"]["groups"][0]["rules"] if "Late" in one["alert"]
    }
    assert "{{ $value | humanizeDuration }}" in summary


def test_without_an_address_of_the_page_no_alert_names_a_runbook(chart: Chart) -> None:
    [rule] = chart.find("PrometheusRule", "bandit-operator", "--set", RULE)
    rules = rule["spec"]["groups"][0]["rules"]
    assert [one["alert"] for one in rules] == [alert.name for alert in ALERTS]
    assert all(set(one["annotations"]) == {"summary", "description"} for one in rules)


def test_grafana_finds_the_dashboards_and_reads_them_as_they_were_made(chart: Chart) -> None:
    chosen = ("--set", "metrics.dashboards.enabled=true")
    [made] = chart.find("ConfigMap", "bandit-operator-dashboards", *chosen)
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert made["data"] == {file.name: file.read_text() for file in (FILES / "dashboards").iterdir()}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "metrics.prometheusRule.runbooksUrl=docs",
            "at '/metrics/prometheusRule/runbooksUrl': 'docs' does not",
        ),
        ("metrics.prometheusRule.enabled=maybe", "at '/metrics/prometheusRule/enabled': got string"),
        ("metrics.dashboards.labels.a=1", "at '/metrics/dashboards/labels/a': got number, want string"),
    ],
)
def test_a_bad_value_of_them_is_refused_with_its_name(chart: Chart, value: str, message: str) -> None:
    assert message in chart.fails("--set", value)
