"""What the chart makes of its values."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from bandit_operator.api import crd
from bandit_operator.cli.run import run
from tests.charts.conftest import Chart

GOLDEN = Path(__file__).parent / "golden"
EVERYTHING = ("--values", str(Path(__file__).parent / "everything.yaml"))
HIGH_AVAILABILITY = Path(__file__).parents[2] / "charts" / "bandit-operator" / "values-ha.yaml"
pytestmark = pytest.mark.cluster


def container(chart: Chart, *arguments: str) -> dict[str, Any]:
    [deployment] = chart.find("Deployment", "bandit-operator", *arguments)
    first: dict[str, Any] = deployment["spec"]["template"]["spec"]["containers"][0]
    return first


def environment(chart: Chart, *arguments: str) -> dict[str, str | None]:
    return {entry["name"]: entry.get("value") for entry in container(chart, *arguments)["env"]}


def test_helm_has_nothing_to_say_against_the_chart(chart: Chart) -> None:
    assert "1 chart(s) linted, 0 chart(s) failed" in chart.lint()


@pytest.mark.parametrize(
    ("name", "values"), [("default", ()), ("everything", EVERYTHING)], ids=["default", "everything"]
)
def test_the_manifests_are_the_golden_ones(chart: Chart, name: str, values: Any) -> None:
    golden = GOLDEN / f"{name}.yaml"
    made = chart.text("--set", "crds.install=false", *values)
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(made)
    assert made == golden.read_text(), "run with UPDATE_GOLDEN=1 and read the difference"


def test_the_definition_is_kept_when_the_release_goes(chart: Chart) -> None:
    definition = chart.only("crd.yaml")
    assert definition["spec"] == crd.crd()["spec"]
    assert definition["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_the_definition_goes_with_the_release_where_asked(chart: Chart) -> None:
    assert "annotations" not in chart.only("crd.yaml", "--set", "crds.keep=false")["metadata"]


@pytest.mark.parametrize("values", [(), EVERYTHING], ids=["default", "everything"])
def test_the_operator_understands_every_setting_that_the_chart_hands_it(chart: Chart, values: Any) -> None:
    known = {f"BANDIT_OPERATOR_{option.name.upper()}" for option in run.params if option.name}
    told = {name for name in environment_of(chart, values) if name.startswith("BANDIT_OPERATOR_")}
    assert told <= known


def environment_of(chart: Chart, values: tuple[str, ...]) -> list[str]:
    [operator] = [
        container
        for made in chart.objects(*values)
        if made["kind"] == "Deployment"
        for container in made["spec"]["template"]["spec"]["containers"]
        if container["name"] == "operator"
    ]
    return [entry["name"] for entry in operator["env"]]


def test_every_setting_of_the_operator_can_be_made_through_the_chart(chart: Chart) -> None:
    known = {f"BANDIT_OPERATOR_{option.name.upper()}" for option in run.params if option.name}
    either = ("--set", "prometheus.tokenSecret.name=,prometheus.basicAuth.name=prometheus")
    assert known <= {*environment_of(chart, EVERYTHING), *environment_of(chart, (*EVERYTHING, *either))}


def test_user_name_and_password_are_mounted_as_the_operator_reads_them(chart: Chart) -> None:
    chosen = "prometheus.basicAuth.name=mimir,prometheus.basicAuth.passwordKey=secret"
    [deployment] = chart.find("Deployment", "bandit-operator", "--set", chosen)
    [volume] = deployment["spec"]["template"]["spec"]["volumes"]
    items = [{"key": "username", "path": "username"}, {"key": "secret", "path": "password"}]
    assert volume == {"name": "prometheus", "secret": {"secretName": "mimir", "items": items}}
    told = environment(chart, "--set", chosen)
    assert told["BANDIT_OPERATOR_PROMETHEUS_BASIC_AUTH_DIR"] == "/var/run/prometheus"


def test_the_list_of_webhooks_is_mounted_with_the_files_that_it_names(chart: Chart) -> None:
    chosen = "notifications.secretName=bandit-webhooks"
    [deployment] = chart.find("Deployment", "bandit-operator", "--set", chosen)
    [volume] = deployment["spec"]["template"]["spec"]["volumes"]
    assert volume == {"name": "notifications", "secret": {"secretName": "bandit-webhooks"}}
    [mount] = container(chart, "--set", chosen)["volumeMounts"]
    told = environment(chart, "--set", chosen)["BANDIT_OPERATOR_NOTIFY_CONFIG"]
    assert told == f"{mount['mountPath']}/config.yaml"
    assert mount["readOnly"] is True


def test_the_operator_is_told_what_the_values_say(chart: Chart) -> None:
    told = environment(
        chart, "--set", "prometheus.address=http://prometheus.monitoring:9090,concurrency=1000"
    )
    assert told["BANDIT_OPERATOR_PROMETHEUS_ADDRESS"] == "http://prometheus.monitoring:9090"
    assert told["BANDIT_OPERATOR_CONCURRENCY"] == "1000"
    assert told["BANDIT_OPERATOR_LEASE_NAME"] == "bandit-operator"
    assert told["BANDIT_OPERATOR_LISTEN_ADDRESS"] == "0.0.0.0:8080"


def test_a_digest_says_which_image_it_is_beside_the_tag(chart: Chart) -> None:
    digest = f"sha256:{'0a' * 32}"
    named = container(chart, "--set", f"image.digest={digest}")["image"]
    assert named == f"bandit-operator:0.1.0@{digest}"


def test_one_pod_needs_no_disruption_budget_and_two_do(chart: Chart) -> None:
    assert chart.find("PodDisruptionBudget", "bandit-operator") == []
    [budget] = chart.find("PodDisruptionBudget", "bandit-operator", "--set", "replicas=2")
    assert budget["spec"]["maxUnavailable"] == 1


def test_each_shard_has_a_pod_and_the_right_to_its_lease(chart: Chart) -> None:
    chosen = ("--set", "shards=3")
    [deployment] = chart.find("Deployment", "bandit-operator", *chosen)
    assert deployment["spec"]["replicas"] == 3
    assert environment(chart, *chosen)["BANDIT_OPERATOR_SHARDS"] == "3"
    [role] = chart.find("Role", "bandit-operator-lease", *chosen)
    own = "bandit-operator"
    assert role["rules"][1]["resourceNames"] == [own, *(f"{own}-{shard}" for shard in range(3))]
    assert role["rules"][1]["verbs"] == ["get", "update", "patch"]
    assert len(chart.find("PodDisruptionBudget", "bandit-operator", *chosen)) == 1


@pytest.mark.parametrize(("replicas", "pods"), [(0, 0), (1, 3), (5, 5)])
def test_further_pods_than_shards_stand_by_and_none_are_made_where_none_are_asked_for(
    chart: Chart, replicas: int, pods: int
) -> None:
    [deployment] = chart.find("Deployment", "bandit-operator", "--set", f"shards=3,replicas={replicas}")
    assert deployment["spec"]["replicas"] == pods


def test_two_pods_of_the_values_for_high_availability_are_not_on_one_node(chart: Chart) -> None:
    values = ("--values", str(HIGH_AVAILABILITY))
    [deployment] = chart.find("Deployment", "bandit-operator", *values)
    spec = deployment["spec"]
    assert spec["replicas"] == 2
    assert len(chart.find("PodDisruptionBudget", "bandit-operator", *values)) == 1
    node, zone = spec["template"]["spec"]["topologySpreadConstraints"]
    assert (node["topologyKey"], node["whenUnsatisfiable"]) == ("kubernetes.io/hostname", "DoNotSchedule")
    labels = spec["template"]["metadata"]["labels"].items()
    assert all(one["labelSelector"]["matchLabels"].items() <= labels for one in (node, zone))


def test_the_test_of_a_release_asks_its_service_and_is_left_out_where_nobody_may(chart: Chart) -> None:
    [pod] = chart.find("Pod", "bandit-operator-test")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert not pod["metadata"]["labels"].get("app.kubernetes.io/name"), "the Service would lead to it"
    url = pod["spec"]["containers"][0]["command"][-1]
    [service] = chart.find("Service", "bandit-operator")
    assert (
        url
        == f"http://{service['metadata']['name']}.bandit-system:{service['spec']['ports'][0]['port']}/readyz"
    )
    assert not chart.find("Pod", "bandit-operator-test", "--set", "networkPolicy.enabled=true")


def test_further_objects_belong_to_the_release_and_know_its_names(chart: Chart) -> None:
    [made] = chart.find("ExternalSecret", "prometheus-token", *EVERYTHING)
    assert made["metadata"]["namespace"] == "bandit-system"


def test_in_some_namespaces_only_the_operator_has_no_rights_in_the_others(chart: Chart) -> None:
    values = ("--set", "watchNamespaces={models,fraud}")
    [everywhere] = chart.find("ClusterRole", "bandit-operator", *values)
    seen = [(rule["resources"], rule["verbs"]) for rule in everywhere["rules"]]
    assert seen == [
        (["customresourcedefinitions"], ["list", "watch"]),
        (["gateways", "gatewayclasses"], ["get"]),  # a route's gateway is in a namespace of its own
        (["namespaces"], ["list", "watch"]),
    ]
    roles = chart.find("Role", "bandit-operator", *values)
    assert [role["metadata"]["namespace"] for role in roles] == ["models", "fraud"]
    [usual] = chart.find("ClusterRole", "bandit-operator")
    assert roles[0]["rules"] == roles[1]["rules"] == usual["rules"][2:]
    assert environment(chart, *values)["BANDIT_OPERATOR_WATCH_NAMESPACES"] == "models,fraud"


CONFINED = ("--set", "watchNamespaces={models,fraud},rbac.clusterWide=false")


@pytest.mark.parametrize(
    "others", [(), ("--set", "web.enabled=true"), (*EVERYTHING, "--set", "rbac.aggregate=false")]
)
def test_without_rights_in_the_whole_cluster_every_object_is_in_a_namespace(
    chart: Chart, others: tuple[str, ...]
) -> None:
    made = [one for one in chart.objects(*others, *CONFINED) if one["kind"] != "ExternalSecret"]
    assert [one["kind"] for one in made if "namespace" not in one["metadata"]] == []
    assert not [one for one in made if "Cluster" in one["kind"]]
    assert not [one for one in made if "Cluster" in one.get("roleRef", {}).get("kind", "")]


def test_without_rights_in_the_whole_cluster_those_in_its_namespaces_are_the_usual_ones(chart: Chart) -> None:
    usual = ("--set", "watchNamespaces={models,fraud}")
    for name in ("bandit-operator", "bandit-operator-lease"):
        assert chart.find("Role", name, *CONFINED) == chart.find("Role", name, *usual)
        assert chart.find("RoleBinding", name, *CONFINED) == chart.find("RoleBinding", name, *usual)
    for name in ("bandit-operator-view", "bandit-operator-edit"):
        roles = chart.find("Role", name, *CONFINED)
        [of_cluster] = chart.find("ClusterRole", name, *usual)
        assert [role["metadata"]["namespace"] for role in roles] == ["models", "fraud"]
        assert [role["rules"] for role in roles] == [of_cluster["rules"]] * 2


@pytest.mark.parametrize(
    ("values", "fix"),
    [
        ("rbac.clusterWide=false", "set watchNamespaces"),
        ("rbac.clusterWide=false,watchNamespaces={models},rbac.aggregate=true", "leave it out"),
    ],
)
def test_rights_that_contradict_each_other_are_refused(chart: Chart, values: str, fix: str) -> None:
    assert fix in chart.fails("--set", values)


def test_other_kinds_can_be_scaled_where_asked(chart: Chart) -> None:
    kinds = "scalables[0].group=leaderworkerset.x-k8s.io,scalables[0].resources={leaderworkersets}"
    [role] = chart.find("ClusterRole", "bandit-operator", "--set", kinds)
    of_group = [rule for rule in role["rules"] if rule["apiGroups"] == ["leaderworkerset.x-k8s.io"]]
    assert [(rule["resources"], rule["verbs"]) for rule in of_group] == [
        (["leaderworkersets"], ["get", "list", "watch"]),
        (["leaderworkersets/scale"], ["get", "patch"]),
    ]
    assert not any("apps" in rule["apiGroups"] for rule in role["rules"])


@pytest.mark.parametrize(
    ("where", "annotated"), [("Pod", (True, False)), ("Service", (False, True)), ("None", (False, False))]
)
def test_metrics_are_scraped_once(chart: Chart, where: str, annotated: Any) -> None:
    values = ("--set", f"metrics.scrapeAnnotations={where}")
    [deployment] = chart.find("Deployment", "bandit-operator", *values)
    [service] = chart.find("Service", "bandit-operator", *values)
    places = (deployment["spec"]["template"]["metadata"], service["metadata"])
    assert tuple("prometheus.io/scrape" in place.get("annotations", {}) for place in places) == annotated


def test_nobody_may_edit_rollouts_by_another_role_unless_that_is_asked_for(chart: Chart) -> None:
    for name in ("view", "edit"):
        [role] = chart.find("ClusterRole", f"bandit-operator-{name}")
        assert not [label for label in role["metadata"]["labels"] if "aggregate" in label]
        [role] = chart.find("ClusterRole", f"bandit-operator-{name}", "--set", "rbac.aggregate=true")
        assert role["metadata"]["labels"][f"rbac.authorization.k8s.io/aggregate-to-{name}"] == "true"


def test_the_network_policy_lets_through_what_the_values_say_and_nothing_else(chart: Chart) -> None:
    assert chart.find("NetworkPolicy", "bandit-operator") == []
    [policy] = chart.find("NetworkPolicy", "bandit-operator", "--set", "networkPolicy.enabled=true")
    spec = policy["spec"]
    [deployment] = chart.find("Deployment", "bandit-operator")
    assert spec["podSelector"]["matchLabels"].items() <= (
        deployment["spec"]["template"]["metadata"]["labels"].items()
    )
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    monitoring = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    assert spec["ingress"] == [{"from": monitoring, "ports": [{"port": 8080}]}]
    api_server, dns, prometheus = spec["egress"]
    assert api_server == {"ports": [{"port": 443}, {"port": 6443}]}
    assert [port["port"] for port in dns["ports"]] == [53, 53]
    assert prometheus == {"to": monitoring, "ports": [{"port": 9090}]}
    reached = "networkPolicy.enabled=true,networkPolicy.notifications.peers[0].ipBlock.cidr=192.0.2.0/24"
    [policy] = chart.find("NetworkPolicy", "bandit-operator", "--set", reached)
    assert policy["spec"]["egress"][3:] == [
        {"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}], "ports": [{"port": 443}]}
    ]


def test_a_network_policy_without_scrapers_and_prometheus_lets_nobody_in_and_reaches_neither(
    chart: Chart,
) -> None:
    closed = "networkPolicy.enabled=true,networkPolicy.scrapers=null,networkPolicy.prometheus.peers=null"
    [policy] = chart.find("NetworkPolicy", "bandit-operator", "--set", closed)
    assert policy["spec"]["ingress"] == []
    assert len(policy["spec"]["egress"]) == 2


def test_the_web_page_leaves_no_trace_where_it_is_off(chart: Chart) -> None:
    text = chart.text("--set", "crds.install=false")
    traces = ("tokenreviews", "subjectaccessreviews", "8081", "WEB_ADDRESS")
    assert [word for word in traces if word in text] == []


def test_the_web_page_brings_its_port_and_the_right_to_ask_and_no_other(chart: Chart) -> None:
    on = ("--set", "web.enabled=true")
    [before] = chart.find("ClusterRole", "bandit-operator")
    [after] = chart.find("ClusterRole", "bandit-operator", *on)
    added = [rule for rule in after["rules"] if rule not in before["rules"]]
    assert {(*one["apiGroups"], *one["resources"], *one["verbs"]) for one in added} == {
        ("authentication.k8s.io", "tokenreviews", "create"),
        ("authorization.k8s.io", "subjectaccessreviews", "create"),
    }
    assert environment(chart, *on)["BANDIT_OPERATOR_WEB_ADDRESS"] == "0.0.0.0:8081"
    [service] = chart.find("Service", "bandit-operator", *on)
    assert {"name": "web", "port": 8081, "targetPort": "web"} in service["spec"]["ports"]


def test_a_network_policy_lets_nobody_to_the_web_page_but_whom_it_names(chart: Chart) -> None:
    on = ("--set", "networkPolicy.enabled=true,web.enabled=true")
    [policy] = chart.find("NetworkPolicy", "bandit-operator", *on)
    assert [one["ports"] for one in policy["spec"]["ingress"]] == [[{"port": 8080}]]
    peer = '[{"podSelector":{"matchLabels":{"app":"gateway"}}}]'
    named = (*on, "--set-json", f"networkPolicy.web.peers={peer}")
    [policy] = chart.find("NetworkPolicy", "bandit-operator", *named)
    assert [one["ports"] for one in policy["spec"]["ingress"]] == [[{"port": 8080}], [{"port": 8081}]]
    assert policy["spec"]["ingress"][1]["from"] == [{"podSelector": {"matchLabels": {"app": "gateway"}}}]


@pytest.mark.parametrize(
    ("name", "kind", "field"),
    [
        ("serviceMonitor", "ServiceMonitor", "endpoints"),
        ("podMonitor", "PodMonitor", "podMetricsEndpoints"),
    ],
)
def test_a_monitor_scrapes_the_operators_pods_from_whatever_namespace_it_lies_in(
    chart: Chart, name: str, kind: str, field: str
) -> None:
    on = ("--set", f"metrics.{name}.enabled=true,metrics.{name}.labels.release=prometheus")
    [here] = chart.find(kind, "bandit-operator", *on)
    assert here["metadata"]["labels"]["release"] == "prometheus"
    assert "namespaceSelector" not in here["spec"]
    [scraped] = here["spec"][field]
    assert (scraped["path"], scraped["interval"]) == ("/metrics", "30s")
    [port] = [one for one in container(chart)["ports"] if one["name"] == scraped["port"]]
    assert port["containerPort"] == 8080
    [elsewhere] = chart.find(kind, "bandit-operator", *on, "--set", f"metrics.{name}.namespace=monitoring")
    assert elsewhere["metadata"]["namespace"] == "monitoring"
    selected = elsewhere["spec"]["namespaceSelector"]["matchNames"]
    assert selected == [here["metadata"]["namespace"]]
    [deployment] = chart.find("Deployment", "bandit-operator")
    wanted = elsewhere["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_nobody_gets_a_wildcard_or_a_secret(chart: Chart) -> None:
    for made in chart.objects(*EVERYTHING):
        for rule in made.get("rules", []):
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
            assert "secrets" not in rule["resources"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("replicas=two", "at '/replicas': got string, want integer"),
        ("replicas=33", "at '/replicas': maximum: got 33, want 32"),
        ("shards=0", "at '/shards': minimum: got 0, want 1"),
        ("shards=17", "at '/shards': maximum: got 17, want 16"),
        ("replica=2", "additional properties 'replica' not allowed"),
        ("image.name=x", "at '/image': additional properties 'name' not allowed"),
        ("image.digest=sha256:12", "at '/image/digest': 'sha256:12' does not match pattern"),
        ("image.pullPolicy=Often", "at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent'"),
        ("logLevel=loud", "at '/logLevel': value must be one of 'debug', 'info', 'warning', 'error'"),
        ("logFormat=xml", "at '/logFormat': value must be one of 'json', 'text'"),
        (
            "metrics.podMonitor.scrape=1m",
            "at '/metrics/podMonitor': additional properties 'scrape' not allowed",
        ),
        (
            "metrics.podMonitor.enabled=true,metrics.serviceMonitor.enabled=true",
            "metrics.serviceMonitor and metrics.podMonitor are both enabled",
        ),
        ("prometheus.address=prometheus:9090", "at '/prometheus/address': 'prometheus:9090' does not match"),
        (
            "prometheus.allowedAddresses={http://a}",
            "at '/prometheus/allowedAddresses/0': 'http://a'",
        ),
        ("prometheus.bindNamespace=maybe", "at '/prometheus/bindNamespace': got string, want boolean"),
        ("watchNamespaces={Models}", "at '/watchNamespaces/0': 'Models' does not match pattern"),
        ("scalables[0].group=apps", "at '/scalables/0': missing property 'resources'"),
        ("metrics.scrapeAnnotations=Both", "at '/metrics/scrapeAnnotations': value must be one of 'Pod'"),
        ("concurrency=0", "at '/concurrency': minimum: got 0, want 1"),
        ("extraEnv[0].value=x", "at '/extraEnv/0': missing property 'name'"),
        ("networkPolicy.scrapers[0].namespace=x", "additional properties 'namespace' not allowed"),
        ("networkPolicy.prometheus.ports={web}", "at '/networkPolicy/prometheus/ports/0': got string"),
        ("networkPolicy.apiServer.ports=null", "at '/networkPolicy/apiServer': missing property 'ports'"),
        ("networkPolicy.prometheus.ports=null", "at '/networkPolicy/prometheus': missing property 'ports'"),
        ("networkPolicy.apiServer=null", "at '/networkPolicy': missing property 'apiServer'"),
        ("notifications.key=a/b", "at '/notifications/key': 'a/b' does not match pattern"),
        ("revisionHistoryLimit=-1", "at '/revisionHistoryLimit': minimum: got -1, want 0"),
        ("hostAliases[0].ip=192.0.2.7", "at '/hostAliases/0': missing property 'hostnames'"),
        ("extraObjects[0].kind=Pod", "at '/extraObjects/0': missing property 'apiVersion'"),
        ("crds.install=maybe", "at '/crds/install': got string, want boolean"),
        ("lease.duration=9", "lease.period 2 < lease.deadline 10 < lease.duration 9 must hold"),
    ],
)
def test_a_bad_value_is_refused_with_its_name(chart: Chart, value: str, message: str) -> None:
    assert message in chart.fails("--set", value)
