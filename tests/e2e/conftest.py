"""A cluster with the operator from its chart, and a source of rewards that tests can steer."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from cluster import client as clusters
from cluster.client import Cluster
from demo.installation import OPERATOR_NAMESPACE, images, install_operator
from tests.e2e.rollout import NAMESPACE, Rollout
from tests.support.waiting import wait_until

PROGRAMS = Path(__file__).with_name("programs")


def program(
    name: str, source: str, port: int, *arguments: str, scraped: bool = False, replicas: int = 1
) -> list[Any]:
    """A Deployment that runs one of the programs, with its Service."""
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
            "metadata": {"name": name, "namespace": NAMESPACE},
            "data": {"program.py": (PROGRAMS / source).read_text()},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": NAMESPACE},
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
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": "http"}]},
        },
    ]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster that knows the operator's image, also where it is killed all the time or its clock is set."""
    known = images()
    altered = {
        f"bandit-operator:{tag}": known["bandit-operator:dev"]
        | {"entrypoint": [sys.executable, str(PROGRAMS / source)]}
        for tag, source in (("killed", "killed_operator.py"), ("set-clock", "set_clock_operator.py"))
    }
    with clusters.cluster(tmp_path_factory.mktemp("e2e"), {**known, **altered}) as one:
        one.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        yield one


@pytest.fixture(scope="session")
def operator(cluster: Cluster) -> Cluster:
    """The cluster with the operator in it."""
    install_operator(cluster)
    return cluster


@contextmanager
def patched_operator(operator: Cluster, patch: list[dict[str, Any]]) -> Iterator[Cluster]:
    """The operator's Deployment with a JSON Patch, and afterwards as the chart makes it."""
    operators = operator.namespace(OPERATOR_NAMESPACE)
    operators.kubectl("patch", "deployment", "bandit-operator", "--type=json", "-p", json.dumps(patch))
    operators.kubectl("rollout", "status", "deployment/bandit-operator", "--timeout=90s")
    try:
        yield operators
    finally:
        # The patch owns its fields now; a new Deployment is the chart's alone.
        operators.kubectl("delete", "deployment", "bandit-operator", "--wait=true", "--timeout=60s")
        install_operator(operator)


@pytest.fixture(scope="session")
def steer(operator: Cluster) -> Callable[..., None]:
    """Set how fast arms earn: ``steer("route", arm=(trials a second, mean reward))``."""
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "rates", "namespace": NAMESPACE},
        "spec": {
            "parentRefs": [{"name": "main", "namespace": "gateway"}],
            "rules": [
                {
                    "matches": [{"path": {"type": "Exact", "value": "/rates"}}],
                    "backendRefs": [{"name": "counting", "port": 80}],
                }
            ],
        },
    }
    operator.apply(*program("counting", "counting_model.py", 8000, scraped=True), route)
    operator.namespace(NAMESPACE).kubectl(
        "wait", "--for=condition=Available", "deploy/counting", "--timeout=60s"
    )

    def set_rates(rollout: str, **arms: tuple[float, float]) -> None:
        rates = {f"{rollout}/{arm}": list(rate) for arm, rate in arms.items()}
        answer = httpx.put(f"{operator.endpoints.gateway}/rates", content=json.dumps(rates), timeout=5)
        assert answer.status_code == 200, answer.text

    wait_until(lambda: set_rates("none") is None, "the counting model answers", 20)
    return set_rates


@pytest.fixture(scope="session")
def broken_prometheus(operator: Cluster) -> str:
    """Address of a Prometheus that answers as its path says."""
    operator.apply(*program("broken-prometheus", "broken_prometheus.py", 9090))
    operator.namespace(NAMESPACE).kubectl(
        "wait", "--for=condition=Available", "deploy/broken-prometheus", "--timeout=60s"
    )
    return f"http://broken-prometheus.{NAMESPACE}"


@pytest.fixture
def rollout(operator: Cluster, request: pytest.FixtureRequest) -> Iterator[Callable[..., Rollout]]:
    """Make rollouts named after the test, and take them away after it."""
    made: list[Rollout] = []

    def make(suffix: str = "", **arguments: Any) -> Rollout:
        digest = abs(hash(request.node.nodeid)) % 10**8
        made.append(Rollout(operator, f"t{digest}{suffix}", **arguments))
        return made[-1]

    yield make
    for one in made:
        one.cluster.kubectl("delete", "bd", one.name, "--ignore-not-found", "--wait=false")
        one.cluster.kubectl("delete", one.kind.lower(), one.name, "--ignore-not-found", "--wait=false")
