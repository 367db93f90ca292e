"""An operator that is to work in some namespaces only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from cluster.client import Cluster
from testbed.installation import OPERATOR_ACCOUNT, OPERATOR_NAMESPACE, install_operator
from testbed.rollout import Rollout
from tests.e2e import ADDRESSES, NAMESPACE

pytestmark = pytest.mark.cluster


@pytest.fixture
def confined(operator: Cluster) -> Iterator[Cluster]:
    """The operator in the tests' namespace only, and afterwards in all again."""
    install_operator(operator, f"watchNamespaces={{{NAMESPACE}}}", ADDRESSES)
    yield operator
    install_operator(operator, ADDRESSES)


@pytest.fixture
def without_cluster_roles(operator: Cluster) -> Iterator[Cluster]:
    """The operator in the tests' namespace, with no right that counts elsewhere; afterwards as before."""
    install_operator(operator, f"watchNamespaces={{{NAMESPACE}}}", "rbac.clusterWide=false", ADDRESSES)
    yield operator
    install_operator(operator, ADDRESSES)


def may_patch_routes(cluster: Cluster, namespace: str) -> bool:
    question = (
        "auth",
        "can-i",
        "patch",
        "httproutes",
        f"--as={OPERATOR_ACCOUNT}",
        f"--namespace={namespace}",
    )
    return cluster.run("cluster", "kubectl", *question, check=False).stdout.strip() == "yes"


def test_it_works_in_its_namespaces_and_has_no_rights_in_others(
    rollout: Callable[..., Rollout], steer: Callable[..., None], confined: Cluster
) -> None:
    elsewhere = rollout("x").resource()
    elsewhere["metadata"]["namespace"] = "default"
    confined.apply(elsewhere)
    one = rollout()
    steer(one.name, good=(60, 0.9), bad=(60, 0.2))
    one.create()
    one.wait_for_move()
    assert may_patch_routes(confined, NAMESPACE)
    assert not may_patch_routes(confined, "default")
    assert "status" not in confined.namespace("default").get("bd", elsewhere["metadata"]["name"])
    confined.namespace("default").kubectl("delete", "bd", elsewhere["metadata"]["name"])


def test_it_moves_traffic_without_any_right_in_the_whole_cluster(
    rollout: Callable[..., Rollout], steer: Callable[..., None], without_cluster_roles: Cluster
) -> None:
    kinds, release = "clusterroles,clusterrolebindings", "app.kubernetes.io/instance=bandit-operator"
    assert without_cluster_roles.kubectl("get", kinds, "-l", release, "-o", "name") == ""
    one = rollout()
    steer(one.name, good=(60, 0.9), bad=(60, 0.2))
    one.create()
    one.wait_for_move()
    logged = without_cluster_roles.kubectl("logs", "-n", OPERATOR_NAMESPACE, "deployment/bandit-operator")
    assert "kinds and namespaces that come later are noticed after a restart only" in logged
    assert '"list customresourcedefinitions", "watch customresourcedefinitions", "list namespaces"' in logged
    assert "will retry" not in logged, "something that it may not do is asked again"
