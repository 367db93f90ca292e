"""The cluster that the demo runs on: an embedded one of its own, or the one that the environment names."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack
from pathlib import Path

from cluster import client
from cluster.client import Cluster, ClusterError, EmbeddedCluster
from demo.data import Progress
from demo.rollout import NAMESPACE
from testbed.installation import images, uninstall_operator


def open_cluster(stack: ExitStack, directory: Path, keep: bool, progress: Progress) -> Cluster:
    """Give a cluster that is up, and end it, or clean it up, with the stack.

    Args:
        stack: Ends what was started.
        directory: State of an embedded cluster; what an earlier run left there is deleted.
        keep: Leave everything as it is at the end.
        progress: Called with each line worth showing.

    Raises:
        ClusterError: The folder holds something else, or the cluster does not start.
    """
    started = time.monotonic()
    if client.other_named():
        cluster = stack.enter_context(client.cluster(directory))
        if not keep:
            stack.callback(_clean_up, cluster, progress)
        return cluster
    progress(f"cluster: starting a fresh one in {directory}")
    own = EmbeddedCluster(directory, images())
    if directory.exists() and any(directory.iterdir()):
        if not (directory / "images.json").exists():  # what is deleted must be a cluster's
            raise ClusterError(
                f"--cluster-dir {directory}: holds something else; name a folder that is empty"
            )
        own.command("down", check=False)
        shutil.rmtree(directory)
    stack.callback(_leave if keep else _end, own, progress)
    own.up(keep=keep)
    progress(
        f"cluster: etcd, Kubernetes, Traefik and Prometheus are up after {time.monotonic() - started:.0f} s"
    )
    return own


def embedded(cluster: Cluster) -> EmbeddedCluster | None:
    """Return the cluster where it is the embedded one, which has an audit log to read."""
    return cluster if isinstance(cluster, EmbeddedCluster) else None


def _clean_up(cluster: Cluster, progress: Progress) -> None:
    progress("cluster: taking demo and operator off it")
    cluster.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")
    uninstall_operator(cluster)


def _end(cluster: EmbeddedCluster, progress: Progress) -> None:
    cluster.command("down", check=False)
    progress("cluster: ended")


def _leave(cluster: EmbeddedCluster, progress: Progress) -> None:
    program = client.tools() / "bin" / "cluster"
    progress(f"cluster: still up; look:    {program} kubectl --dir {cluster.directory} get bd -A")
    progress(f"cluster: still up; end it:  {program} down --dir {cluster.directory}")
