"""The chart in a real cluster: installed, upgraded, with the rights that it says, and gone again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

CHART = Path(__file__).parents[2] / "charts" / "bandit-operator"
NAMESPACE = "chart-tests"
RELEASE = "chart-tests"
DEFINITION = "crd/banditdeployments.bandit-operator.dev"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:{RELEASE}"
pytestmark = pytest.mark.cluster

# No Pods: what they do is for the tests of the operator itself.
VALUES = ("--set", "replicas=0", "--set", f"fullnameOverride={RELEASE}")
# The definition may be there already, put by another release or by kubectl.
TAKE_OVER = ("--take-ownership", "--force-conflicts", "--server-side=true")


def kubectl(cluster, *arguments: str, stdin: str | None = None) -> str:
    done = cluster.kubectl(*arguments, input=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout


def upgrade(helm, cluster, *arguments: str) -> str:
    fixed = ("upgrade", "--install", RELEASE, str(CHART), "--namespace", NAMESPACE, "--wait", "--timeout=60s")
    return helm.run(*fixed, *TAKE_OVER, *VALUES, *arguments, kubeconfig=cluster.kubeconfig)


@pytest.fixture(scope="module")
def installed(helm, cluster) -> Iterator[str]:
    """Return what helm says after the installation, in a namespace with the strictest rules for Pods."""
    if cluster.kubectl("get", "namespace", NAMESPACE).returncode:
        kubectl(cluster, "create", "namespace", NAMESPACE)
    kubectl(
        cluster,
        "label",
        "--overwrite",
        "namespace",
        NAMESPACE,
        "pod-security.kubernetes.io/enforce=restricted",
    )
    yield upgrade(helm, cluster)
    if (
        RELEASE
        in helm.run("list", "--short", "--namespace", NAMESPACE, kubeconfig=cluster.kubeconfig).split()
    ):
        helm.run("uninstall", RELEASE, "--namespace", NAMESPACE, "--wait", kubeconfig=cluster.kubeconfig)
    kubectl(cluster, "delete", "namespace", NAMESPACE, "--wait=false")


def test_the_notes_tell_what_to_do_next(installed):
    assert "runs in namespace chart-tests, and watches all namespaces." in installed
    assert "No Prometheus is set." in installed
    assert "kubectl explain bd.spec" in installed


def test_the_manifest_of_the_notes_is_accepted(installed, cluster):
    manifest = installed.split("<<'MANIFEST'\n")[1].split("  MANIFEST\n")[0]
    kubectl(cluster, "apply", "-n", NAMESPACE, "--dry-run=server", "-f", "-", stdin=manifest)


def test_the_pods_meet_the_restricted_pod_security_standard(installed, helm, cluster):
    fixed = (
        "template",
        RELEASE,
        str(CHART),
        "--namespace",
        NAMESPACE,
        "--set",
        f"fullnameOverride={RELEASE}",
    )
    deployment = yaml.safe_load(helm.run(*fixed, "--show-only", "templates/deployment.yaml"))
    template = deployment["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": template["spec"]}
    kubectl(cluster, "create", "-n", NAMESPACE, "--dry-run=server", "-f", "-", stdin=json.dumps(pod))


ALLOWED = [
    "list banditdeployments.bandit-operator.dev",
    "watch banditdeployments.bandit-operator.dev",
    "patch banditdeployments.bandit-operator.dev/status",
    "get httproutes.gateway.networking.k8s.io",
    "watch httproutes.gateway.networking.k8s.io",
    "patch httproutes.gateway.networking.k8s.io",
    "patch grpcroutes.gateway.networking.k8s.io",
    "list deployments.apps",
    "watch statefulsets.apps",
    "get deployments.apps/scale",
    "patch deployments.apps/scale",
    "patch statefulsets.apps/scale",
    "list services",
    "watch endpointslices.discovery.k8s.io",
    "create events.events.k8s.io",
    "list customresourcedefinitions.apiextensions.k8s.io",
    "create selfsubjectaccessreviews.authorization.k8s.io",
    "create leases.coordination.k8s.io",
    "get leases.coordination.k8s.io/bandit-operator",
    "update leases.coordination.k8s.io/bandit-operator",
]
REFUSED = [
    "patch banditdeployments.bandit-operator.dev",
    "delete banditdeployments.bandit-operator.dev",
    "update httproutes.gateway.networking.k8s.io",
    "patch httproutes.gateway.networking.k8s.io/status",
    "delete httproutes.gateway.networking.k8s.io",
    "patch deployments.apps",
    "update deployments.apps/scale",
    "delete pods",
    "get secrets",
    "list configmaps",
    "list namespaces",
    "patch services",
    "update leases.coordination.k8s.io/another",
    "patch customresourcedefinitions.apiextensions.k8s.io",
]


def may(cluster, right: str) -> bool:
    verb, _, resource = right.partition(" ")
    kind, _, rest = resource.partition("/")
    target = [kind, f"--subresource={rest}"] if rest in ("status", "scale") else [resource]
    done = cluster.kubectl("auth", "can-i", verb, *target, "-n", NAMESPACE, f"--as={ACCOUNT}")
    answer = done.stdout.strip()
    assert answer in ("yes", "no"), done.stderr
    return bool(answer == "yes")


@pytest.mark.parametrize("right", ALLOWED)
def test_the_operator_may_do_what_it_must(installed, cluster, right):
    assert may(cluster, right)


@pytest.mark.parametrize("right", REFUSED)
def test_the_operator_may_do_nothing_else(installed, cluster, right):
    assert not may(cluster, right)


def test_the_lease_is_the_operators_in_its_own_namespace_only(installed, cluster):
    done = cluster.kubectl(
        "auth", "can-i", "create", "leases.coordination.k8s.io", "-n", "default", f"--as={ACCOUNT}"
    )
    assert done.stdout.strip() == "no"


def test_an_upgrade_brings_the_definition_of_the_chart_again(installed, helm, cluster):
    path = "/spec/versions/0/additionalPrinterColumns"
    older = json.dumps([{"op": "replace", "path": path, "value": []}])
    kubectl(cluster, "patch", DEFINITION, "--type=json", "-p", older)
    upgrade(helm, cluster, "--set", "logLevel=debug")
    columns = kubectl(
        cluster, "get", DEFINITION, "-o", "jsonpath={.spec.versions[0].additionalPrinterColumns[*].name}"
    )
    assert columns.split()[:3] == ["Leader", "Share", "Ready"]
    level = kubectl(cluster, "get", "deployment", RELEASE, "-n", NAMESPACE, "-o", "yaml")
    assert "value: debug" in level


def test_the_definition_and_the_resources_outlive_the_release(installed, helm, cluster):
    good = yaml.safe_load((Path(__file__).parents[1] / "crds" / "good.yaml").read_text())
    good["metadata"]["name"] = "survivor"
    kubectl(cluster, "apply", "-n", NAMESPACE, "-f", "-", stdin=json.dumps(good))
    helm.run("uninstall", RELEASE, "--namespace", NAMESPACE, "--wait", kubeconfig=cluster.kubeconfig)
    assert cluster.kubectl("get", "deployment", RELEASE, "-n", NAMESPACE).returncode != 0
    kubectl(cluster, "get", "bd", "survivor", "-n", NAMESPACE)
