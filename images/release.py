"""Puts together what a release has: the chart, the images, what is in them, and the checksums of all that."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from cluster.client import tools
from cluster.toolbox.run import run, step
from cluster.toolbox.store import BuildError
from images.recipe import FOLDER, NAMES, REPOSITORY, sources

RELEASE = REPOSITORY / "build" / "release"
CHART = REPOSITORY / "charts" / "bandit-operator"
CHECKSUMS = "SHA256SUMS"


def release() -> list[Path]:
    """Write a release, and return its files.

    Raises:
        BuildError: Where the images were not built, or were built of another version.
    """
    version = sources(None).version
    files = [file for name in NAMES for file in sorted(FOLDER.glob(f"{name}-{version}-*"))]
    missing = [name for name in NAMES if not (FOLDER / f"{name}-{version}-amd64.tar").exists()]
    if missing:
        raise BuildError(f"{' and '.join(missing)} of version {version} is not in {FOLDER}; run make images")
    shutil.rmtree(RELEASE, ignore_errors=True)
    RELEASE.mkdir(parents=True)
    with step("release", 20):
        run([tools() / "bin" / "helm", "package", CHART, "--destination", RELEASE])
        for file in files:
            os.link(file, RELEASE / file.name)
        made = sorted(RELEASE.iterdir())
        lines = [f"{_sha256(file)}  {file.name}\n" for file in made]
        (RELEASE / CHECKSUMS).write_text("".join(lines), encoding="utf-8")
    return [*made, RELEASE / CHECKSUMS]


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
