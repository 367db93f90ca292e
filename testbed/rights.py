"""Accounts with all rights, for programs that have them where they are installed by their makers."""

from __future__ import annotations

from typing import Any


def administrator(namespace: str, name: str) -> list[dict[str, Any]]:
    """Return a ServiceAccount that may do anything in the cluster, and what binds its rights to it."""
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"{namespace}-{name}"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "cluster-admin",
            },
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        },
    ]
