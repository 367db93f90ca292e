"""The chart in a real cluster: installed, upgraded, with the rights that it says, and gone again."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bandit_operator.routers import ROUTERS
from cluster.client import Cluster, tools
from tests.support import manifests

CHART = Path(__file__).parents[2] / "charts" / "bandit-operator"
RELEASE = NAMESPACE = "chart-tests"
DEFINITION = "crd/banditdeployments.bandit-operator.dev"
pytestmark = pytest.mark.cluster

# No Pods: what they do is for the tests of the operator itself.
VALUES = ("--set", f"replicas=0,fullnameOverride={RELEASE}")
# The definition may be there already, put by another release or by kubectl.
TAKE_OVER = ("--take-ownership", "--force-conflicts", "--server-side=true")


def upgrade(cluster: Cluster, *arguments: str) -> str:
    fixed = ("upgrade", "--install", RELEASE, str(CHART), "--namespace", NAMESPACE, "--wait", "--timeout=60s")
    return cluster.run("helm", *fixed, *TAKE_OVER, *VALUES, *arguments).stdout


def uninstall(cluster: Cluster) -> None:
    cluster.run("helm", "uninstall", RELEASE, "--namespace", NAMESPACE, "--ignore-not-found", "--wait")


@pytest.fixture(scope="module")
def installed(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster with the chart, in a namespace with the strictest rules for Pods."""
    cluster.kubectl("create", "namespace", NAMESPACE)
    cluster.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    upgrade(cluster)
    yield cluster
    uninstall(cluster)
    cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture(scope="module")
def notes(installed: Cluster) -> str:
    """What a user reads after an installation whose operator runs."""
    return upgrade(installed, "--dry-run=server", "--set=replicas=1")


def test_the_notes_tell_what_to_do_next(notes: str) -> None:
    assert "runs in namespace chart-tests, and watches all namespaces." in notes
    assert "No Prometheus is set." in notes
    assert "kubectl explain bd.spec" in notes


def test_the_notes_warn_of_what_an_installation_will_lose(installed: Cluster) -> None:
    def said(*values: str) -> str:
        return upgrade(installed, "--dry-run=server", "--set", ",".join(("replicas=1", *values)))

    assert "takes the definition, and with it every BanditDeployment" in said("crds.keep=false")
    confined = (f"watchNamespaces={{{NAMESPACE}}}", "rbac.clusterWide=false", "web.enabled=true")
    account = f"--serviceaccount={NAMESPACE}:{RELEASE}"
    assert f"{RELEASE}-web --clusterrole=system:auth-delegator" in said(*confined)
    assert account in said(*confined)
    assert "Nobody can sign in" not in said("web.enabled=true")


def test_the_manifest_of_the_notes_is_accepted(notes: str, installed: Cluster) -> None:
    manifest = notes.split("<<'MANIFEST'\n")[1].split("  MANIFEST\n")[0]
    installed.kubectl("apply", "-n", NAMESPACE, "--dry-run=server", "-f", "-", stdin=manifest)


def test_the_pods_meet_the_restricted_pod_security_standard(installed: Cluster) -> None:
    deployment = installed.get("deployment", RELEASE, "-n", NAMESPACE)
    spec = deployment["spec"]["template"]["spec"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": spec}
    installed.kubectl("create", "-n", NAMESPACE, "--dry-run=server", "-f", "-", stdin=json.dumps(pod))


ALLOWED = [
    "list bandit-operator.dev banditdeployments",
    "watch bandit-operator.dev banditdeployments",
    "patch bandit-operator.dev banditdeployments/status",
    *(f"{verb} {router.group} {router.plural}" for router in ROUTERS.values() for verb in router.verbs),
    *(f"{verb} apps {kind}" for kind in ("deployments", "statefulsets") for verb in ("get", "list", "watch")),
    *(f"{verb} apps {kind}/scale" for kind in ("deployments", "statefulsets") for verb in ("get", "patch")),
    *(f"{verb} core services" for verb in ("get", "list", "watch")),
    *(f"{verb} discovery.k8s.io endpointslices" for verb in ("list", "watch")),
    "create events.k8s.io events",
    *(f"{verb} gateway.networking.k8s.io gateways" for verb in ("get", "list", "watch")),
    "get gateway.networking.k8s.io gatewayclasses",
    "list apiextensions.k8s.io customresourcedefinitions",
    "watch apiextensions.k8s.io customresourcedefinitions",
    "create coordination.k8s.io leases",
    "get coordination.k8s.io leases bandit-operator",
    "update coordination.k8s.io leases bandit-operator",
]
REFUSED = [
    "get bandit-operator.dev banditdeployments",
    "patch bandit-operator.dev banditdeployments",
    "delete bandit-operator.dev banditdeployments",
    "update gateway.networking.k8s.io httproutes",
    "delete gateway.networking.k8s.io httproutes",
    "patch gateway.networking.k8s.io httproutes/status",
    "patch gateway.networking.k8s.io gateways",
    "patch apps deployments",
    "update apps deployments/scale",
    "delete core pods",
    "get core secrets",
    "list core configmaps",
    "list core namespaces",
    "patch core services",
    "patch events.k8s.io events",
    "get discovery.k8s.io endpointslices",
    "update coordination.k8s.io leases another",
    "delete coordination.k8s.io leases bandit-operator",
    "patch apiextensions.k8s.io customresourcedefinitions",
    "create rbac.authorization.k8s.io clusterrolebindings",
]


def may(cluster: Cluster, right: str, namespace: str = NAMESPACE) -> bool:
    """Ask the API server whether the operator's account has a right."""
    verb, group, resource, *name = right.split()
    kind, _, subresource = resource.partition("/")
    attributes = {
        "verb": verb,
        "group": "" if group == "core" else group,
        "resource": kind,
        "subresource": subresource,
        "namespace": namespace,
        "name": name[0] if name else "",
    }
    account = f"system:serviceaccount:{NAMESPACE}:{RELEASE}"
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}", "system:authenticated"]
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": account, "groups": groups, "resourceAttributes": attributes},
    }
    answer = json.loads(cluster.kubectl("create", "-o", "json", "-f", "-", stdin=json.dumps(review)))
    return bool(answer["status"]["allowed"])


@pytest.mark.parametrize("right", ALLOWED)
def test_the_operator_may_do_what_it_must(installed: Cluster, right: Any) -> None:
    assert may(installed, right)


@pytest.mark.parametrize("right", REFUSED)
def test_the_operator_may_do_nothing_else(installed: Cluster, right: Any) -> None:
    assert not may(installed, right)


def test_the_lease_is_the_operators_in_its_own_namespace_only(installed: Cluster) -> None:
    assert not may(installed, "create coordination.k8s.io leases", namespace="default")


def test_every_right_of_the_role_has_a_test(installed: Cluster) -> None:
    rules = installed.get("clusterrole", RELEASE)["rules"]
    rules += installed.get("role", f"{RELEASE}-lease", "-n", NAMESPACE)["rules"]
    assert {" ".join(right.split()[:3]) for right in ALLOWED} == set(rights(rules))


def rights(rules: list[dict[str, Any]]) -> Iterator[str]:
    for rule in rules:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    yield f"{verb} {group or 'core'} {resource}"


def test_the_roles_for_people_allow_what_their_names_say(installed: Cluster) -> None:
    for name, wanted in {"view": "no", "edit": "yes"}.items():
        installed.kubectl(
            *("create", "rolebinding", name, "-n", NAMESPACE, f"--user={name}er"),
            f"--clusterrole={RELEASE}-{name}",
        )
        for verb, answer in {"get": "yes", "create": wanted}.items():
            asked = ("auth", "can-i", verb, "bd", "-n", NAMESPACE, f"--as={name}er")
            assert installed.run("cluster", "kubectl", *asked, check=False).stdout.strip() == answer


def test_the_network_policy_is_one_that_the_api_server_takes(installed: Cluster) -> None:
    upgrade(installed, "--set", "networkPolicy.enabled=true")
    assert installed.get("networkpolicy", RELEASE, "-n", NAMESPACE)["spec"]["policyTypes"] == [
        "Ingress",
        "Egress",
    ]


@pytest.fixture
def chief(installed: Cluster, tmp_path: Path) -> Iterator[Cluster]:
    """The cluster as the admin of one namespace has it."""
    installed.kubectl("create", "namespace", "models")
    one = installed.namespace("models")
    one.kubectl("create", "serviceaccount", "chief")
    one.kubectl("create", "rolebinding", "chief", "--clusterrole=admin", "--serviceaccount=models:chief")
    kubeconfig = yaml.safe_load(installed.kubeconfig.read_text())
    kubeconfig["users"][0]["user"] = {"token": one.kubectl("create", "token", "chief").strip()}
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
    yield Cluster(tmp_path / "kubeconfig", installed.endpoints)
    installed.kubectl("delete", "namespace", "models", "--wait=false")


def test_the_admin_of_a_namespace_installs_it_once_a_cluster_admin_has_given_it_its_rights(
    installed: Cluster, chief: Cluster
) -> None:
    page = (CHART / "README.md").read_text().split("**No right in the whole cluster**")[1]
    given, by_themselves = re.findall(r"(?<=\n\n)(?:    .*\n)+", page)[:2]

    def run(who: Cluster, commands: str) -> subprocess.CompletedProcess[str]:
        kubectl = f'kubectl() {{ "{tools()}/bin/cluster" kubectl "$@"; }}'
        script = f'set -euo pipefail\nPATH="{tools()}/bin:$PATH"\n{kubectl}\n{commands}'
        environment = {**os.environ, "KUBECONFIG": str(who.kubeconfig)}
        return subprocess.run(
            ["bash", "-c", script], env=environment, cwd=CHART.parents[1],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    confined = by_themselves.replace("rbac.create=false", "rbac.clusterWide=false")
    assert "attempting to grant RBAC permissions not currently held" in run(chief, confined).stderr
    assert run(chief, "helm uninstall bandit-operator -n models --wait").returncode == 0
    assert run(chief, given).returncode != 0, "an admin of a namespace gives out rights to routes"
    for who, commands in (
        (installed, given),
        (chief, f"{by_themselves.rstrip()} --set replicas=0 --wait"),
    ):
        done = run(who, commands)
        assert done.returncode == 0, done.stdout + done.stderr
    account = "--as=system:serviceaccount:models:bandit-operator"
    for verb, namespace, answer in (("patch", "models", "yes"), ("patch", NAMESPACE, "no")):
        question = ("auth", "can-i", verb, "httproutes", account, "--namespace", namespace)
        assert installed.run("cluster", "kubectl", *question, check=False).stdout.strip() == answer
    assert run(chief, "helm uninstall bandit-operator -n models --wait").returncode == 0


def test_an_upgrade_brings_the_definition_of_the_chart_again(installed: Cluster) -> None:
    path = "/spec/versions/0/additionalPrinterColumns"
    older = json.dumps([{"op": "replace", "path": path, "value": []}])
    installed.kubectl("patch", DEFINITION, "--type=json", "-p", older)
    upgrade(installed, "--set", "logLevel=debug")
    columns = installed.get(DEFINITION)["spec"]["versions"][0]["additionalPrinterColumns"]
    assert [column["name"] for column in columns][:3] == ["Phase", "Leader", "Share"]
    deployment = installed.get("deployment", RELEASE, "-n", NAMESPACE)
    settings = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "BANDIT_OPERATOR_LOG_LEVEL", "value": "debug"} in settings


def test_the_definition_and_the_resources_outlive_the_release(installed: Cluster) -> None:
    survivor = {**manifests.good(), "metadata": {"name": "survivor"}}
    installed.kubectl("apply", "-n", NAMESPACE, "-f", "-", stdin=json.dumps(survivor))
    uninstall(installed)
    installed.kubectl_fails("get", "deployment", RELEASE, "-n", NAMESPACE)
    installed.kubectl("get", "bd", "survivor", "-n", NAMESPACE)
