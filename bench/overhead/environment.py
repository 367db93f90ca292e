"""The cluster that everything is measured on: fresh, embedded, with the operator from its chart."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.fresh import fresh_cluster
from cluster.client import REPOSITORY, EmbeddedCluster, Request, tools
from testbed.installation import OPERATOR_ACCOUNT, OPERATOR_NAMESPACE, image_of, images, install_operator
from testbed.reward_source import RewardSource
from testbed.waiting import wait_until

NAMESPACE = "bench"
UNSCRAPED = ("metrics.scrapeAnnotations=None",)
"""Values of the chart with which Prometheus leaves the operator alone."""
APPLIED_AT_ONCE = 200
"""Objects in one call of kubectl, which has two minutes."""


def known_images() -> dict[str, dict[str, Any]]:
    """Return what image names mean here: operator and serving, a model that answers at once, and vegeta."""
    model = ["-m", "uvicorn", "bench.overhead.model:app", "--host=0.0.0.0", "--port=8000"]
    # The gateway keeps connections for 90 s; a server that closes them first would cost it a retry.
    quiet = ["--timeout-keep-alive=120", "--no-access-log", "--log-level=warning"]
    return {
        **images(),
        "model:dev": {"entrypoint": [sys.executable, *model, *quiet], "env": {"PYTHONPATH": str(REPOSITORY)}},
        "vegeta:dev": {"entrypoint": [str(tools("vegeta") / "bin" / "vegeta")]},
    }


class Environment:
    """A cluster that is up, with the operator in it, and what is asked of it."""

    def __init__(self, cluster: EmbeddedCluster) -> None:
        self.cluster = cluster
        self.bench = cluster.namespace(NAMESPACE)

    @cached_property
    def rewards(self) -> RewardSource:
        """The one source of all rewards, started when it is first needed."""
        return RewardSource(self.cluster, NAMESPACE)

    def apply(self, objects: list[dict[str, Any]]) -> None:
        """Apply any number of objects."""
        for start in range(0, len(objects), APPLIED_AT_ONCE):
            self.cluster.apply(*objects[start : start + APPLIED_AT_ONCE])

    def deploy(self, name: str, container: dict[str, Any], replicas: int = 1) -> None:
        """Run a container in Pods labelled ``app: NAME``, and wait until they are ready."""
        labels = {"app": name}
        template = {
            "metadata": {"labels": labels},
            "spec": {"terminationGracePeriodSeconds": 1, "containers": [{"name": name, **container}]},
        }
        self.cluster.apply(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": name, "namespace": NAMESPACE},
                "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
            }
        )
        self.bench.kubectl("rollout", "status", f"deployment/{name}", "--timeout=60s")

    @cached_property
    def operator_pods(self) -> list[str]:
        """Names of the operator's Pods."""
        pods = self.cluster.namespace(OPERATOR_NAMESPACE).get("pods")["items"]
        return sorted(str(pod["metadata"]["name"]) for pod in pods)

    @property
    def operator_pod(self) -> str:
        """Name of the operator's only Pod."""
        (name,) = self.operator_pods
        return name

    def install_operator(self, *values: str) -> None:
        """Install the operator anew, with further values of its chart, and wait until it is alone."""
        self.stop_operator()
        install_operator(self.cluster, *UNSCRAPED, *values)

    def stop_operator(self) -> None:
        """End the operator, and wait until it is gone, or do nothing where it is not there."""
        operators = self.cluster.namespace(OPERATOR_NAMESPACE)
        operators.kubectl(
            "delete", "deployment", "bandit-operator", "--ignore-not-found", "--wait=true", "--timeout=60s"
        )
        operators.kubectl("wait", "pods", "--all", "--for=delete", "--timeout=60s")
        self.__dict__.pop("operator_pods", None)

    @contextmanager
    def without_gateway(self) -> Iterator[None]:
        """Meanwhile nothing of the gateway runs; it takes over all routes afterwards."""
        gateway = self.cluster.namespace("gateway")
        gateway.kubectl("scale", "deployment/traefik", "--replicas=0")
        gateway.kubectl("wait", "pods", "--all", "--for=delete", "--timeout=60s")
        try:
            yield
        finally:
            gateway.kubectl("scale", "deployment/traefik", "--replicas=1")
            gateway.kubectl("rollout", "status", "deployment/traefik", "--timeout=120s")

    def operator_metrics(self, *names: str) -> str:
        """What the operator's Pods expose, all of it or some metrics by name.

        Nobody else scrapes them here: each scrape's cost is known.
        """
        root = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods"
        asked = "&".join(f"name%5B%5D={name}" for name in names)
        paths = (f"{root}/{pod}:8080/proxy/metrics?{asked}" for pod in self.operator_pods)
        return "\n".join(self.cluster.kubectl("get", "--raw", path) for path in paths)

    def api_metrics(self) -> str:
        """What the API server exposes, its counters of etcd among it."""
        return self.cluster.kubectl("get", "--raw", "/metrics")

    def operator_requests(self, start: float, end: float) -> list[Request]:
        """Return the operator's requests between two times since 1970, by the audit log."""
        return [
            one
            for one in self.cluster.requests()
            if one.user == OPERATOR_ACCOUNT and start <= one.time.timestamp() < end
        ]

    def route_writes(self, start: float, end: float, name: str) -> list[float]:
        """Return when the operator wrote a route, seconds since 1970."""
        return [
            one.time.timestamp()
            for one in self.operator_requests(start, end)
            if (one.verb, one.resource, one.name) == ("patch", "httproutes", name)
            and not one.subresource
            and one.code == 200
        ]

    def await_route_write(self, name: str, since: float, seconds: float) -> float:
        """Wait for the operator to write a route, and return when it did.

        Raises:
            AssertionError: It does not in so many seconds.
        """

        def written() -> list[float]:
            return self.route_writes(since, time.time(), name)

        return wait_until(written, f"the operator writes route {name}", seconds)[0]


@contextmanager
def open_environment(directory: Path, operator: str | None = None) -> Iterator[Environment]:
    """Start a fresh cluster with the operator in it, and end it afterwards.

    Args:
        directory: Folder for its state.
        operator: A module that is run in place of the operator's own.

    Raises:
        ClusterError: A part of it does not start.
    """
    known = known_images()
    if operator is not None:
        path = os.pathsep.join([str(REPOSITORY), image_of("bandit_operator")["env"]["PYTHONPATH"]])
        replaced = {"entrypoint": [sys.executable, "-m", operator], "env": {"PYTHONPATH": path}}
        known |= {name: replaced for name in known if name.startswith("bandit-operator:")}
    with fresh_cluster(directory, known, NAMESPACE, *UNSCRAPED) as cluster:
        yield Environment(cluster)
