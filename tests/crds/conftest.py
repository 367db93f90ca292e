"""The definition in a real API server, and a namespace to try manifests in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Protocol

import pytest
import yaml

CRD = Path(__file__).parents[2] / "crds" / "bandit-operator.dev_banditdeployments.yaml"
NAMESPACE = "crd-tests"


class Cluster(Protocol):
    """What these tests need of a cluster."""

    def kubectl(self, *arguments: str, input: str | None = None) -> CompletedProcess[str]:
        """Run kubectl against it."""
        ...


class Api:
    """A real API server that knows the definition."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def try_(self, *arguments: str, stdin: str | None = None) -> CompletedProcess[str]:
        """Run kubectl in the tests' namespace, whatever comes of it."""
        return self.cluster.kubectl("--namespace", NAMESPACE, *arguments, input=stdin)

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl in the tests' namespace and return what it prints; it must succeed."""
        done = self.try_(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def api(cluster: Cluster) -> Iterator[Api]:
    """Return the API server after it has accepted the definition."""
    server = Api(cluster)
    server.run("apply", "--server-side", "--force-conflicts", "-f", str(CRD))
    server.run("wait", "--for=condition=Established", "--timeout=60s", "-f", str(CRD))
    if server.try_("get", "namespace", NAMESPACE).returncode:
        server.run("create", "namespace", NAMESPACE)
    yield server
    server.run("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture(scope="session")
def good() -> dict[str, Any]:
    """Return a manifest with every kind of field; not to be changed in place."""
    manifest: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "good.yaml").read_text())
    return manifest
