"""The operator as it is shipped, with its Deployment or its machine altered."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster.client import Cluster
from testbed.installation import OPERATOR_NAMESPACE, await_earlier_pods_gone, image_of, install_operator

CONTAINER = "/spec/template/spec/containers/0"
"""Of the operator, in a JSON Patch of its Deployment."""
SETTABLE_CLOCK = "bandit-operator:set-clock"
"""Name of the image whose wall clock can be set."""


def settable_clock_image() -> dict[str, Any]:
    """Return what that image name means."""
    return image_of("bandit_operator", Path(__file__).with_name("set_clock_operator.py"))


SETTABLE_CLOCK_PATCH: list[dict[str, Any]] = [
    {"op": "replace", "path": f"{CONTAINER}/image", "value": SETTABLE_CLOCK},
    {"op": "add", "path": f"{CONTAINER}/volumeMounts", "value": [{"name": "clock", "mountPath": "/clock"}]},
    {"op": "add", "path": "/spec/template/spec/volumes", "value": [{"name": "clock", "emptyDir": {}}]},
]
"""Makes it the operator's."""


def set_clock(operators: Cluster, seconds: int) -> None:
    """Set the clock of such an operator's machine that far from the right time."""
    command = ["sh", "-c", f"echo {seconds} > /clock/offset"]
    operators.kubectl("exec", "deployment/bandit-operator", "--", *command)


@contextmanager
def patched_operator(cluster: Cluster, patch: list[dict[str, Any]], *values: str) -> Iterator[Cluster]:
    """The operator's namespace, with its Deployment under a JSON Patch; afterwards it is the chart's.

    Args:
        cluster: Where the operator is.
        patch: Of its Deployment.
        values: With which the chart was installed.
    """
    operators = cluster.namespace(OPERATOR_NAMESPACE)
    operators.kubectl("patch", "deployment", "bandit-operator", "--type=json", "-p", json.dumps(patch))
    operators.kubectl("rollout", "status", "deployment/bandit-operator", "--timeout=90s")
    await_earlier_pods_gone(cluster)
    try:
        yield operators
    finally:
        # The patch owns its fields now; a new Deployment is the chart's alone.
        operators.kubectl("delete", "deployment", "bandit-operator", "--wait=true", "--timeout=60s")
        install_operator(cluster, *values)


def lease(operators: Cluster) -> dict[str, object]:
    """Return the spec of the lease that the replicas share."""
    found: dict[str, object] = operators.get("lease", "bandit-operator")["spec"]
    return found


def holder(operators: Cluster) -> str:
    """Return the Pod that leads."""
    return str(lease(operators)["holderIdentity"])


def process_with(variable: str, value: str) -> int:
    """Return the process of this machine that has a variable of its environment set so.

    Raises:
        AssertionError: There is none.
    """
    wanted = f"{variable}={value}".encode()
    for folder in Path("/proc").iterdir():
        try:
            environment = (folder / "environ").read_bytes() if folder.name.isdigit() else b""
        except OSError:  # it ended while it was looked at
            continue
        if wanted in environment.split(b"\0") and int(folder.name) != os.getpid():
            return int(folder.name)
    raise AssertionError(f"no process with {variable}={value}")


def process_of(pod: str) -> int:
    """Return the process of an operator's Pod of the embedded cluster."""
    return process_with("BANDIT_OPERATOR_POD_NAME", pod)
