"""HorizontalPodAutoscalers, and external metrics for them that a test sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cluster.client import Cluster
from testbed.certificates import authority, issued
from testbed.programs import program
from testbed.waiting import wait_until

EXTERNAL_METRICS = Path(__file__).with_name("external_metrics.py")
NAME = "external-metrics"
_API_SERVICE = "v1beta1.external.metrics.k8s.io"
_API = "/apis/external.metrics.k8s.io/v1beta1"


class ExternalMetrics:
    """What the controller of autoscalers reads; the API server passes its requests on to a Pod."""

    def __init__(self, cluster: Cluster, namespace: str, folder: Path) -> None:
        """Start it, and wait until the API server has it.

        Args:
            cluster: Where.
            namespace: Of its Pod, and of the metrics.
            folder: Where its certificate is made.
        """
        self._cluster, self._namespace = cluster, namespace
        trusted = authority(folder, "authority")
        own = issued(trusted, folder, NAME, f"DNS:{NAME}.{namespace}.svc")
        api_service = {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": _API_SERVICE},
            "spec": {
                "group": "external.metrics.k8s.io",
                "version": "v1beta1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                # Nothing but this test asks it, and it says nothing but what the test told it.
                "insecureSkipTLSVerify": True,
                "service": {"namespace": namespace, "name": NAME, "port": 80},
            },
        }
        cluster.apply(*program(namespace, NAME, EXTERNAL_METRICS, 8443, certificate=own), api_service)
        # Its condition Available comes before requests are passed on.
        wait_until(lambda: cluster.kubectl("get", "--raw", _API), "the API server passes requests on", 60)

    def close(self) -> None:
        """Take it away: an API that does not answer keeps namespaces from being deleted."""
        self._cluster.kubectl("delete", "apiservice", _API_SERVICE)
        objects = (f"{kind}/{NAME}" for kind in ("deployment", "service", "configmap"))
        self._cluster.namespace(self._namespace).kubectl("delete", *objects, "--wait=false")

    def set(self, name: str, value: float) -> None:
        """Set a metric."""
        self._cluster.kubectl("create", "--raw", f"{self._path(name)}?value={value:g}", "-f", "-", stdin="")

    def wait_for_reads(self, name: str, number: int) -> None:
        """Wait until the controller has read a metric so many times more, which it does every 15 s."""
        # Each look of ours is a read, too.
        before, looks = self._reads(name), 0

        def read() -> bool:
            nonlocal looks
            looks += 1
            return self._reads(name) - before - looks >= number

        wait_until(read, f"{name} is read {number} times more", 20 + 20 * number)

    def _reads(self, name: str) -> int:
        (item,) = json.loads(self._cluster.kubectl("get", "--raw", self._path(name)))["items"]
        return int(item["metricLabels"]["reads"])

    def _path(self, name: str) -> str:
        return f"{_API}/namespaces/{self._namespace}/{name}"


def autoscaler(namespace: str, deployment: str, most: int) -> dict[str, Any]:
    """Return an autoscaler of a Deployment that goes by the metric of that name: so many replicas.

    Args:
        namespace: Of both.
        deployment: What it scales, and its own name.
        most: Its ``maxReplicas``; ``minReplicas`` is 1.
    """
    source = {"metric": {"name": deployment}, "target": {"type": "AverageValue", "averageValue": "1"}}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": deployment, "namespace": namespace},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment},
            "minReplicas": 1,
            "maxReplicas": most,
            "metrics": [{"type": "External", "external": source}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
        },
    }
