"""Kubernetes objects for the tests."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def server(name: str, **more: Any) -> Object:
    """Return a container that serves on port 8000 and answers its name."""
    return {
        "name": "server",
        "image": "server:1",
        "env": [{"name": "NAME", "value": name}],
        "ports": [{"name": "http", "containerPort": 8000}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1},
        "volumeMounts": [{"name": "app", "mountPath": "/app"}],
        **more,
    }


def shell(script: str, **more: Any) -> Object:
    return {"name": "shell", "image": "shell:1", "args": [script], **more}


def pod_spec(container: Object, **more: Any) -> Object:
    volumes = [{"name": "app", "configMap": {"name": "app"}}]
    return {"containers": [container], "volumes": volumes, "terminationGracePeriodSeconds": 5, **more}


def pod(name: str, container: Object, **more: Any) -> Object:
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
        "spec": pod_spec(container, **more),
    }  # fmt: skip


def deployment(name: str, replicas: int, container: Object, **annotations: str) -> Object:
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": annotations},
                "spec": pod_spec(container),
            },
        },
    }  # fmt: skip


def service(name: str, **more: Any) -> Object:
    ports = [{"name": "http", "port": 80, "targetPort": 8000}]
    return {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": ports, **more},
    }  # fmt: skip


def route(kind: str, name: str, weights: dict[str, int]) -> Object:
    """Return a route of the Gateway ``main`` for the host ``NAME.test``."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": kind, "metadata": {"name": name},
        "spec": {
            "parentRefs": [{"name": "main", "namespace": "gateway"}],
            "hostnames": [f"{name}.test"],
            "rules": [{"backendRefs": [{"name": n, "port": 80, "weight": w} for n, w in weights.items()]}],
        },
    }  # fmt: skip
