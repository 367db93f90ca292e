"""Buildah with a store of its own: it executes a Dockerfile without a daemon."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from cluster.toolbox.run import run
from cluster.toolbox.store import BuildError

AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
"""Where the base image looks for certificates of authorities."""


class Buildah:
    """A store of images in a folder.

    Raises:
        BuildError: Where there is no buildah.
    """

    def __init__(self, folder: Path) -> None:
        if not shutil.which("buildah"):
            raise BuildError(
                "no buildah (Debian: apt install buildah mmdebstrap); with Docker see docs/install.md"
            )
        folder.mkdir(parents=True, exist_ok=True)
        self._options = ["--root", str(folder / "store"), "--runroot", str(folder / "run")]

    def _run(self, *words: str | Path) -> str:
        return run(["buildah", *self._options, *words]).strip()

    def imported(self, archive: Path, name: str, architecture: str, time: int) -> str:
        """Make an image of one layer, and return its name with its digest."""
        container = self._run("from", "--arch", architecture, "scratch")
        self._run("add", "--quiet", container, archive, "/")
        self._run("commit", "--quiet", "--rm", "--timestamp", str(time), container, name)
        listed = self._run("images", "--format", "{{.Digest}}", name)
        return f"{name.rpartition(':')[0]}@{listed.splitlines()[0]}"

    def pulled(self, name: str, architecture: str) -> None:
        """Bring an image from its registry, unless it is there."""
        self._run("pull", "--quiet", "--policy", "ifmissing", "--arch", architecture, name)

    def build(
        self, dockerfile: Path, context: Path, name: str, architecture: str, time: int,
        arguments: Mapping[str, str], annotations: Mapping[str, str],
    ) -> None:  # fmt: skip
        """Execute a Dockerfile for an architecture; every file that it adds bears the given time."""
        mounts = []
        if bundle := os.environ.get("SSL_CERT_FILE"):  # where an authority of this network's own signs
            mounts = ["--volume", f"{Path(bundle).resolve()}:{AUTHORITIES}:ro"]
        self._run(
            "build", "--isolation", "chroot", "--platform", f"linux/{architecture}", "--timestamp", str(time),
            "--format", "oci", *mounts,
            *(word for pair in arguments.items() for word in ("--build-arg", "=".join(pair))),
            *(word for pair in annotations.items() for word in ("--annotation", "=".join(pair))),
            "--file", dockerfile, "--tag", name, context,
        )  # fmt: skip

    def write(self, names: list[str], layout: Path, tag: str) -> None:
        """Write images of several architectures as one OCI layout."""
        listed = f"localhost/index:{tag}"
        self._run("manifest", "create", listed)
        try:
            for name in names:
                self._run("manifest", "add", listed, f"containers-storage:{name}")
            self._run("manifest", "push", "--all", "--quiet", listed, f"oci:{layout}:{tag}")
        finally:
            self._run("manifest", "rm", listed)

    def delete(self) -> None:
        """Delete every image of the store."""
        self._run("rmi", "--all", "--force")
