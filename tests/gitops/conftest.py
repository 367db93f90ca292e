"""One cluster for the tests of one controller, and the Git server that it reads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster.client import EmbeddedCluster
from testbed.git_repository import GitRepository
from tests.support import gitops


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCluster]:
    """An embedded cluster with the operator."""
    one = gitops.start(tmp_path_factory.mktemp("cluster"))
    try:
        yield one
    finally:
        one.down()


@pytest.fixture(scope="module")
def git(cluster: EmbeddedCluster, tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    """The repository that is applied."""
    return GitRepository(cluster, tmp_path_factory.mktemp("git") / "models")
