"""A fresh embedded cluster with the operator in it, for one measurement."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster.client import EmbeddedCluster
from testbed.installation import install_operator


@contextmanager
def fresh_cluster(
    directory: Path, images: Mapping[str, dict[str, Any]], namespace: str, *values: str
) -> Iterator[EmbeddedCluster]:
    """Start a cluster that has nothing from before, and end it afterwards.

    Args:
        directory: Folder for its state; what an earlier cluster left there is deleted.
        images: What image names mean.
        namespace: A namespace to make.
        values: Of the operator's chart, as helm's ``--set`` takes them.

    Raises:
        ClusterError: A part of it does not start.
    """
    cluster = EmbeddedCluster(directory, dict(images))
    if (directory / "images.json").exists():  # what is deleted must be a cluster's
        cluster.command("down", check=False)
        shutil.rmtree(directory)
    try:
        cluster.up()
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        install_operator(cluster, *values)
        yield cluster
    finally:
        cluster.command("down", check=False)
