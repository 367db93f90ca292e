"""Puts together what a release has: the chart, the images, what is in them, and the checksums of all that."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from cluster.client import tools
from cluster.toolbox.run import run, step
from cluster.toolbox.store import BuildError
from images.layout import Layout
from images.recipe import FOLDER, NAMES, REPOSITORY, sources

RELEASE = REPOSITORY / "build" / "release"
CHART = REPOSITORY / "charts" / "bandit-operator"
CHECKSUMS = "SHA256SUMS"


def release() -> list[Path]:
    """Write a release, and return its files.

    Raises:
        BuildError: Where the images were not built, or were built of another commit.
    """
    files = [file for name in NAMES for file in _files_of(name)]
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


def _files_of(name: str) -> Iterator[Path]:
    """Yield what was made of an image for each of its architectures."""
    made = sources(None)
    try:
        images = Layout(FOLDER / name).images()
    except FileNotFoundError as missing:
        raise BuildError(f"{name} is not in {FOLDER}; run make images") from missing
    for image in images:
        if image.label("revision") != made.revision:
            built = image.label("revision")
            raise BuildError(f"{name} was built of {built}, and this is {made.revision}; run make images")
        for ending in ("tar", "cdx.json"):
            yield FOLDER / f"{name}-{made.version}-{image.architecture}.{ending}"


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
