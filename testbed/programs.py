"""Python programs of one file that run as Pods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from testbed.certificates import Certificate

BROKEN_PROMETHEUS = Path(__file__).with_name("broken_prometheus.py")
"""A program that answers as a Prometheus that is ill; the first part of the path says how."""


def program(
    namespace: str, name: str, source: Path, port: int, *arguments: str,
    scraped: bool = False, replicas: int = 1, certificate: Certificate | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return a Deployment that runs a program, with its Service.

    One that has a certificate gets it and its key as PEM texts, after its other arguments, and speaks HTTPS.
    """
    if certificate is not None:
        arguments = (*arguments, certificate.file.read_text(), certificate.key.read_text())
    scheme = "HTTP" if certificate is None else "HTTPS"
    labels = {"app": name}
    annotations = {"prometheus.io/scrape": "true", "prometheus.io/port": str(port)} if scraped else {}
    container = {
        "name": "program",
        "image": "bandit-serving:dev",
        "command": ["python3", "/programs/program.py", str(port), *arguments],
        "ports": [{"name": "http", "containerPort": port}],
        "readinessProbe": {"httpGet": {"path": "/", "port": port, "scheme": scheme}, "periodSeconds": 1},
        "volumeMounts": [{"name": "programs", "mountPath": "/programs"}],
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace},
            "data": {"program.py": source.read_text()},
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
