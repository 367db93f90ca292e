"""The shadow server that the chart brings along where asked."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_serving.cli.shadow import shadow
from tests.charts.conftest import Chart

NAME = "bandit-operator-shadow"
ARM = "shadow.arms.logistic=http://income-logistic.models:8080"
ENABLED = (
    *("--set", "shadow.enabled=true", "--set", "shadow.route=income", "--set", ARM),
    *("--set", "collector.enabled=true"),
)
pytestmark = pytest.mark.cluster


def arguments_of(chart: Chart, *arguments: str) -> list[str]:
    [deployment] = chart.find("Deployment", NAME, *ENABLED, *arguments)
    found: list[str] = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    return found


def test_there_is_none_unless_asked_for(chart: Chart) -> None:
    assert not [made for made in chart.objects() if made["metadata"]["name"] == NAME]


def test_the_server_understands_what_it_is_told_and_reports_to_the_releases_collector(chart: Chart) -> None:
    verb, *options = arguments_of(chart, "--set", "shadow.tokenSecret.name=token")
    known = {name for parameter in shadow.params for name in parameter.opts}
    assert verb == shadow.name
    assert {option.partition("=")[0] for option in options} <= known
    assert "--arm=logistic=http://income-logistic.models:8080" in options
    [collector] = chart.find("Service", "bandit-operator-collector", *ENABLED)
    port = next(one["port"] for one in collector["spec"]["ports"] if one["name"] == "http")
    assert f"--collector=http://{collector['metadata']['name']}:{port}" in options


def test_another_collector_may_be_named(chart: Chart) -> None:
    chosen = ("--set", "collector.enabled=false", "--set", "shadow.collector=http://rewards.models:8081")
    assert "--collector=http://rewards.models:8081" in arguments_of(chart, *chosen)


GUARDED = ("--set", "collector.tokenSecret.name=rewards-tokens")


def test_a_server_without_a_token_is_refused_where_the_releases_collector_asks_for_one(chart: Chart) -> None:
    said = chart.fails(*ENABLED, *GUARDED)
    assert "shadow.tokenSecret.name: is empty" in said
    assert "(rewards-tokens); name a Secret that has one of its tokens" in said


def test_a_server_needs_no_token_for_another_collector_whatever_the_releases_asks_for(chart: Chart) -> None:
    other = ("--set", "shadow.collector=http://rewards.models:8081")
    assert "--collector=http://rewards.models:8081" in arguments_of(chart, *GUARDED, *other)
    token = ("--set", "shadow.tokenSecret.name=token")
    assert "--collector-token-file=/var/run/shadow/token" in arguments_of(chart, *GUARDED, *token)


def test_its_service_leads_to_it_alone(chart: Chart) -> None:
    [service] = chart.find("Service", NAME, *ENABLED)
    selector = service["spec"]["selector"].items()
    for name in (NAME, "bandit-operator", "bandit-operator-collector"):
        [deployment] = chart.find("Deployment", name, *ENABLED)
        labels: dict[str, Any] = deployment["spec"]["template"]["metadata"]["labels"]
        assert (selector <= labels.items()) == (name == NAME)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((ARM,), "shadow.route: is empty"),
        (("shadow.route=income",), "shadow.arms: is empty"),
        (("shadow.route=income", ARM), "shadow.collector: is empty and collector.enabled is false"),
        (("shadow.share=0",), "at '/shadow/share'"),
        (("shadow.arms.logistic=income-logistic",), "at '/shadow/arms/logistic'"),
    ],
)
def test_a_value_that_is_missing_or_bad_is_named_with_the_fix(
    chart: Chart, values: tuple[str, ...], message: str
) -> None:
    chosen = [part for value in ("shadow.enabled=true", *values) for part in ("--set", value)]
    assert message in chart.fails(*chosen)
