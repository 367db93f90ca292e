"""Flux on the embedded cluster: its source-controller and kustomize-controller, and a Git server for them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from cluster.client import EmbeddedCluster, tools
from testbed.programs import program
from testbed.waiting import wait_until

NAMESPACE = "flux-system"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:kustomize-controller"
GIT = "git-server"
GIT_SERVER = Path(__file__).with_name("git_server.py")
REPOSITORY = f"http://{GIT}.{NAMESPACE}/models.git"
"""Address of the repository inside."""

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
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": name, "namespace": NAMESPACE},
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"flux-{name}"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "cluster-admin",
            },
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}],
        },
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


class GitRepository:
    """A clone of the repository that Flux reads, on this machine."""

    def __init__(self, cluster: EmbeddedCluster, folder: Path) -> None:
        """Start the server, behind the gateway too, and clone."""
        self._folder = folder
        route = {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": GIT, "namespace": NAMESPACE},
            "spec": {
                "parentRefs": [{"name": "main", "namespace": "gateway"}],
                "rules": [
                    {
                        "matches": [{"path": {"type": "PathPrefix", "value": "/models.git"}}],
                        "backendRefs": [{"name": GIT, "port": 80}],
                    }
                ],
            },
        }
        cluster.apply(*program(NAMESPACE, GIT, GIT_SERVER, 8000), route)
        cluster.namespace(NAMESPACE).kubectl("rollout", "status", f"deploy/{GIT}", "--timeout=60s")
        address = f"{cluster.endpoints.gateway}/models.git"
        wait_until(lambda: self._git("ls-remote", address, check=False) == 0, "the repository is served", 60)
        self._git("clone", "--quiet", address, str(folder))

    def push(self, message: str, files: Mapping[str, list[dict[str, Any]]]) -> str:
        """Commit files of Kubernetes objects in place of all that there are, and push; gives the revision."""
        for old in self._folder.rglob("*.yaml"):
            old.unlink()
        for name, objects in files.items():
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(yaml.safe_dump_all(objects, sort_keys=False))
        here = ("-C", str(self._folder))
        self._git(*here, "add", "--all")
        author = ("-c", "user.name=git", "-c", "user.email=git@example.com")
        self._git(*here, *author, "commit", "--quiet", "--message", message)
        self._git(*here, "push", "--quiet", "origin", "HEAD:main")
        head = ["git", *here, "rev-parse", "HEAD"]
        return subprocess.run(head, check=True, capture_output=True, text=True).stdout.strip()

    def _git(self, *arguments: str, check: bool = True) -> int:
        # A repository around this folder, or settings of who runs the test, are not to be seen.
        own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
        done = subprocess.run(["git", *arguments], env=os.environ | own, check=check, capture_output=True)
        return done.returncode
