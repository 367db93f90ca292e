"""Flux on the embedded cluster: its source-controller and kustomize-controller."""

from __future__ import annotations

from typing import Any

import yaml

from cluster.client import EmbeddedCluster, tools
from testbed.rights import administrator

NAMESPACE = "flux-system"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:kustomize-controller"

_SOURCES = "source-controller"
_CONTROLLERS = {
    _SOURCES: ["--storage-path=/data", f"--storage-adv-addr={_SOURCES}.{NAMESPACE}.svc.cluster.local."],
    "kustomize-controller": [],
}


def install_flux(cluster: EmbeddedCluster) -> None:
    """Install the two controllers, with all rights as Flux has them, and wait until they are ready."""
    programs = tools("flux") / "flux"
    for name in _CONTROLLERS:
        cluster.add_image(f"{name}:flux", {"entrypoint": [str(programs / name)]})
    definitions = [yaml.safe_load(file.read_text()) for file in sorted((programs / "crds").glob("*.yaml"))]
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, *definitions)
    for name, arguments in _CONTROLLERS.items():
        cluster.apply(*_controller(name, arguments))
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": _SOURCES, "namespace": NAMESPACE},
            "spec": {"selector": {"app": _SOURCES}, "ports": [{"port": 80, "targetPort": 9090}]},
        }
    )
    for name in _CONTROLLERS:
        cluster.namespace(NAMESPACE).kubectl("rollout", "status", f"deploy/{name}", "--timeout=90s")


def _controller(name: str, arguments: list[str]) -> list[dict[str, Any]]:
    """A controller's ServiceAccount, rights and Deployment."""
    labels = {"app": name}
    container = {
        "name": "manager",
        "image": f"{name}:flux",
        "args": ["--watch-all-namespaces", "--enable-leader-election=false", *arguments],
        "env": [
            {"name": "RUNTIME_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}
        ],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 9440}, "periodSeconds": 1},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    pod = {
        "serviceAccountName": name,
        "containers": [container],
        "volumes": [{"name": "data", "emptyDir": {}}],
    }
    annotations = {"prometheus.io/scrape": "true", "prometheus.io/port": "8080"}
    return [
        *administrator(NAMESPACE, name),
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels, "annotations": annotations}, "spec": pod},
            },
        },
    ]
