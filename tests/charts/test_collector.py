"""The collector that the chart brings along where asked."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from bandit_serving.cli.collector import collector
from bandit_serving.rewards import REWARDS
from tests.charts.conftest import Chart

NAME = "bandit-operator-collector"
REPOSITORY = Path(__file__).parents[2]
ENABLED = ("--set", "collector.enabled=true")
pytestmark = pytest.mark.cluster


def pod(chart: Chart, *arguments: str) -> dict[str, Any]:
    """Return the template of its Pod."""
    [deployment] = chart.find("Deployment", NAME, *ENABLED, *arguments)
    template: dict[str, Any] = deployment["spec"]["template"]
    return template


def arguments_of(template: dict[str, Any]) -> list[str]:
    arguments: list[str] = template["spec"]["containers"][0]["args"]
    return arguments


def test_there_is_none_unless_asked_for(chart: Chart) -> None:
    assert not [made for made in chart.objects() if made["metadata"]["name"] == NAME]


def test_the_collector_understands_what_it_is_told(chart: Chart) -> None:
    template = pod(chart, "--set", "collector.tokenSecret.name=tokens")
    verb, *options = arguments_of(template)
    known = {name for parameter in collector.params for name in parameter.opts}
    assert verb == collector.name
    assert {option.partition("=")[0] for option in options} <= known
    (reward,) = [option.partition("=")[2] for option in options if option.startswith("--reward=")]
    assert reward in REWARDS


def test_settings_of_the_reward_arrive_as_json(chart: Chart) -> None:
    arguments = arguments_of(pod(chart, "--set", "collector.rewardSettings.maximum=20"))
    assert '--reward-settings={"maximum":20}' in arguments


def test_neither_the_operators_service_leads_to_it_nor_its_own_to_the_operator(chart: Chart) -> None:
    [operator] = chart.find("Deployment", "bandit-operator")
    labels = {
        "bandit-operator": operator["spec"]["template"]["metadata"]["labels"].items(),
        NAME: pod(chart)["metadata"]["labels"].items(),
    }
    for name, other in [("bandit-operator", NAME), (NAME, "bandit-operator")]:
        [service] = chart.find("Service", name, *ENABLED)
        assert service["spec"]["selector"].items() <= labels[name]
        assert not service["spec"]["selector"].items() <= labels[other]


@pytest.mark.parametrize(
    ("scrape", "annotated", "goes_on"),
    [("Annotations", True, False), ("ServiceMonitor", False, True), ("None", False, True)],
)
def test_counters_go_on_over_a_restart_only_where_their_labels_do(
    chart: Chart, scrape: str, annotated: bool, goes_on: bool
) -> None:
    chosen = ("--set", f"collector.scrape={scrape}")
    template = pod(chart, *chosen)
    assert ("prometheus.io/scrape" in template["metadata"].get("annotations", {})) == annotated
    assert ("--counters=since-start" not in arguments_of(template)) == goes_on
    monitors = chart.find("ServiceMonitor", NAME, *ENABLED, *chosen)
    assert bool(monitors) == (scrape == "ServiceMonitor")
    for monitor in monitors:
        [endpoint] = monitor["spec"]["endpoints"]
        assert {"action": "labeldrop", "regex": "pod|container"} in endpoint["relabelings"]


def test_its_monitor_lies_where_the_operators_does_and_finds_it_from_there(chart: Chart) -> None:
    values = "metrics.serviceMonitor.enabled=true,metrics.serviceMonitor.labels.release=prometheus"
    chosen = ("--set", f"collector.scrape=ServiceMonitor,{values}")
    [here] = chart.find("ServiceMonitor", NAME, *ENABLED, *chosen)
    assert here["metadata"]["namespace"] == "bandit-system"
    assert "namespaceSelector" not in here["spec"]
    elsewhere = (*chosen, "--set", "metrics.serviceMonitor.namespace=monitoring")
    [monitor] = chart.find("ServiceMonitor", NAME, *ENABLED, *elsewhere)
    [operators] = chart.find("ServiceMonitor", "bandit-operator", *ENABLED, *elsewhere)
    for one in (monitor, operators):
        assert one["metadata"]["namespace"] == "monitoring"
        assert one["metadata"]["labels"]["release"] == "prometheus"
        assert one["spec"]["namespaceSelector"] == {"matchNames": ["bandit-system"]}
    [service] = chart.find("Service", NAME, *ENABLED)
    assert monitor["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]


def test_who_binds_resources_to_their_namespaces_is_told_where_the_collectors_rewards_are(
    chart: Chart,
) -> None:
    both = ("--set", "prometheus.bindNamespace=true", *ENABLED)
    told = "release counts is of namespace bandit-system"
    assert told in chart.notes(*both)
    assert told in chart.notes(*both, "--set", "watchNamespaces={bandit-system,models}")
    assert told not in chart.notes(*both, "--set", "watchNamespaces={bandit-system}")
    assert told not in chart.notes(*ENABLED)
    assert told not in chart.notes(*both, "--set", "collector.enabled=false")
    page = (REPOSITORY / "docs" / "rewards.md").read_text(encoding="utf-8")
    assert "**Its namespace.** Prometheus adds the label `namespace`" in page


def test_the_command_of_the_readme_installs_a_collector_alone_into_a_tenants_namespace(chart: Chart) -> None:
    readme = (REPOSITORY / "charts" / "bandit-operator" / "README.md").read_text(encoding="utf-8")
    (command,) = (
        shlex.split(block)
        for block in re.findall(r"^    (helm install .*)", readme.replace("\\\n", " "), re.MULTILINE)
        if "collector.enabled=true" in block
    )
    _, _, _, _, *values = command
    made = chart.objects(*values)
    assert {one["metadata"]["namespace"] for one in made} == {"models"}
    assert not [one for one in made if one["kind"] in ("ServiceAccount", "Role", "RoleBinding")]
    pods = {one["metadata"]["name"]: one["spec"]["replicas"] for one in made if one["kind"] == "Deployment"}
    assert pods == {"rewards": 0, "rewards-collector": 1}
    assert "Service `rewards-collector`" in readme


def test_its_claim_outlives_the_release_and_may_be_another_or_none(chart: Chart) -> None:
    [claim] = chart.find("PersistentVolumeClaim", NAME, *ENABLED)
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    [volume] = pod(chart)["spec"]["volumes"]
    assert volume["persistentVolumeClaim"] == {"claimName": NAME}
    others: dict[str, dict[str, Any]] = {
        "persistence.existingClaim=rewards": {"persistentVolumeClaim": {"claimName": "rewards"}},
        "persistence.enabled=false": {"emptyDir": {}},
    }
    for value, expected in others.items():
        chosen = ("--set", f"collector.{value}")
        [volume] = pod(chart, *chosen)["spec"]["volumes"]
        assert volume == {"name": "data", **expected}
        assert not chart.find("PersistentVolumeClaim", NAME, *ENABLED, *chosen)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "scrape=Pod",
            "at '/collector/scrape': value must be one of 'Annotations', 'ServiceMonitor', 'None'",
        ),
        ("persistence.size=much", "at '/collector/persistence/size': 'much' does not match"),
        ("database=x", "at '/collector': additional properties 'database' not allowed"),
    ],
)
def test_a_bad_value_is_refused_with_its_name(chart: Chart, value: str, message: str) -> None:
    assert message in chart.fails("--set", f"collector.{value}")


def test_nothing_is_said_of_an_operator_where_the_collector_is_installed_alone(chart: Chart) -> None:
    told = chart.notes(*ENABLED, "--set", "replicas=0")
    assert "No operator runs in namespace bandit-system" in told
    assert "is the Service bandit-operator-collector." in told
    assert "watches all namespaces" not in told
