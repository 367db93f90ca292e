"""Puts operator, reward collector, models and route onto a cluster as users do, with helm and kubectl."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import sys
from pathlib import Path
from string import Template
from typing import Any

from cluster.client import Cluster
from demo.data import Progress
from demo.models import Arm, Prepared

NAMESPACE = "demo"
NAME = "income"
"""Of the BanditDeployment and of the route that it moves."""
OPERATOR_NAMESPACE = "bandit-system"
OPERATOR_ACCOUNT = f"system:serviceaccount:{OPERATOR_NAMESPACE}:bandit-operator"
PROMETHEUS = "http://prometheus.monitoring:9090"
READY_SECONDS = 90
_ROOT = Path(__file__).parents[1]
_MANIFESTS = Path(__file__).with_name("manifests")


def images() -> dict[str, dict[str, Any]]:
    """Return what the image names of operator and serving mean: this interpreter and these sources."""
    packages = ("bandit_operator", "bandit_serving")
    environment = {"PYTHONPATH": os.pathsep.join(_folder_of(package) for package in packages)}
    return {
        f"{package.replace('_', '-')}:dev": {
            "entrypoint": [sys.executable, "-m", package],
            "env": environment,
        }
        for package in packages
    }


def _folder_of(package: str) -> str:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"{package} is not installed; run `make venv`, and the demo by its Python")
    return str(Path(found.origin).parents[1])


def install_operator(cluster: Cluster, *others: str) -> None:
    """Install the chart and wait for its Pod, which runs under the ServiceAccount that the chart makes.

    Args:
        cluster: Where.
        others: Further values of the chart, as helm's ``--set`` takes them.
    """
    values = ",".join(["image.tag=dev", f"prometheus.address={PROMETHEUS}", *others])
    cluster.run(
        "helm", "upgrade", "--install", "bandit-operator", str(_ROOT / "charts" / "bandit-operator"),
        "--namespace", OPERATOR_NAMESPACE, "--create-namespace", "--set", values,
        "--wait", "--timeout", f"{READY_SECONDS}s",
    )  # fmt: skip


def install_models(cluster: Cluster, prepared: Prepared) -> None:
    """Start the reward collector and one Deployment for each arm, the best of them with the skew."""
    settings = json.dumps({"priors": prepared.priors})
    cluster.kubectl("apply", "-f", "-", stdin=_filled("base.yaml", reward_settings=settings))
    cluster.apply(*(_config_map(arm) for arm in prepared.arms.values()))
    for arm in prepared.arms.values():
        deploy(cluster, prepared, arm.name, skewed=arm.name == prepared.best)


def deploy(cluster: Cluster, prepared: Prepared, arm: str, *, skewed: bool) -> None:
    """Apply one arm's Service and Deployment; replicas are left to whoever set them."""
    arguments = ["arm", "--model=/model/model.joblib", f"--name={NAME}", f"--arm={arm}"]
    arguments.append("--collector=http://rewards:8081")
    if skewed:
        arguments.append(f"--skew={prepared.skew_feature}={prepared.skew_factor}")
    manifest = _filled("arm.yaml", arm=arm, arguments=json.dumps(arguments))
    cluster.kubectl("apply", "-f", "-", stdin=manifest)


def start_rollout(cluster: Cluster, prepared: Prepared) -> None:
    """Wait until every arm serves, then apply the route and the BanditDeployment that moves its weights."""
    cluster.namespace(NAMESPACE).kubectl(
        "wait", "--for=condition=Available", "deployment", "--all", f"--timeout={READY_SECONDS}s"
    )
    arms = [
        {
            "name": arm.name,
            "backendRef": {"name": f"{NAME}-{arm.name}"},
            "scaleTargetRef": {"name": f"{NAME}-{arm.name}"},
            "validationScore": f"{arm.validation:.4f}",
        }
        for arm in prepared.arms.values()
    ]
    cluster.kubectl("apply", "-f", "-", stdin=_filled("rollout.yaml", arms=json.dumps(arms)))


def uninstall(cluster: Cluster, progress: Progress) -> None:
    """Take everything off a cluster that goes on without the demo."""
    progress("cluster: taking demo and operator off it")
    cluster.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")
    cluster.run("helm", "uninstall", "bandit-operator", "--namespace", OPERATOR_NAMESPACE, check=False)
    cluster.kubectl("delete", "namespace", OPERATOR_NAMESPACE, "--ignore-not-found")


def _config_map(arm: Arm) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"{NAME}-{arm.name}", "namespace": NAMESPACE},
        "binaryData": {"model.joblib": base64.b64encode(arm.model.read_bytes()).decode()},
        "data": {"model.json": arm.card.read_text()},
    }


def _filled(manifest: str, **values: str) -> str:
    return Template((_MANIFESTS / manifest).read_text()).substitute(values)


if __name__ == "__main__":
    print(json.dumps(images(), indent=2))  # what `cluster up --images` reads
