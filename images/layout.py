"""Reads an OCI image layout: unpacks an image, and packs it as an archive that other programs load."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WHITEOUT = ".wh."
"""Begins the name of what an upper layer removes."""
OPAQUE = ".wh..wh..opq"


class Layout:
    """An image of one or several architectures, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def blob(self, digest: str) -> Path:
        """Return where a blob is."""
        return self.folder / "blobs" / digest.replace(":", "/")

    def json(self, digest: str) -> dict[str, Any]:
        """Return a blob that is JSON."""
        parsed: dict[str, Any] = json.loads(self.blob(digest).read_bytes())
        return parsed

    def index(self) -> dict[str, Any]:
        """Return the index of all architectures."""
        parsed = json.loads((self.folder / "index.json").read_bytes())
        (only,) = parsed["manifests"]
        return self.json(only["digest"])

    def image(self, architecture: str) -> Image:
        """Return the image for an architecture.

        Raises:
            KeyError: Where there is none.
        """
        for described in self.index()["manifests"]:
            if described["platform"]["architecture"] == architecture:
                return Image(self, described)
        raise KeyError(f"{self.folder} has no image for {architecture}")

    def images(self) -> list[Image]:
        """Return the images of all architectures."""
        return [Image(self, described) for described in self.index()["manifests"]]


@dataclass(frozen=True)
class Image:
    """One image of a layout."""

    layout: Layout
    described: dict[str, Any]
    """Its line in the index."""

    @property
    def architecture(self) -> str:
        """Processor that it is for."""
        name: str = self.described["platform"]["architecture"]
        return name

    @property
    def digest(self) -> str:
        """Digest of its manifest."""
        digest: str = self.described["digest"]
        return digest

    @property
    def manifest(self) -> dict[str, Any]:
        """What it is made of."""
        return self.layout.json(self.digest)

    @property
    def config(self) -> dict[str, Any]:
        """How it is run."""
        return self.layout.json(self.manifest["config"]["digest"])

    def label(self, name: str) -> str:
        """Return one of the labels that OCI defines, such as ``version``; empty where there is none."""
        labels = self.config["config"].get("Labels") or {}
        value: str = labels.get(f"org.opencontainers.image.{name}", "")
        return value

    @property
    def transferred(self) -> int:
        """Bytes of its layers as they are pulled."""
        return sum(int(layer["size"]) for layer in self.manifest["layers"])

    def layers(self) -> Iterator[tarfile.TarFile]:
        """Yield its layers, lowest first."""
        for layer in self.manifest["layers"]:
            with tarfile.open(self.layout.blob(layer["digest"])) as archive:
                yield archive

    def unpack(self, folder: Path) -> int:
        """Unpack its files into a folder that does not exist yet, as this user's, and return their bytes.

        Whether a file can be executed is kept; its owner and special bits are not.
        """
        folder.mkdir(parents=True)
        total = 0
        for layer in self.layers():
            for member in layer:
                if not _removal(member, folder):
                    layer.extract(member, folder, filter=_plain)
                    total += member.size
        return total

    def described_for_runtime(self, rootfs: Path) -> dict[str, Any]:
        """Return what ``images.json`` of the embedded cluster says of it, unpacked in a folder."""
        config = self.config["config"]
        user = str(config.get("User", "")).partition(":")[0] or "0"
        return {
            "rootfs": str(rootfs), "user": int(user), "workdir": config.get("WorkingDir", ""),
            "entrypoint": config.get("Entrypoint", []), "cmd": config.get("Cmd", []),
            "env": dict(pair.split("=", 1) for pair in config.get("Env", [])),
        }  # fmt: skip

    def archive(self, name: str, target: Path) -> None:
        """Write it as one file, for ``kind load image-archive``, ``ctr images import`` and ``docker load``.

        Args:
            name: Name with tag that it is to have there.
            target: The tar archive, which is the same whenever it is written.
        """
        manifest = self.manifest
        blobs = [self.digest, manifest["config"]["digest"], *(one["digest"] for one in manifest["layers"])]
        named = {
            "io.containerd.image.name": f"docker.io/library/{name}",
            "org.opencontainers.image.ref.name": name.rpartition(":")[2],
        }
        index = {"schemaVersion": 2, "manifests": [{**self.described, "annotations": named}]}
        # What Docker reads, before its version 25.
        docker = [
            {
                "Config": _inside(manifest["config"]["digest"]),
                "RepoTags": [name],
                "Layers": [_inside(one["digest"]) for one in manifest["layers"]],
            }
        ]
        with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as archive:
            for digest in dict.fromkeys(blobs):
                member = tarfile.TarInfo(_inside(digest))
                member.size = self.layout.blob(digest).stat().st_size
                with self.layout.blob(digest).open("rb") as content:
                    archive.addfile(member, content)
            version = {"imageLayoutVersion": "1.0.0"}
            for file, value in {"index.json": index, "manifest.json": docker, "oci-layout": version}.items():
                text = json.dumps(value).encode()
                member = tarfile.TarInfo(file)
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text))


def _inside(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _plain(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    """Return a member that stays in its folder, as this user's; a device is left out."""
    if member.isdev():
        return None
    kept = member.replace(
        uid=os.getuid(), gid=os.getgid(), uname="", gname="", mode=member.mode | 0o200, deep=False
    )
    return tarfile.tar_filter(kept, folder)


def _removal(member: tarfile.TarInfo, folder: Path) -> bool:
    """Carry out a whiteout, and tell whether the member was one."""
    path = Path(member.name)
    if not path.name.startswith(WHITEOUT):
        return False
    gone = list((folder / path.parent).iterdir()) if path.name == OPAQUE else [
        folder / path.with_name(path.name.removeprefix(WHITEOUT))
    ]  # fmt: skip
    for one in gone:
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink(missing_ok=True)
    return True
