"""Clusters that the environment names. Here that is the embedded one, reached as any other is."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import client
from cluster.client import EmbeddedCluster

pytestmark = pytest.mark.cluster


def is_reached(directory: Path) -> bool:
    with client.cluster(directory) as other:
        assert not isinstance(other, EmbeddedCluster)
        assert "node-1" in other.kubectl("get", "nodes")
        return bool(other.query("vector(1)"))


def test_a_kubeconfig_in_the_environment_is_used(
    cluster: EmbeddedCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    assert is_reached(tmp_path)


def test_the_cluster_of_kind_is_used_where_that_is_asked_for(
    cluster: EmbeddedCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # kind needs a container engine; what is asked of it is one command that prints a kubeconfig.
    kind = tmp_path / "bin" / "kind"
    kind.parent.mkdir()
    kind.write_text(f'#!/bin/sh\n[ "$*" = "get kubeconfig" ] && cat "{cluster.kubeconfig}"\n')
    kind.chmod(0o755)
    monkeypatch.setenv("PATH", str(kind.parent), prepend=":")
    monkeypatch.setenv("CLUSTER", "kind")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert is_reached(tmp_path / "state")
    assert (tmp_path / "state" / "kubeconfig").stat().st_mode & 0o777 == 0o600
