"""Builds the images: a base for each architecture, each Dockerfile on it, and what is made of the result."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.toolbox.run import step
from images.base import BUILDING, RUNNING, root_filesystem
from images.buildah import Buildah
from images.layout import Image, Layout
from images.materials import bill
from images.recipe import FOLDER, NAMES, REPOSITORY, Sources

BUILD_SECONDS = 60
"""What one image takes for one architecture on two cores, most of it for downloads."""


def machine() -> str:
    """Return the architecture of this machine, as OCI calls it."""
    name = os.uname().machine
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(name, name)


@contextmanager
def _store() -> Iterator[Buildah]:
    """Give an empty store, which is deleted afterwards: what is kept are the layouts."""
    folder = FOLDER / "store"
    buildah = Buildah(folder)
    try:
        yield buildah
    finally:
        buildah.delete()
        shutil.rmtree(folder, ignore_errors=True)


def build(sources: Sources, architectures: tuple[str, ...], base: str | None) -> list[Path]:
    """Build every image for some architectures, and return the folders of their layouts.

    Args:
        sources: What they are built of.
        architectures: What they are for.
        base: Image to build and run on, by its digest; none: one made of Debian's packages.

    Raises:
        BuildError: Where a program is missing, or a step fails.
    """
    with _store() as buildah:
        bases = {architecture: _bases(buildah, sources, architecture, base) for architecture in architectures}
        for name, dockerfile in NAMES.items():
            for architecture, arguments in bases.items():
                with step(f"{name} for {architecture}", BUILD_SECONDS):
                    buildah.build(
                        REPOSITORY / dockerfile,
                        REPOSITORY,
                        f"localhost/{name}:{architecture}",
                        architecture,
                        sources.time,
                        {**arguments, **_arguments(sources)},
                        _annotations(sources, name, arguments),
                    )
        return [_written(buildah, sources, name, architectures) for name in NAMES]


def _bases(buildah: Buildah, sources: Sources, architecture: str, base: str | None) -> dict[str, str]:
    """Return the build arguments that name what an architecture is built on."""
    if base is not None:
        with step(f"base image for {architecture}", 20):
            buildah.pulled(base, architecture)
        return {"PYTHON": base}
    wanted = {"PYTHON": (RUNNING, architecture), "BUILDER": (BUILDING, machine())}
    made = {}
    with step(f"base image for {architecture}, from Debian's packages", 30):
        for argument, (packages, processor) in wanted.items():
            archive = FOLDER / "store" / f"{argument.lower()}-{processor}.tar"
            root_filesystem(packages, processor, sources.time, archive)
            name = f"localhost/debian-{argument.lower()}:{architecture}"
            made[argument] = buildah.imported(archive, name, processor, sources.time)
            archive.unlink()
    return made


def _arguments(sources: Sources) -> dict[str, str]:
    return {"VERSION": sources.version, "REVISION": sources.revision, "SOURCE": sources.url}


def _annotations(sources: Sources, name: str, arguments: dict[str, str]) -> dict[str, str]:
    """Return what the manifest says of where the image comes from."""
    base, _, digest = arguments["PYTHON"].partition("@")
    said = {
        "title": name, "version": sources.version, "revision": sources.revision, "source": sources.url,
        "licenses": "Apache-2.0", "base.name": base, "base.digest": digest,
    }  # fmt: skip
    return {f"org.opencontainers.image.{key}": value for key, value in said.items() if value}


def _written(buildah: Buildah, sources: Sources, name: str, architectures: tuple[str, ...]) -> Path:
    """Write an image's layout, and beside it an archive and a bill of materials for each architecture."""
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    for old in FOLDER.glob(f"{name}-*"):
        old.unlink()
    with step(f"layout and archives of {name}", 30):
        buildah.write(
            [f"localhost/{name}:{architecture}" for architecture in architectures], folder, sources.version
        )
        for image in Layout(folder).images():
            stem = FOLDER / f"{name}-{sources.version}-{image.architecture}"
            image.archive(f"{name}:{sources.version}", stem.with_name(f"{stem.name}.tar"))
            text = json.dumps(bill(image, name, sources.version, sources.url), indent=1)
            stem.with_name(f"{stem.name}.cdx.json").write_text(f"{text}\n", encoding="utf-8")
    return folder


def unpacked_bytes(image: Image) -> int:
    """Return how many bytes the files of an image have."""
    return sum(member.size for layer in image.layers() for member in layer)
