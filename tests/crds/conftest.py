"""The definition in a real API server, and a namespace to try manifests in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.client import Cluster, Namespace
from testbed.waiting import wait_until
from tests.support import manifests

CRD = Path(__file__).parents[2] / "crds" / "bandit-operator.dev_banditdeployments.yaml"


@pytest.fixture(scope="session")
def api(cluster: Cluster) -> Iterator[Namespace]:
    """A namespace of an API server that has accepted the definition."""
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(CRD))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(CRD))
    # What is established is discovered, and described, a moment later.
    explain = ("explain", "bd", "--api-version=bandit-operator.dev/v1alpha1")
    wait_until(lambda: cluster.kubectl(*explain), "the definition is described", 30)
    space = cluster.namespace("crd-tests")
    cluster.kubectl("create", "namespace", space.name)
    yield space
    cluster.kubectl("delete", "namespace", space.name, "--wait=false")


@pytest.fixture(scope="session")
def good() -> dict[str, Any]:
    """A manifest with every kind of field; not to be changed in place."""
    return manifests.good()
