"""The built images as the embedded cluster runs them: unpacked, each named as the chart names it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from cluster.toolbox.run import step
from cluster.toolbox.store import BuildError
from images.build import machine
from images.layout import Image, Layout
from images.recipe import FOLDER, NAMES

ROOTS = FOLDER / "rootfs"


def table() -> dict[str, dict[str, Any]]:
    """Return what ``images.json`` says of every built image, for this machine's architecture.

    Raises:
        BuildError: Where an image was not built.
    """
    found = {}
    for name in NAMES:
        try:
            image = Layout(FOLDER / name).image(machine())
        except (KeyError, FileNotFoundError) as missing:
            raise BuildError(f"{name} for {machine()} is not in {FOLDER}; run make images") from missing
        found[f"{name}:{image.label('version')}"] = image.described_for_runtime(_unpacked(image, name))
    return found


def _unpacked(image: Image, name: str) -> Path:
    """Return the folder with an image's files; those of others of that name are deleted."""
    folder = ROOTS / f"{name}-{image.digest.partition(':')[2][:16]}"
    if not folder.exists():
        for old in ROOTS.glob(f"{name}-*"):
            shutil.rmtree(old)
        making = ROOTS / f"{name}-making"
        with step(f"unpacking {name}", 15):
            image.unpack(making)
            making.rename(folder)
    return folder
