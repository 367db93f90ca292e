"""Text stays text, and is written once: whatever a user calls things, the manifests say that and no more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts.conftest import Chart

CHARTS = Path(__file__).parents[2] / "charts" / "bandit-operator"
HIGH_AVAILABILITY = ("--values", str(CHARTS / "values-ha.yaml"))
pytestmark = pytest.mark.cluster


def values(name: str, text: str) -> dict[str, Any]:
    """Return values with everything on that has a text of the user's: a name, or any text."""
    secret = {"name": name, "key": name}
    return {
        "nameOverride": name,
        "fullnameOverride": name,
        "watchNamespaces": [name],
        "scalables": [{"group": "apps", "resources": [name]}],
        "lease": {"name": name},
        "shards": 2,
        "serviceAccount": {"name": name},
        "priorityClassName": name,
        "prometheus": {"tokenSecret": secret, "headers": {"X-Scope-OrgID": text}},
        "notifications": {"secretName": name, "key": name},
        "podLabels": {"team": name},
        "podAnnotations": {"team": text},
        "metrics": {
            "serviceMonitor": {"enabled": True, "namespace": name, "labels": {"team": name}},
            "prometheusRule": {"enabled": True, "labels": {"team": name}},
            "dashboards": {"enabled": True, "labels": {"team": name}},
        },
        "networkPolicy": {"enabled": True},
        "collector": {
            "enabled": True,
            "scrape": "ServiceMonitor",
            "tokenSecret": secret,
            "persistence": {"storageClass": name},
        },
        "shadow": {
            "enabled": True,
            "route": text,
            "arms": {name: f"http://{text}"},
            "collector": f"http://{text}",
            "tokenSecret": secret,
        },
    }


def rendered(chart: Chart, folder: Path, name: str, text: str) -> list[dict[str, Any]]:
    file = folder / "values.json"
    file.write_text(json.dumps(values(name, text)))  # in which every text is in quotes
    return chart.objects("--namespace", name, "--values", str(file))


def kinds(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the type of every value of a manifest; the numbers of a list's items say which it is."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from kinds(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from kinds(inner, f"{path}[{at}]")
    else:
        yield path, type(value).__name__


@pytest.mark.parametrize("name", ["no", "on", "007", "123", "1e3", "null"])
@pytest.mark.parametrize("text", ["a: b", "a #b"])
def test_no_text_of_a_user_becomes_anything_else(chart: Chart, tmp_path: Path, name: str, text: str) -> None:
    usual, odd = (rendered(chart, tmp_path, *words) for words in (("plain", "plain"), (name, text)))
    assert len(usual) == len(odd)
    for before, after in zip(usual, odd, strict=True):
        assert dict(kinds(after)) == dict(kinds(before)), (before["kind"], before["metadata"]["name"])


def test_the_text_arrives_as_it_was_written(chart: Chart, tmp_path: Path) -> None:
    made = {(one["kind"], one["metadata"]["name"]): one for one in rendered(chart, tmp_path, "007", "a: b")}
    assert made["Role", "007"]["metadata"]["namespace"] == "007"
    [shadow] = made["Deployment", "007-shadow"]["spec"]["template"]["spec"]["containers"]
    assert "--route=a: b" in shadow["args"]
    assert made["Role", "007-lease"]["rules"][1]["resourceNames"] == ["007", "007-0", "007-1"]


@pytest.mark.parametrize(
    ("value", "fix"),
    [
        ("podLabels.app\\.kubernetes\\.io/name=x", "leave it out"),
        ("podLabels.helm\\.sh/chart=x", "leave it out"),
        ("podAnnotations.prometheus\\.io/port=9", "leave it out, or set metrics.scrapeAnnotations=None"),
        ("metrics.serviceMonitor.labels.app\\.kubernetes\\.io/instance=x", "leave it out"),
        ("metrics.podMonitor.labels.app\\.kubernetes\\.io/instance=x", "leave it out"),
        ("metrics.prometheusRule.labels.app\\.kubernetes\\.io/version=x", "leave it out"),
        ("metrics.dashboards.labels.app\\.kubernetes\\.io/managed-by=x", "leave it out"),
    ],
)
def test_what_the_chart_sets_itself_is_refused_with_its_name_and_the_fix(
    chart: Chart, value: str, fix: str
) -> None:
    place, _, given = value.partition("=")
    field, _, key = place.replace("\\.", "|").rpartition(".")
    on = f"{field.removesuffix('.labels')}.enabled=true," if field.startswith("metrics") else ""
    said = chart.fails("--set", on.removesuffix(","), "--set-string", value)
    assert f"{field}: {key.replace('|', '.')} is set to {given}, and the chart sets it to " in said
    assert f"; {fix}\n" in said


def test_annotations_of_scraping_are_the_users_where_the_chart_sets_none(chart: Chart) -> None:
    chosen = ("--set-string", "podAnnotations.prometheus\\.io/port=9")
    [made] = chart.find("Deployment", "bandit-operator", "--set", "metrics.scrapeAnnotations=None", *chosen)
    assert made["spec"]["template"]["metadata"]["annotations"] == {"prometheus.io/port": "9"}


@pytest.mark.parametrize("given", [(), ("--set", "nameOverride=foo")], ids=["usual", "another"])
def test_pods_for_high_availability_are_spread_whatever_the_chart_is_called(
    chart: Chart, given: tuple[str, ...]
) -> None:
    [deployment] = [one for one in chart.objects(*HIGH_AVAILABILITY, *given) if one["kind"] == "Deployment"]
    spec = deployment["spec"]
    for constraint in spec["template"]["spec"]["topologySpreadConstraints"]:
        assert constraint["labelSelector"] == spec["selector"]


def test_a_constraint_with_a_selector_of_its_own_keeps_it(chart: Chart) -> None:
    own = '[{"maxSkew":1,"topologyKey":"zone","labelSelector":{"matchLabels":{"tier":"ml"}}}]'
    [deployment] = chart.find(
        "Deployment", "bandit-operator", "--set-json", f"topologySpreadConstraints={own}"
    )
    assert deployment["spec"]["template"]["spec"]["topologySpreadConstraints"] == yaml.safe_load(own)
