"""On machines that forbid user namespaces; made by a namespace in which none can be made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cluster.client import tools

from .conftest import new_cluster

pytestmark = pytest.mark.cluster

FORBID = "echo 0 > /proc/sys/user/max_user_namespaces && exec "


def up_where_forbidden(directory: Path, wrapper: str) -> subprocess.CompletedProcess[str]:
    command = f"{FORBID} {wrapper} {tools()}/bin/cluster up --detach --dir {directory}"
    unshare = ["unshare", "--user", "--map-root-user", "sh", "-c", command]
    return subprocess.run(unshare, capture_output=True, text=True, check=False, timeout=120)


def test_user_is_told_what_to_do(tmp_path: Path) -> None:
    failed = up_where_forbidden(tmp_path / "state", "setpriv --bounding-set=-all --inh-caps=-all")
    assert failed.returncode == 1
    assert "this machine does not let you use namespaces" in failed.stderr
    assert "sudo sysctl -w user.max_user_namespaces=15000" in failed.stderr
    assert "run the same command as root" in failed.stderr


def test_root_needs_no_user_namespace(tmp_path: Path) -> None:
    one = new_cluster(tmp_path / "state")
    try:
        started = up_where_forbidden(one.directory, "")
        assert started.returncode == 0, started.stderr
        assert "node-1" in one.kubectl("get", "nodes")
    finally:
        one.down()
