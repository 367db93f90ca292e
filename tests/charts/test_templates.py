"""What the chart makes of its values."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from bandit_operator.api import crd

CHART = Path(__file__).parents[2] / "charts" / "bandit-operator"
GOLDEN = Path(__file__).parent / "golden"
EVERYTHING = Path(__file__).parent / "everything.yaml"
pytestmark = pytest.mark.cluster


def container(helm, *arguments: str) -> dict:
    deployment = helm.objects(*arguments)["Deployment/bandit-operator"]
    return deployment["spec"]["template"]["spec"]["containers"][0]


def environment(helm, *arguments: str) -> dict[str, str | None]:
    return {entry["name"]: entry.get("value") for entry in container(helm, *arguments)["env"]}


def test_helm_has_nothing_to_say_against_the_chart(helm):
    assert "1 chart(s) linted, 0 chart(s) failed" in helm.run("lint", "--strict", str(CHART))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("default", ()), ("everything", ("--values", str(EVERYTHING)))],
    ids=["default", "everything"],
)
def test_the_manifests_are_the_golden_ones(helm, name, arguments):
    golden = GOLDEN / f"{name}.yaml"
    made = helm.template(*arguments)
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(made)
    assert made == golden.read_text(), "run with UPDATE_GOLDEN=1 and read the difference"


def test_the_definition_is_kept_when_the_release_goes(helm):
    shown = helm.run("template", "x", str(CHART), "--show-only", "templates/crd.yaml")
    definition = yaml.safe_load(shown)
    assert definition["spec"] == crd.crd()["spec"]
    assert definition["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_the_definition_goes_with_the_release_where_asked(helm):
    arguments = ("--set", "crds.keep=false", "--show-only", "templates/crd.yaml")
    definition = yaml.safe_load(helm.run("template", "x", str(CHART), *arguments))
    assert "annotations" not in definition["metadata"]


def test_the_operator_is_told_where_it_is_and_what_it_holds(helm):
    assert environment(helm) == {
        "BANDIT_OPERATOR_POD_NAME": None,
        "BANDIT_OPERATOR_LEASE_NAMESPACE": None,
        "BANDIT_OPERATOR_LEASE_NAME": "bandit-operator",
        "BANDIT_OPERATOR_LISTEN_ADDRESS": "0.0.0.0:8080",
        "BANDIT_OPERATOR_LOG_LEVEL": "info",
        "BANDIT_OPERATOR_CONCURRENCY": "32",
    }


def test_the_prometheus_of_all_is_handed_on(helm):
    told = environment(helm, "--set", "prometheus.address=http://prometheus.monitoring:9090")
    assert told["BANDIT_OPERATOR_PROMETHEUS_ADDRESS"] == "http://prometheus.monitoring:9090"


def test_one_pod_needs_no_disruption_budget_and_two_do(helm):
    assert "PodDisruptionBudget/bandit-operator" not in helm.objects()
    budget = helm.objects("--set", "replicas=2")["PodDisruptionBudget/bandit-operator"]
    assert budget["spec"]["maxUnavailable"] == 1


def test_in_some_namespaces_only_the_operator_has_no_rights_in_the_others(helm):
    objects = helm.objects("--set", "watchNamespaces={models,fraud}")
    everywhere = objects["ClusterRole/bandit-operator"]["rules"]
    assert {resource for rule in everywhere for resource in rule["resources"]} == {
        "customresourcedefinitions",
        "selfsubjectaccessreviews",
    }
    roles = [
        item
        for item in objects.values()
        if item["kind"] == "Role" and item["metadata"]["name"] == "bandit-operator"
    ]
    assert [role["metadata"]["namespace"] for role in roles] == ["models", "fraud"]
    assert (
        roles[0]["rules"] == roles[1]["rules"] == helm.objects()["ClusterRole/bandit-operator"]["rules"][2:]
    )
    assert (
        environment(helm, "--set", "watchNamespaces={models,fraud}")["BANDIT_OPERATOR_WATCH_NAMESPACES"]
        == "models,fraud"
    )


def test_other_kinds_can_be_scaled_where_asked(helm):
    kinds = "scalables[0].group=leaderworkerset.x-k8s.io,scalables[0].resources={leaderworkersets}"
    rules = helm.objects("--set", kinds)["ClusterRole/bandit-operator"]["rules"]
    of_group = [rule for rule in rules if rule["apiGroups"] == ["leaderworkerset.x-k8s.io"]]
    assert [(rule["resources"], rule["verbs"]) for rule in of_group] == [
        (["leaderworkersets"], ["list", "watch"]),
        (["leaderworkersets/scale"], ["get", "patch"]),
    ]
    assert not any("apps" in rule["apiGroups"] for rule in rules)


@pytest.mark.parametrize(
    ("where", "on_pod", "on_service"),
    [("Pod", True, False), ("Service", False, True), ("None", False, False)],
)
def test_metrics_are_scraped_once(helm, where, on_pod, on_service):
    objects = helm.objects("--set", f"metrics.scrapeAnnotations={where}")
    pod = objects["Deployment/bandit-operator"]["spec"]["template"]["metadata"].get("annotations", {})
    service = objects["Service/bandit-operator"]["metadata"].get("annotations", {})
    assert ("prometheus.io/scrape" in pod, "prometheus.io/scrape" in service) == (on_pod, on_service)


def test_nobody_gets_a_wildcard(helm):
    for key, item in helm.objects("--values", str(EVERYTHING)).items():
        for rule in item.get("rules", []):
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]], key
            assert "secrets" not in rule["resources"], key


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("replicas=two", "at '/replicas': got string, want integer"),
        ("replicas=6", "at '/replicas': maximum: got 6, want 5"),
        ("replica=2", "additional properties 'replica' not allowed"),
        ("image.name=x", "at '/image': additional properties 'name' not allowed"),
        (
            "image.pullPolicy=Sometimes",
            "at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'",
        ),
        ("logLevel=loud", "at '/logLevel': value must be one of 'debug', 'info', 'warning', 'error'"),
        (
            "prometheus.address=prometheus:9090",
            "at '/prometheus/address': 'prometheus:9090' does not match pattern",
        ),
        ("watchNamespaces={Models}", "at '/watchNamespaces/0': 'Models' does not match pattern"),
        ("scalables[0].group=apps", "at '/scalables/0': missing property 'resources'"),
        (
            "metrics.scrapeAnnotations=Both",
            "at '/metrics/scrapeAnnotations': value must be one of 'Pod', 'Service', 'None'",
        ),
        ("concurrency=0", "at '/concurrency': minimum: got 0, want 1"),
        ("extraEnv[0].value=x", "at '/extraEnv/0': missing property 'name'"),
        ("crds.install=maybe", "at '/crds/install': got string, want boolean"),
    ],
)
def test_a_bad_value_is_refused_with_its_name(helm, value, message):
    done = helm.try_("template", "x", str(CHART), "--set", value)
    assert done.returncode != 0
    assert message in done.stderr
