"""The real controller of Argo CD applies a rollout from Git, with the snippets of docs/gitops.md."""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from cluster.client import EmbeddedCluster
from testbed import argocd, git_repository
from testbed.git_repository import GitRepository
from testbed.waiting import wait_until
from tests.support import gitops
from tests.support.gitops import SNIPPETS, Models, Objects, Way

pytestmark = [pytest.mark.cluster, pytest.mark.gitops]

LABEL = "example.com/commit"


@pytest.fixture(scope="module", autouse=True)
def _argocd(cluster: EmbeddedCluster) -> None:
    argocd.install_argocd(cluster, gitops.EVERY, SNIPPETS["ConfigMap"]["data"])


def with_route_ref(commit: int) -> Objects:
    """The route in Git, whose label each commit changes; of its rules Argo CD takes over nothing."""
    return gitops.with_route_ref(lambda route: route["metadata"].update(labels={LABEL: str(commit)}))


def has_label(route: Mapping[str, Any], commit: int) -> bool:
    """Whether the label of a commit has come to the route."""
    return bool(route["metadata"].get("labels", {}).get(LABEL) == str(commit))


def application(*, ignoring: bool) -> dict[str, Any]:
    """The page's Application, for this repository; it takes along what it made."""
    one = copy.deepcopy(SNIPPETS["Application"])
    one["metadata"]["finalizers"] = ["resources-finalizer.argocd.argoproj.io"]
    one["spec"]["source"]["repoURL"] = git_repository.ADDRESS
    if not ignoring:
        del one["spec"]["ignoreDifferences"]
    return one


def status(cluster: EmbeddedCluster) -> dict[str, Any]:
    """What Argo CD says of the Application."""
    found: dict[str, Any] = cluster.namespace(argocd.NAMESPACE).get("application", "models").get("status", {})
    return found


def unsynced(cluster: EmbeddedCluster) -> list[str]:
    """What differs from Git, as Argo CD sees it."""
    return [
        f"{one['kind']} {one['name']}" for one in status(cluster)["resources"] if one["status"] != "Synced"
    ]


def is_applied(cluster: EmbeddedCluster, revision: str) -> bool:
    """Whether Argo CD has applied a revision, or says that there was nothing to apply."""
    said = status(cluster)
    done = said.get("operationState", {})
    applied = done.get("syncResult", {}).get("revision") == revision and done.get("phase") == "Succeeded"
    return applied or said.get("sync") == {**said.get("sync", {}), "revision": revision, "status": "Synced"}


@pytest.mark.parametrize(
    ("in_git", "arrived", "ignoring"),
    [(with_route_ref, has_label, True), (gitops.with_route_template, gitops.has_timeout, False)],
)
def test_argo_cd_goes_round_and_no_weight_is_fought_over(
    cluster: EmbeddedCluster,
    git: GitRepository,
    in_git: Any,
    arrived: Any,
    ignoring: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    way = Way(
        f"Argo CD {in_git.__name__}",
        in_git,
        arrived,
        argocd.ACCOUNT,
        lambda: sum(value for _, value in cluster.query("argocd_app_reconcile_count")),
    )
    gitops.first_commit(cluster, git, way, application(ignoring=ignoring))
    seen, table = gitops.watch(cluster, git, way)
    with capsys.disabled():
        sys.stdout.write(table)
    seen.check()
    # A synchronisation that meets a move puts back the weights that it has read a moment before.
    assert seen.foreign <= (seen.commits if ignoring else 0)
    wait_until(lambda: not unsynced(cluster), "the Application is Synced", 60)
    assert status(cluster)["health"]["status"] == "Healthy"
    if ignoring:
        _a_change_in_the_rules_does_not_arrive(cluster, git)
    else:
        _one_that_is_paused_is_suspended(cluster, git)
    cluster.namespace(argocd.NAMESPACE).kubectl("delete", "application", "models", "--timeout=120s")
    wait_until(lambda: gitops.is_pruned(cluster), "everything is pruned", 60)


def _a_change_in_the_rules_does_not_arrive(cluster: EmbeddedCluster, git: GitRepository) -> None:
    """What the page says that Argo CD cannot do."""

    def slower(route: dict[str, Any]) -> None:
        route["spec"]["rules"][0]["timeouts"] = gitops.timeout(0)

    objects = [*gitops.shared(), *gitops.with_route_ref(slower)]
    revision = git.push("timeouts", {"models/all.yaml": objects})
    wait_until(lambda: is_applied(cluster, revision), "the last commit is applied", 60)
    assert status(cluster)["sync"]["status"] == "OutOfSync"
    assert not gitops.has_timeout(Models(cluster).route(), 0)


def _one_that_is_paused_is_suspended(cluster: EmbeddedCluster, git: GitRepository) -> None:
    """Argo CD takes the resource's health from its conditions, as the page lets it."""
    (resource,) = gitops.with_route_template(0)
    resource["spec"]["mode"] = "Paused"
    git.push("pause", {"models/all.yaml": [*gitops.shared(), resource]})
    wait_until(lambda: status(cluster)["health"]["status"] == "Suspended", "it is Suspended", 60)
