"""Puts the operator onto a cluster as users do, with helm, and takes it off again."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

from cluster.client import Cluster
from testbed.waiting import wait_until

OPERATOR_NAMESPACE = "bandit-system"
OPERATOR_ACCOUNT = f"system:serviceaccount:{OPERATOR_NAMESPACE}:bandit-operator"
PROMETHEUS = "http://prometheus.monitoring:9090"
READY_SECONDS = 90
_ROOT = Path(__file__).parents[1]
_PACKAGES = ("bandit_operator", "bandit_serving")


def images() -> dict[str, dict[str, Any]]:
    """Return what the image names of operator and serving mean: this interpreter and these sources.

    They have the version as their tag, which the chart takes unless told otherwise, and ``dev``.
    """
    tags = (importlib.metadata.version("bandit-operator"), "dev")
    return {f"{package.replace('_', '-')}:{tag}": image_of(package) for package in _PACKAGES for tag in tags}


def image_of(package: str, program: Path | None = None) -> dict[str, Any]:
    """Return what an image with a package means, where another program of its may be what runs."""
    words = ["-m", package] if program is None else [str(program)]
    environment = {"PYTHONPATH": os.pathsep.join(_folder_of(one) for one in _PACKAGES)}
    return {"entrypoint": [sys.executable, *words], "env": environment}


def _folder_of(package: str) -> str:
    module = importlib.util.find_spec(package)
    if module is None or module.origin is None:
        raise ModuleNotFoundError(f"{package} is not installed; run `make venv`, and this by its Python")
    return str(Path(module.origin).parents[1])


def install_operator(cluster: Cluster, *others: str) -> None:
    """Install the chart and wait until its Pods, and none of an earlier release, are there.

    They run under the ServiceAccount that the chart makes.

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
    await_earlier_pods_gone(cluster)


def await_earlier_pods_gone(cluster: Cluster) -> None:
    """Wait until no Pod of the operator is ending any more.

    Deployments are available before: until then the Pod whose log kubectl shows for the Deployment
    may be the earlier one, which was ready for longer.

    Raises:
        AssertionError: One is still there after ``READY_SECONDS``.
    """
    name = "app.kubernetes.io/name=bandit-operator"

    def none_ends() -> bool:
        pods = cluster.namespace(OPERATOR_NAMESPACE).get("pods", "-l", name)["items"]
        return not any("deletionTimestamp" in one["metadata"] for one in pods)

    wait_until(none_ends, "only the operator's present Pods are there", seconds=READY_SECONDS, every=0.2)


def uninstall_operator(cluster: Cluster) -> None:
    """Take the operator off a cluster."""
    cluster.run("helm", "uninstall", "bandit-operator", "--namespace", OPERATOR_NAMESPACE, check=False)
    cluster.kubectl("delete", "namespace", OPERATOR_NAMESPACE, "--ignore-not-found")


if __name__ == "__main__":
    print(json.dumps(images(), indent=2))  # what ``cluster up --images`` reads
