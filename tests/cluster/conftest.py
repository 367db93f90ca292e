from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.client import EmbeddedCluster, Namespace

SERVER = Path(__file__).with_name("server.py")

IMAGES = {
    "server:1": {"entrypoint": [sys.executable, "/app/server.py"]},
    "shell:1": {"entrypoint": ["/bin/sh", "-c"], "cmd": ["exec sleep 3600"]},
}


def new_cluster(directory: Path) -> EmbeddedCluster:
    """Make a cluster that knows the tests' images; it is not up yet."""
    return EmbeddedCluster(directory, dict(IMAGES))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCluster]:
    one = new_cluster(tmp_path_factory.mktemp("cluster"))
    try:
        one.up()
        yield one
    finally:
        one.down()


@pytest.fixture(scope="session")
def _second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCluster]:
    # Longer than the address of a Unix socket can be.
    one = new_cluster(tmp_path_factory.mktemp("second") / ("long" * 30))
    yield one
    one.down()


@pytest.fixture
def second(_second: EmbeddedCluster) -> EmbeddedCluster:
    """Give a cluster that a test may end as it likes: without kube-proxy, and in a folder of a long name."""
    if _second.command("status", check=False).returncode != 0:
        _second.up("--relay")
    return _second


def new_namespace(cluster: EmbeddedCluster) -> Namespace:
    """Make a namespace with the program of ``server:1`` in the ConfigMap ``app``."""
    space = cluster.namespace(f"test-{uuid.uuid4().hex[:8]}")
    cluster.kubectl("create", "namespace", space.name)
    space.kubectl("create", "configmap", "app", f"--from-file={SERVER}")
    return space


@pytest.fixture
def space(cluster: EmbeddedCluster) -> Iterator[Namespace]:
    one = new_namespace(cluster)
    yield one
    cluster.kubectl("delete", "namespace", one.name, "--wait=false")
