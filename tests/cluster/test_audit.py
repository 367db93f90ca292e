from __future__ import annotations

import httpx
import pytest

from cluster.client import EmbeddedCluster, Namespace
from testbed.waiting import wait_until

from .objects import deployment, server

pytestmark = pytest.mark.cluster


def test_requests_are_counted_by_user_verb_resource_and_subresource(
    cluster: EmbeddedCluster, space: Namespace
) -> None:
    account = f"{space.name}:default"
    space.apply(deployment("web", 1, server("web")))
    space.kubectl("create", "rolebinding", "edit", "--clusterrole=edit", f"--serviceaccount={account}")
    token = space.kubectl("create", "token", "default").strip()
    headers = {"Authorization": f"Bearer {token}"}
    deployment_url = f"/apis/apps/v1/namespaces/{space.name}/deployments/web"
    with httpx.Client(base_url=space.endpoints.api, headers=headers, verify=False) as client:
        for replicas in 2, 3:
            patch = f'{{"spec": {{"replicas": {replicas}}}}}'
            merge = {"Content-Type": "application/merge-patch+json"}
            assert client.patch(f"{deployment_url}/scale", headers=merge, content=patch).status_code == 200
        assert client.get(deployment_url).status_code == 200
        assert client.get("/api/v1/nodes").status_code == 403
    wanted = {("patch", "deployments/scale"): 2, ("get", "deployments"): 1, ("list", "nodes"): 1}
    user = f"system:serviceaccount:{account}"
    wait_until(lambda: cluster.count_requests(user) == wanted, f"the audit log has {wanted}")


def test_requests_of_the_clusters_own_parts_are_left_out(cluster: EmbeddedCluster) -> None:
    users = {r.user for r in cluster.requests()}
    assert "kubernetes-admin" in users
    assert "system:serviceaccount:gateway:traefik" in users
    assert not {u for u in users if u.startswith(("system:node:", "system:kube-", "system:apiserver"))}
