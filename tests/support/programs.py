"""Programs that tests and measurements run as Pods, and the one whose rewards they steer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from cluster.client import Cluster
from tests.support.waiting import wait_until

PROGRAMS = Path(__file__).parents[1] / "e2e" / "programs"


def program(
    namespace: str, name: str, source: str, port: int, *arguments: str,
    scraped: bool = False, replicas: int = 1,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return a Deployment that runs one of the programs, with its Service."""
    labels = {"app": name}
    annotations = {"prometheus.io/scrape": "true", "prometheus.io/port": str(port)} if scraped else {}
    container = {
        "name": "program",
        "image": "bandit-serving:dev",
        "command": ["python3", "/programs/program.py", str(port), *arguments],
        "ports": [{"name": "http", "containerPort": port}],
        "readinessProbe": {"httpGet": {"path": "/", "port": port}, "periodSeconds": 1},
        "volumeMounts": [{"name": "programs", "mountPath": "/programs"}],
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace},
            "data": {"program.py": (PROGRAMS / source).read_text()},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels, "annotations": annotations},
                    "spec": {
                        "terminationGracePeriodSeconds": 2,
                        "containers": [container],
                        "volumes": [{"name": "programs", "configMap": {"name": name}}],
                    },
                },
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": "http"}]},
        },
    ]


class RewardSource:
    """Reward counters of any number of routes and arms, which earn at rates that may be changed."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        """Start it, and wait until it answers through the gateway."""
        self._url = f"{cluster.endpoints.gateway}/rates"
        match = {"path": {"type": "Exact", "value": "/rates"}}
        route = {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": "rates", "namespace": namespace},
            "spec": {
                "parentRefs": [{"name": "main", "namespace": "gateway"}],
                "rules": [{"matches": [match], "backendRefs": [{"name": "counting", "port": 80}]}],
            },
        }
        cluster.apply(*program(namespace, "counting", "counting_model.py", 8000, scraped=True), route)
        cluster.namespace(namespace).kubectl(
            "wait", "--for=condition=Available", "deploy/counting", "--timeout=60s"
        )
        wait_until(self._answers, "the counting model answers", 20)

    def steer(self, route: str, **arms: tuple[float, float]) -> None:
        """Set how fast arms of a route earn: ``steer("route", arm=(trials a second, mean reward))``."""
        self.put({f"{route}/{arm}": rate for arm, rate in arms.items()})

    def put(self, rates: Mapping[str, tuple[float, float]]) -> None:
        """Set rates by ``"route/arm"``; what was earned until now was earned at the old ones."""
        answer = httpx.put(self._url, content=json.dumps(rates), timeout=5)
        assert answer.status_code == 200, answer.text

    def _answers(self) -> bool:
        self.put({})
        return True
