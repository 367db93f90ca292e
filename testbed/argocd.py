"""Argo CD on the embedded cluster: its application controller and what that needs, without server and UI."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import yaml

from cluster.client import EmbeddedCluster, tools
from testbed.rights import administrator
from testbed.waiting import wait_until

_CONTROLLER, _REPOSITORIES, _CACHE = "application-controller", "repo-server", "redis"

NAMESPACE = "argocd"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:{_CONTROLLER}"

_PART = {"app.kubernetes.io/part-of": "argocd"}
"""By which Argo CD finds its settings."""
_ARGUMENTS = {
    _CACHE: [],
    _REPOSITORIES: [f"--redis={_CACHE}:6379", "--disable-tls", "--client-ca-path="],
    _CONTROLLER: [f"--redis={_CACHE}:6379", f"--repo-server={_REPOSITORIES}:8081", "--repo-server-plaintext"],
}
_PORTS = {_CACHE: 6379, _REPOSITORIES: 8081, _CONTROLLER: 8082}


def install_argocd(cluster: EmbeddedCluster, every: str, settings: Mapping[str, str]) -> None:
    """Install the parts, the controller with all rights as Argo CD has it, and wait until they are ready.

    Args:
        cluster: Where.
        every: Interval at which Git is looked at, a duration as Argo CD writes it.
        settings: The data of ``argocd-cm``.
    """
    programs = tools("argocd") / "argocd"
    definitions = [yaml.safe_load(file.read_text()) for file in sorted((programs / "crds").glob("*.yaml"))]
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, *definitions)
    kinds = ("api-resources", "--api-group=argoproj.io", "-o", "name")
    wait_until(lambda: "appprojects" in cluster.kubectl(*kinds), "the definitions are served", 30)
    cluster.apply(*_settings(settings))
    for name, arguments in _ARGUMENTS.items():
        program = "redis" if name == _CACHE else "argo-cd"
        cluster.add_image(f"{name}:argocd", {"entrypoint": [str(programs / program)]})
        environment = {
            "ARGOCD_BINARY_NAME": f"argocd-{name}",
            "ARGOCD_GPG_ENABLED": "false",
            "ARGOCD_RECONCILIATION_TIMEOUT": every,
            "ARGOCD_RECONCILIATION_JITTER": "0s",
            "HOME": "/tmp",
            "PATH": f"{programs}:{os.environ['PATH']}",  # it looks at signatures by a script of its own
        }
        cluster.apply(*_part(name, arguments, environment))
    for name in _ARGUMENTS:
        cluster.namespace(NAMESPACE).kubectl("rollout", "status", f"deploy/{name}", "--timeout=120s")


def _settings(settings: Mapping[str, str]) -> list[dict[str, Any]]:
    """What Argo CD reads of itself, and a project that may do anything."""
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "argocd-cm", "namespace": NAMESPACE, "labels": _PART},
            "data": dict(settings),
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "argocd-secret", "namespace": NAMESPACE, "labels": _PART},
        },
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": {"name": "default", "namespace": NAMESPACE},
            "spec": {
                "sourceRepos": ["*"],
                "destinations": [{"server": "*", "namespace": "*"}],
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
            },
        },
    ]


def _part(name: str, arguments: list[str], environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """A part's Deployment and Service, and the account and rights of the controller."""
    labels, metadata = {"app": name}, {"name": name, "namespace": NAMESPACE}
    port = _PORTS[name]
    container = {
        "name": name,
        "image": f"{name}:argocd",
        "args": arguments,
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 1},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    pod: dict[str, Any] = {"containers": [container], "volumes": [{"name": "tmp", "emptyDir": {}}]}
    annotations, account = dict[str, str](), list[dict[str, Any]]()
    if name == _CONTROLLER:
        pod["serviceAccountName"] = name
        annotations = {"prometheus.io/scrape": "true", "prometheus.io/port": str(port)}
        account = administrator(NAMESPACE, name)
    return [
        *account,
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels, "annotations": annotations}, "spec": pod},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": labels, "ports": [{"port": port}]},
        },
    ]
