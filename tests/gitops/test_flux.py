"""The real controllers of Flux reconcile a rollout from Git, with the snippets of docs/gitops.md."""

from __future__ import annotations

import copy
import sys
from typing import Any

import pytest

from cluster.client import EmbeddedCluster
from testbed import flux, git_repository
from testbed.waiting import wait_until
from tests.support import gitops
from tests.support.gitops import SNIPPETS, Objects, Way

pytestmark = [pytest.mark.cluster, pytest.mark.gitops]


@pytest.fixture(scope="module", autouse=True)
def _flux(cluster: EmbeddedCluster) -> None:
    flux.install_flux(cluster)


def with_route_ref(commit: int) -> Objects:
    """The route in Git, whose request timeout each commit changes; drift of weights is ignored."""
    timeouts = gitops.timeout(commit)
    return gitops.with_route_ref(lambda route: route["spec"]["rules"][0].update(timeouts=timeouts))


def ready_revision(cluster: EmbeddedCluster) -> str:
    """The revision that Flux has applied, once it says Ready."""
    status = cluster.namespace(flux.NAMESPACE).get("kustomization", "models").get("status", {})
    ready: dict[str, Any] = next((one for one in status.get("conditions", []) if one["type"] == "Ready"), {})
    assert ready.get("status") == "True", ready.get("message", status)
    return str(status["lastAppliedRevision"])


@pytest.mark.parametrize(
    ("in_git", "ignoring"), [(with_route_ref, True), (gitops.with_route_template, False)]
)
def test_flux_goes_round_and_no_weight_is_fought_over(
    cluster: EmbeddedCluster,
    git: git_repository.GitRepository,
    in_git: Any,
    ignoring: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    counted = 'controller_runtime_reconcile_total{controller="kustomization",result!="error"}'
    way = Way(
        f"Flux {in_git.__name__}",
        in_git,
        gitops.has_timeout,
        flux.ACCOUNT,
        lambda: sum(value for _, value in cluster.query(counted)),
    )
    source = {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": "models", "namespace": flux.NAMESPACE},
        "spec": {"interval": gitops.EVERY, "url": git_repository.ADDRESS, "ref": {"branch": "main"}},
    }
    kustomization = copy.deepcopy(SNIPPETS["Kustomization"])
    kustomization["spec"]["interval"] = gitops.EVERY
    if not ignoring:
        del kustomization["spec"]["ignore"]
    gitops.first_commit(cluster, git, way, source, kustomization)
    seen, table = gitops.watch(cluster, git, way)
    with capsys.disabled():
        sys.stdout.write(table)
    seen.check()
    assert seen.foreign == 0
    assert ready_revision(cluster)
    # What it has made goes along, so that the next way begins with nothing.
    cluster.namespace(flux.NAMESPACE).kubectl("delete", "kustomization", "models", "--timeout=90s")
    wait_until(lambda: gitops.is_pruned(cluster), "everything is pruned", 60)
